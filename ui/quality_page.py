"""The quality page: how questions fare, what readers think of the answers, and what the documents lack."""

import json
from collections.abc import Sequence
from datetime import datetime, time, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.conversation_list import reader_zone
from ui.feedback import said_html
from ui.guard import show_receipt, told_in_words
from ui.markup import counted, escaped, shortened
from ui.quality import Figures, milliseconds, steps_of, stretches_of
from ui.quality_charts import draw_answer_rate, draw_confidence, draw_over_time, reasons_html, steps_html
from ui.read_only import check_may_change, is_read_only
from ui.report_view import draw_report
from ui.unanswered import Outcome, grouper
from ui.unanswered_view import as_day, conversation_link, groups_html

if TYPE_CHECKING:
    from rag_app.assembly import Application
    from rag_app.library import Library
    from rag_app.library.window import Window

PERIODS = {7: "7 days", 30: "30 days", 90: "90 days", 0: "All time"}
VERDICTS_SHOWN = 10
_FIGURES = "quality_figures"
_RECEIPT = "quality_receipt"


def show(application: "Application") -> None:
    """Draw the quality page."""
    library = application.library
    st.html(
        '<div class="title library"><h1>Quality</h1><p class="quiet">Counted from the conversations that are kept on '
        "this computer. Nothing of it is sent anywhere.</p></div>"
    )
    receipt = st.session_state.pop(_RECEIPT, None)
    if receipt:
        show_receipt(receipt)
    window = _choose_window(library.collections())
    figures = _figures_of(library, window)
    if figures.counts.asked:
        _draw_figures(figures)
        _headed("What your documents lack")
        _draw_unanswered(application, window)
    else:
        st.html(
            '<p class="quiet">No questions were asked here in this time. Ask some in the chat: this page then shows '
            "how they fare, and which of them your documents do not answer.</p>"
        )
    _headed("Feedback")
    _draw_feedback(library, figures)
    _headed("Measured on questions with known answers")
    draw_report(application.settings)


def _choose_window(collections: Sequence[str]) -> "Window":
    from rag_app.library.window import Window

    with st.container(horizontal=True, key="quality-window"):
        days = st.segmented_control(
            "Asked in the last", list(PERIODS), default=30, format_func=PERIODS.__getitem__, required=True, key="period"
        )
        collection = st.selectbox(
            "About documents in",
            ["", *collections],
            format_func=lambda name: name or "All collections",
            key="quality-collection",
            help="A question counts for a collection if passages of it were read for the answer",
        )
    zone = reader_zone()
    today = datetime.combine(datetime.now(zone).date(), time(), zone)
    return Window(today - timedelta(days=days - 1) if days else None, collection or None)


def _figures_of(library: "Library", window: "Window") -> Figures:
    """Return the figures of a window, counted anew only when something has changed."""
    key = (window, library.quality.stamp())
    known: tuple[object, Figures] | None = st.session_state.get(_FIGURES)
    if known is None or known[0] != key:
        known = (key, count_figures(library, window, reader_zone()))
        st.session_state[_FIGURES] = known
    return known[1]


