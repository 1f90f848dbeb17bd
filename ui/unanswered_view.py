"""What the documents lack, as HTML. Questions are what readers typed, and are escaped here."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from ui.conversation import address
from ui.markup import counted, escaped, shortened
from ui.unanswered import MOST, Group

if TYPE_CHECKING:
    from rag_app.library.quality import Unanswered

GROUPS_SHOWN, QUESTIONS_SHOWN = 15, 8


def groups_html(groups: Sequence[Group], zone: tzinfo) -> str:
    """Return the questions that got no answer: those asked more than once by group, then the rest."""
    if not groups:
        return '<p class="quiet">Every question that was asked here found an answer in your documents.</p>'
    often = [group for group in groups if len(group.questions) > 1]
    once = [group for group in groups if len(group.questions) == 1]
    asked = sum(len(group.questions) for group in groups)
    most = f" The latest {MOST:,} are grouped." if asked >= MOST else ""
    items = "".join(_group_html(group, zone) for group in often[:GROUPS_SHOWN])
    left = len(often) - GROUPS_SHOWN
    more = f'<p class="quiet">And {counted(left, "smaller group")}.</p>' if left > 0 else ""
    single = _single_html(once, zone) if once else ""
    return (
        f'<p class="quiet">{counted(asked, "question")} found no answer, about {counted(len(groups), "subject")}. '
        f"Documents that answer them would help most, from the top.{most}</p>"
        f'<div class="lacks">{items}</div>{more}{single}'
    )


def _group_html(group: Group, zone: tzinfo) -> str:
    number = len(group.questions)
    shown = "".join(_question_html(question, zone) for question in group.questions[:QUESTIONS_SHOWN])
    rest = f'<li class="quiet">and {number - QUESTIONS_SHOWN:,} more</li>' if number > QUESTIONS_SHOWN else ""
    return (
        f'<details class="passages"><summary><span class="name" dir="auto">{escaped(shortened(group.name, 200))}</span>'
        f'<span class="where">asked {number:,} times, last on {as_day(group.latest, zone)}</span></summary>'
        f"<ol>{shown}{rest}</ol></details>"
    )


def _single_html(groups: Sequence[Group], zone: tzinfo) -> str:
    latest = sorted(groups, key=lambda group: group.latest, reverse=True)
    shown = "".join(_question_html(group.questions[0], zone) for group in latest[: 4 * QUESTIONS_SHOWN])
    left = len(groups) - 4 * QUESTIONS_SHOWN
    rest = f'<li class="quiet">and {left:,} more</li>' if left > 0 else ""
    return (
        f'<details class="passages"><summary><span class="name">Asked once</span><span class="where">'
        f"{counted(len(groups), 'question')}</span></summary><ol>{shown}{rest}</ol></details>"
    )


def _question_html(question: "Unanswered", zone: tzinfo) -> str:
    return (
        f'<li><a href="{conversation_link(question.conversation_id)}" target="_self" dir="auto">'
        f"{escaped(shortened(question.question, 300))}</a> "
        f'<span class="where">{as_day(question.asked_at, zone)}</span></li>'
    )


def conversation_link(conversation_id: str) -> str:
    """Return where a conversation is read, as seen from another page."""
    (pair,) = address(conversation_id).items()
    return f"./?{pair[0]}={escaped(pair[1])}"


def as_day(moment: datetime, zone: tzinfo) -> str:
    """Return a day as people write it, by the reader's clock."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y}"
