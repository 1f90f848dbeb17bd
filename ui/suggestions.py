"""What could be asked next: questions made of the sentences around the sources, of which each was tried.

They are found while nobody waits for an answer, and kept in memory alone: they hold words of the documents.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.errors import NotFound
from rag_app.records import Message, Scope
from ui.desk import desk
from ui.markup import as_label

if TYPE_CHECKING:
    from rag_app.answering.reply import Reply
    from rag_app.assembly import Application
    from rag_app.records import Answer
    from ui.conversation import Turn

MOST = 3
TRIED = 8
"""So many questions are tried before it is enough, whatever came of them."""
NEAR = 3000
"""Characters from a source within which a sentence is about the same."""
_REMEMBERED = 100

Place = tuple[int, int, int]
"""A document's id and a span of its text."""


@dataclass(slots=True)
class Finding:
    """Questions that are being tried, and those that proved to be answered. ``waiting`` holds (question, place).

    ``revision`` is the state of the library in which they are tried.
    """

    application: "Application"
    history: Sequence[Message]
    scope: Scope
    revision: int
    waiting: list[tuple[str, Place]] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    done: bool = False
    _reply: "Reply | None" = None
    _gave_way: bool = False

    def go_on(self) -> bool:
        """Try the next question; say whether there is more to do."""
        if self.application.library.revision != self.revision:
            # Their words may be gone. Not done: while documents come in, a page would be drawn anew with each of them.
            self.waiting, self.found = [], []
            return False
        try:
            proved = self._proves(*self.waiting[0])
        except BaseException:
            self.done = True  # Nobody need look any more.
            raise
        finally:
            self._reply, self._gave_way = None, False
        if proved is None:
            return True
        question, _ = self.waiting.pop(0)
        if proved:
            self.found.append(question)
        self.done = not self.waiting or len(self.found) >= MOST
        return not self.done

    def give_way(self) -> None:
        """Let the question that is being tried wait."""
        self._gave_way = True
        reply = self._reply
        if reply:
            reply.stop()

    def _proves(self, question: str, place: Place) -> bool | None:
        """Say whether the question is answered from the very sentence that it was made of; None if it must wait."""
        self._reply = reply = self.application.assistant.ask(question, history=self.history, scope=self.scope)
        if self._gave_way:
            return None  # Asked to between the two, when there was no reply yet to be stopped.
        for _ in reply:
            pass
        if self._gave_way:
            return None
        answer = reply.answer
        if answer.abstained or any(sentence.status == "unsupported" for sentence in answer.sentences):
            return False
        document, start, end = place
        return any(c.document.id == document and c.start < end and start < c.end for c in answer.citations)


class Suggestions:
    """The findings of the latest answers, by turn and state of the library."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision = -1
        self._known: OrderedDict[Hashable, Finding] = OrderedDict()

    def known(self, key: Hashable, *, revision: int) -> Finding | None:
        """Return what is known for an answer; nothing that was found in another state of the library is."""
        with self._lock:
            if revision != self._revision:
                self._known.clear()
                self._revision = revision
            return self._known.get(key)

    def begin(self, key: Hashable, finding: Finding) -> None:
        """Look among the questions that wait in a finding, once nobody waits for an answer."""
        finding.done = not finding.waiting
        with self._lock:
            self._known[key] = finding
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if finding.waiting:
            desk().when_idle(finding)


@st.cache_resource(show_spinner=False)
def suggestions() -> Suggestions:
    """Return the suggestions of this server."""
    return Suggestions()


def draw_suggestions(
    application: "Application", turns: "Sequence[Turn]", scope: Scope, ask: Callable[["Application", str], None]
) -> None:
    """Draw what could be asked after the last of the turns, once that is known."""
    last = turns[-1]
    if last.answer is None or last.answer.kind == "small_talk":
        return
    revision = application.library.revision
    key = (last.id, scope, application.settings)
    finding = suggestions().known(key, revision=revision)
    if finding is None:
        asked = [turn.question for turn in turns]
        finding = Finding(application, _history(turns), scope, revision, candidates(application, last.answer, asked))
        suggestions().begin(key, finding)
    if not finding.done:
        _watch(finding)
    elif finding.found:
        words = "These can be answered" if last.answer.abstained else "Ask next"
        with st.container(key=f"next-{last.number}", gap="xsmall"):
            st.html(f'<h3 class="next">{words}</h3>')
            for number, question in enumerate(finding.found):
                st.button(
                    as_label(question),
                    key=f"next-{last.id}-{number}",
                    icon=":material/subdirectory_arrow_right:",
                    type="tertiary",
                    on_click=ask,
                    args=(application, question),
                )


@st.fragment(run_every=0.8)
def _watch(finding: Finding) -> None:
    """Look whether the suggestions are found; then the page is out of date, and ``page.js`` has it drawn anew."""
    if finding.done:
        st.html('<i class="out-of-date" data-out-of-date></i>')


def _history(turns: "Sequence[Turn]") -> list[Message]:
    messages = []
    for turn in turns:
        if turn.state == "answered" and turn.answer is not None:
            messages += [Message("user", turn.question), Message("assistant", turn.answer.text)]
    return messages


def candidates(application: "Application", answer: "Answer", asked: Sequence[str]) -> list[tuple[str, Place]]:
    """Return questions that sentences near the sources of an answer seem to answer, the nearest first.

    Of an answer that says nothing, those in the passages that came closest. None of what was asked already.
    """
    from rag_app.answering.suggesting import questions_from, too_like

    near = 0 if answer.abstained else NEAR
    sources: list[Place] = [(c.document.id, c.start, c.end) for c in answer.citations]
    if answer.abstained:
        sources = [(p.document.id, p.chunk.start, p.chunk.end) for p in answer.passages[:2]]
    ranked: list[tuple[int, str, Place]] = []
    for document in dict.fromkeys(source[0] for source in sources):
        try:
            text = application.library.text(document)
        except NotFound:
            continue
        spans = [(start, end) for number, start, end in sources if number == document]
        low, high = max(0, min(spans)[0] - near), max(end for _, end in spans) + near
        for made in questions_from(text[low:high]):
            start, end = made.start + low, made.end + low
            if not answer.abstained and any(start < b and a < end for a, b in spans):
                continue  # The answer has just said so.
            away = min(max(a - end, start - b, 0) for a, b in spans)
            if away <= near:
                ranked.append((away, made.question, (document, start, end)))
    chosen: list[tuple[str, Place]] = []
    for _, question, place in sorted(ranked):
        if not any(too_like(question, other) for other in (*asked, *(known for known, _ in chosen))):
            chosen.append((question, place))
    return chosen[:TRIED]