def count_figures(library: "Library", window: "Window", zone: tzinfo) -> Figures:
    """Count everything that the page shows of a window."""
    from rag_app.library.quality import Counts

    quality, now = library.quality, datetime.now(zone)
    offset = now.utcoffset() or timedelta()
    days = quality.days(window, offset_minutes=int(offset.total_seconds() // 60))
    first = window.since.astimezone(zone).date() if window.since else None
    stretches, unit = stretches_of(days, first=first, last=now.date())
    return Figures(
        counts=sum(days.values(), Counts()),
        stretches=stretches,
        unit=unit,
        steps=steps_of(quality.timings(window)),
        bins=quality.confidence(window),
        verdicts=quality.verdicts(window),
        judged=library.feedback.judged(window, limit=VERDICTS_SHOWN),
    )


def _headed(words: str) -> None:
    st.html(f'<h2 class="section">{words}</h2>')


def _draw_figures(figures: Figures) -> None:
    st.html(numbers_html(figures))
    _headed("Answer rate")
    st.html('<p class="quiet">The share that was answered, of the questions that came to an end.</p>')
    draw_answer_rate(figures.stretches, figures.unit)
    _headed("Questions")
    draw_over_time(figures.stretches, figures.unit)
    if figures.steps:
        _headed("Time")
        st.html(steps_html(figures.steps))


def numbers_html(figures: Figures) -> str:
    """Return the figures that matter most, in a row."""
    counts, judged = figures.counts, figures.helpful + figures.unhelpful
    broken = counts.failed + counts.stopped
    numbers = [
        ("Asked", f"{counts.asked:,}", "questions"),
        ("Answered", f"{counts.answered / counts.asked:.0%}", counted(counts.answered, "answer")),
        ("Not in the documents", f"{counts.declined / counts.asked:.0%}", counted(counts.declined, "question")),
        ("Failed or stopped", f"{broken / counts.asked:.0%}", f"{counts.failed:,} failed, {counts.stopped:,} stopped"),
        ("Helpful", f"{figures.helpful / judged:.0%}" if judged else "–", f"of {judged:,} judged"),
    ]
    if figures.steps:
        whole = figures.steps[0]
        numbers.append(("Typical time", milliseconds(whole.p50), f"19 of 20 within {milliseconds(whole.p95)}"))
    items = "".join(
        f"<div><dt>{name}</dt><dd><strong>{value}</strong> <span>{more}</span></dd></div>"
        for name, value, more in numbers
    )
    return f'<dl class="numbers-row">{items}</dl>'


def _draw_unanswered(application: "Application", window: "Window") -> None:
    """Draw the groups once they are found, and until then look for them every second, apart from the page."""
    outcome = grouper().outcome(application, window)
    waiting = outcome.groups is None and not outcome.error
    st.fragment(_draw_groups, run_every=1.0 if waiting else None)(application, window, waiting)


def _draw_groups(application: "Application", window: "Window", was_waiting: bool) -> None:
    with told_in_words():
        outcome: Outcome = grouper().outcome(application, window)
        if outcome.error:
            st.html(f'<p class="quiet" dir="auto">{escaped(outcome.error)}</p>')
        elif outcome.groups is None:
            st.html('<p class="quiet" role="status">Grouping the questions…</p>')
            return
        else:
            st.html(groups_html(outcome.groups, reader_zone()))
    if was_waiting:
        # Drawn whole once more, so that nobody goes on asking.
        st.rerun()


def _draw_feedback(library: "Library", figures: Figures) -> None:
    judged = figures.helpful + figures.unhelpful
    if judged:
        st.html(
            f'<p class="quiet">{counted(judged, "answer")} judged: {figures.helpful:,} helpful, '
            f"{figures.unhelpful:,} not.</p>"
        )
        if figures.unhelpful:
            st.html(reasons_html(figures.verdicts))
        if any(b.helpful + b.unhelpful for b in figures.bins):
            _headed("Confidence and feedback")
            draw_confidence(figures.bins)
        st.html(judged_html(figures.judged, reader_zone()))
    else:
        st.html('<p class="quiet">No answer was judged in this time. The thumbs below an answer do that.</p>')
    _draw_taking(library)


def judged_html(judged: Sequence[Any], zone: tzinfo) -> str:
    """Return the latest verdicts, with what was said."""
    items = "".join(
        f'<li><div class="head"><a class="name" dir="auto" href="{conversation_link(turn.conversation_id)}" '
        f'target="_self">{escaped(shortened(turn.question, 200))}</a>'
        f'<span class="where">{"helpful" if turn.feedback.helpful else "not helpful"}, '
        f"{as_day(turn.feedback.given_at, zone)}</span></div>{said_html(turn.feedback)}</li>"
        for turn in judged
    )
    return f'<details class="passages"><summary>The latest verdicts</summary><ol>{items}</ol></details>'


def _draw_taking(library: "Library") -> None:
    """Offer to take all feedback along, and to delete it."""
    count = library.feedback.count()
    if not count:
        return
    st.html(
        '<p class="quiet">As a file, what was said becomes questions with known answers: what helped is right, a '
        "correction is right instead, and what should have been silence has no answer. Measure with it:</p>"
        '<pre class="command">rag-app eval feedback.jsonl --mode given</pre>'
        '<p class="quiet">Feedback stays on this computer, and words of a document that is removed go from it. '
        "A file that you save is yours: it holds passages of your documents, and what is removed here stays in it.</p>"
    )
    with st.container(horizontal=True, key="feedback-actions"):
        st.download_button(
            "Save as evaluation file",
            partial(evaluation_file, library),
            file_name="feedback.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            on_click="ignore",
            key="feedback-export",
        )
        if not is_read_only() and st.button("Delete all feedback", icon=":material/delete:", key="feedback-delete"):
            _confirm_deletion(library, count)


def evaluation_file(library: "Library") -> str:
    """Return the feedback as the lines of an evaluation file."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in library.feedback.evaluation_rows())


@st.dialog("Delete all feedback?")
def _confirm_deletion(library: "Library", count: int) -> None:
    with told_in_words():
        st.html(
            f'<p class="quiet">{counted(count, "verdict")} with all reasons and corrections will be deleted for good, '
            "of all times and collections. Conversations stay.</p>"
        )
        yes, no = st.columns(2)
        if yes.button("Delete", type="primary", width="stretch", key="feedback-delete-yes"):
            check_may_change()
            st.session_state[_RECEIPT] = f"Deleted {counted(library.feedback.remove_all(), 'verdict')}."
            st.rerun()
        if no.button("Keep", width="stretch", key="feedback-delete-no"):
            st.rerun()
