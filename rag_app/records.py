"""The values that travel through rag_app. All are frozen; none does any I/O.

Offsets count characters (Unicode code points) of a document's extracted text, end exclusive, so that
``text[start:end]`` is always the exact span.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Status = Literal["supported", "quoted", "unsupported"]
UNSUPPORTED_MARK = "[not found in the documents]"


@dataclass(frozen=True, slots=True)
class Section:
    """A span of an extracted text that lies on one page, under one heading.

    ``heading`` is the path of headings above it, joined with " > ".
    """

    start: int
    end: int
    page: int | None = None
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """What a reader took out of a file: its whole text and the sections that cover it in order."""

    text: str
    sections: tuple[Section, ...]
    pages: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a section that is small enough to embed; becomes a chunk when stored."""

    start: int
    end: int
    page: int | None = None
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document ready to be stored. ``root`` is the folder it was found in, ``name`` its path below it."""

    name: str
    path: str
    root: str
    sha256: str
    size: int
    mtime_ns: int
    title: str
    text: str
    pages: int | None
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file that the library knows. ``chunks`` is how many it was split into."""

    id: int
    name: str
    path: str
    root: str
    collection: str
    sha256: str
    size: int
    mtime_ns: int
    title: str
    version: int
    pages: int | None
    chunks: int
    ingested_at: datetime

    def reference(self) -> dict[str, Any]:
        """Return the short form that citations and passages carry."""
        return {
            "id": self.id,
            "name": self.name,
            "path": self.path,
            "collection": self.collection,
            "sha256": self.sha256,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``documents list --json`` prints."""
        return self.reference() | {
            "title": self.title,
            "size": self.size,
            "version": self.version,
            "pages": self.pages,
            "chunks": self.chunks,
            "ingested_at": self.ingested_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stored, embedded piece of a document; ``text`` is exactly the document's text[start:end]."""

    id: int
    document_id: int
    ordinal: int
    start: int
    end: int
    page: int | None
    heading: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Which collections and documents a search may see. None means all; an empty tuple means none."""

    collections: tuple[str, ...] | None = None
    documents: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a search found, with that search's own score (higher is better)."""

    chunk_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk retrieved for a question, with its rank (from 1) and score."""

    rank: int
    score: float
    chunk: Chunk
    document: Document

    def to_json(self) -> dict[str, Any]:
        return {
            "rank": self.rank,
            "chunk_id": self.chunk.id,
            "document": self.document.reference(),
            "page": self.chunk.page,
            "heading": self.chunk.heading,
            "start": self.chunk.start,
            "end": self.chunk.end,
            "score": round(self.score, 4),
            "text": self.chunk.text,
        }


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

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``ask --json`` prints."""
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


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be ingested, and why, in words for its owner."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingestion did. The tuples hold document names; ``skipped`` files are of no kind that is read."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    failures: tuple[Failure, ...] = ()
    skipped: int = 0
    warnings: tuple[str, ...] = ()
    chunks: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``ingest --json`` prints."""
        return {
            "added": list(self.added),
            "updated": list(self.updated),
            "unchanged": self.unchanged,
            "removed": list(self.removed),
            "failures": [{"name": f.name, "reason": f.reason} for f in self.failures],
            "skipped": self.skipped,
            "warnings": list(self.warnings),
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class IngestEvent:
    """Progress of an ingestion: ``done`` of ``total`` files; ``failure`` when this file failed."""

    step: Literal["found", "reading", "embedding", "stored", "failed", "removed", "unchanged"]
    name: str
    done: int
    total: int
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that ``verify`` found wrong, and where."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome of checking a library against itself."""

    documents: int
    chunks: int
    vectors: int
    revision: int
    problems: tuple[Problem, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        return {
            "clean": not self.problems,
            "documents": self.documents,
            "chunks": self.chunks,
            "vectors": self.vectors,
            "revision": self.revision,
            "problems": [{"kind": p.kind, "detail": p.detail} for p in self.problems],
        }


def heading_path(title: str, heading: str | None) -> str:
    """Return a document's title and the headings below it, joined with " > ", the title once."""
    return heading if heading and heading.startswith(title) else " > ".join(p for p in (title, heading) if p)


def contextual_text(title: str, heading: str | None, text: str) -> str:
    """Return the text that is embedded for a chunk: the document's title and its heading path, then the chunk."""
    context = heading_path(title, heading)
    return f"{context}\n{text}" if context else text
