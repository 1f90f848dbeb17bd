"""Answers: sentences, what they cite, and what led to them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from rag_app.records.documents import Document, Passage
from rag_app.records.trace import Trace

Status = Literal["supported", "quoted", "unsupported"]
UNSUPPORTED_MARK = "[not found in the documents]"
_ITEM = re.compile(r"(?:[-*•–▪]|\d{1,3}[.)])\s|[^\W\d][\w ./()-]{0,40}: \S+.*; ")
_NEIGHBOURS = 3
"""As many characters may lie between two sentences of one paragraph."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered mark in an answer and the exact span of a document it points to."""

    number: int
    document: Document
    page: int | None
    heading: str | None
    start: int
    end: int
    quote: str

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "document": self.document.reference(),
            "page": self.page,
            "heading": self.heading,
            "start": self.start,
            "end": self.end,
            "quote": self.quote,
        }


@dataclass(frozen=True, slots=True)
class Sentence:
    """A checked sentence of an answer, and the numbers of the citations that bear it."""

    text: str
    status: Status
    citations: tuple[int, ...] = ()

    def marked(self) -> str:
        """Return the sentence followed by its marks, as in ``Up to 10 days. [1]``, or by that it has no support."""
        doubt = [UNSUPPORTED_MARK] if self.status == "unsupported" else []
        return " ".join([self.text, *(f"[{n}]" for n in self.citations), *doubt])

    def to_json(self) -> dict[str, Any]:
        return {"text": self.text, "status": self.status, "citations": list(self.citations)}


def is_item(sentence: Sentence) -> bool:
    """Tell whether a sentence is an item of a list or a row of a table, which has a line of its own."""
    return bool(_ITEM.match(sentence.text))


def stand_apart(sentences: Sequence[Sentence], citations: Sequence[Citation]) -> bool:
    """Tell whether sentences are quotes from here and there, which read as a list and not as a paragraph."""
    by_number = {citation.number: citation for citation in citations}
    quoted = [by_number.get(s.citations[0]) for s in sentences if s.status == "quoted" and s.citations]
    if len(quoted) < 2 or len(quoted) < len(sentences):
        return False
    return all(
        is_item(sentence) or a is None or b is None or not _follows(a, b)
        for sentence, (a, b) in zip(sentences, pairwise(quoted), strict=False)
    )


def _follows(a: Citation, b: Citation) -> bool:
    return a.document.id == b.document.id and a.start <= b.start <= a.end + _NEIGHBOURS


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer, with everything that is needed to judge it.

    ``kind`` is "small_talk" where a greeting or the like was answered, which needs no documents. ``note`` is said
    before the sentences, of which it is none: with ``disagreement``, that the documents contradict each other.
    ``signals`` is what the confidence was made of: ``evidence``, the evidence model's own; and of the generator's
    reading, if it read, ``silence``, its probability that the sources do not answer, ``certainty`` and ``agreement``.
    ``trace`` tells how it came about; None for small talk, and for answers that were kept before there were traces.
    """

    question: str
    standalone_question: str
    text: str
    short_answer: str | None
    abstained: bool
    confidence: float
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    models: Mapping[str, str]
    usage: Mapping[str, int]
    timings_ms: Mapping[str, float]
    kind: Literal["answer", "small_talk"] = "answer"
    disagreement: bool = False
    note: str | None = None
    signals: Mapping[str, float] = field(default_factory=dict)
    trace: Trace | None = None

    def to_json(self, *, traced: bool = False) -> dict[str, Any]:
        """Return the form that ``ask --json`` prints; with ``traced`` it says how the answer came about."""
        return self._plain() | ({"trace": self.trace.to_json() if self.trace else None} if traced else {})

    def _plain(self) -> dict[str, Any]:
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "answer": self.text,
            "short_answer": self.short_answer,
            "kind": self.kind,
            "abstained": self.abstained,
            "disagreement": self.disagreement,
            "note": self.note,
            "confidence": round(self.confidence, 4),
            "signals": {name: round(value, 4) for name, value in self.signals.items()},
            "sentences": [s.to_json() for s in self.sentences],
            "citations": [c.to_json() for c in self.citations],
            "passages": [p.to_json() for p in self.passages],
            "models": dict(self.models),
            "usage": dict(self.usage),
            "timings_ms": {name: round(value, 1) for name, value in self.timings_ms.items()},
        }
