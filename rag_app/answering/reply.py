"""What the assistant gives back: stages and checked sentences as they come, then the finished answer."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from rag_app.answering.grounding import Window
from rag_app.answering.tracing import Notes, tell_trace
from rag_app.records import Answer, Citation, Passage, Sentence

ABSTENTION = "The documents do not say; the closest passages are listed below."
EMPTY = "There are no documents to search yet."


@dataclass(frozen=True, slots=True)
class Stage:
    """What the assistant is doing now."""

    name: Literal["understanding", "retrieving", "weighing", "writing", "checking"]


@dataclass(slots=True)
class Draft:
    """An answer in the making.

    ``small_talk`` is the reply to a greeting or the like. ``signals`` are those of ``Answer``. ``doubtful``
    holds what was generated and found no support. ``notes`` are for the trace. ``stopped``: nobody wants it any more.
    ``parts`` are the drafts of a message's questions, where it asks several.
    """

    question: str
    standalone: str
    started: float
    passages: list[Passage] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    short_answer: str | None = None
    confidence: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    timings: dict[str, float] = field(default_factory=dict)
    finished: bool = False
    stopped: bool = False
    small_talk: str | None = None
    note: str | None = None
    disagreement: bool = False
    signals: dict[str, float] = field(default_factory=dict)
    doubtful: list[Sentence] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    parts: "list[Draft]" = field(default_factory=list)

    def clock(self, name: str, since: float) -> float:
        now = time.perf_counter()
        self.timings[name] = 1000 * (now - since)
        return now

    def cite(self, window: Window) -> int:
        """Return the number of the citation of a window, a new one if it is not cited yet."""
        document = window.passage.document
        for known in self.citations:
            if (known.document.id, known.start, known.end) == (document.id, window.start, window.end):
                return known.number
        chunk, number = window.passage.chunk, len(self.citations) + 1
        citation = Citation(number, document, chunk.page, chunk.heading, window.start, window.end, window.text)
        self.citations.append(citation)
        return number

    def cites(self, window: Window) -> bool:
        """Tell whether a citation overlaps a window."""
        document = window.passage.document.id
        return any(c.document.id == document and c.start < window.end and window.start < c.end for c in self.citations)

    def keep(self, sentence: Sentence, window: Window) -> Sentence:
        """Append a sentence, cited to a window, and return it as it is shown."""
        cited = replace(sentence, citations=(self.cite(window),))
        self.sentences.append(cited)
        return cited


class Reply:
    """An answer that is being made: iterate over it for its stages and checked sentences, then read ``answer``."""

    def __init__(self, draft: Draft, events: Iterator[Stage | Sentence], models: dict[str, str]) -> None:
        self._draft = draft
        self._events = events
        self._models = models

    def __iter__(self) -> Iterator[Stage | Sentence]:
        # No "yield from": it would end the work where a reader stops listening, as if no more had been found.
        for event in self._events:  # noqa: UP028
            yield event

    def stop(self) -> None:
        """End the work at the language model's next step; from any thread. A reply that was stopped has no answer."""
        for draft in (self._draft, *self._draft.parts):
            draft.stopped = True

    @property
    def citations(self) -> list[Citation]:
        """The citations so far, in the order of their numbers."""
        return list(self._draft.citations)

    @property
    def answer(self) -> Answer:
        """The finished answer; what is left of the work is done now.

        Raises:
            RuntimeError: an error or ``stop`` ended the work; half an answer is none, and no abstention either.
        """
        for _ in self:
            pass
        draft = self._draft
        if not draft.finished:
            raise RuntimeError("This reply was stopped, or ended by an error, and has no answer. Ask again.")
        trace = tell_trace(draft.notes, draft.standalone, draft.timings) if draft.small_talk is None else None
        return replace(self.so_far, trace=trace)

    @property
    def so_far(self) -> Answer:
        """What is known now, without a trace: from the first sentence on how it was understood, and any note."""
        draft = self._draft
        abstained = not draft.sentences and draft.small_talk is None
        timings = {name: draft.timings.get(name, 0.0) for name in ("retrieve", "evidence", "first_token", "total")}
        return Answer(
            question=draft.question,
            standalone_question=draft.standalone,
            text=_text_of(draft),
            short_answer=None if abstained else draft.short_answer,
            abstained=abstained,
            confidence=draft.confidence,
            sentences=tuple(draft.sentences),
            citations=tuple(draft.citations),
            passages=tuple(draft.passages),
            models=self._models,
            usage={"prompt_tokens": draft.prompt_tokens, "completion_tokens": draft.completion_tokens},
            timings_ms=timings,
            kind="answer" if draft.small_talk is None else "small_talk",
            disagreement=draft.disagreement,
            note=draft.note,
            signals=draft.signals,
        )


def _text_of(draft: Draft) -> str:
    if draft.small_talk is not None:
        return draft.small_talk
    if not draft.sentences:
        return ABSTENTION if draft.passages else EMPTY
    note = [draft.note] if draft.note else []
    return " ".join([*note, *(s.marked() for s in draft.sentences)])
