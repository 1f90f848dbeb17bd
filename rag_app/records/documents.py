"""Documents: as they are read, as they are stored, and what a search finds of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


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
class TextBox:
    """Where ``text[start:end]``, one line or a part of one, stands on a page (counted from 1).

    ``left``, ``top``, ``right`` and ``bottom`` are shares of the page's width and height, from its top left corner.
    """

    start: int
    end: int
    page: int
    left: float
    top: float
    right: float
    bottom: float

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """What a reader took out of a file: its whole text and the sections that cover it in order.

    ``format`` is a key such as "pdf" or "markdown"; ``boxes`` tell where on a page the text stands, where that is
    known; ``notes`` tell in words what was left out, such as "2 images without text".
    """

    text: str
    sections: tuple[Section, ...]
    pages: int | None = None
    title: str | None = None
    format: str = ""
    boxes: tuple[TextBox, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a section that is small enough to embed; becomes a chunk when stored."""

    start: int
    end: int
    page: int | None = None
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document ready to be stored. ``root`` is the folder it was found in, ``name`` its path below it.

    ``reading`` tells by which readers, and into chunks of which sizes, it was read.
    """

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
    format: str = ""
    boxes: tuple[TextBox, ...] = ()
    notes: tuple[str, ...] = ()
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that the library knows. ``chunks`` is how many it was split into.

    ``settled`` is whether its content was compared again well after ``mtime_ns``, so that size and time tell all.
    """

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
    format: str = ""
    notes: tuple[str, ...] = ()
    settled: bool = False
    reading: str = ""

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
            "format": self.format,
            "notes": list(self.notes),
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
    """A chunk that a search found, with that search's own score (higher is better).

    ``copies`` are the ids of the other chunks found that have the same content, where it stands for them.
    """

    chunk_id: int
    score: float
    copies: tuple[int, ...] = ()


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


def heading_path(title: str, heading: str | None) -> str:
    """Return a document's title and the headings below it, joined with " > ", the title once."""
    return heading if heading and heading.startswith(title) else " > ".join(p for p in (title, heading) if p)


def contextual_text(title: str, heading: str | None, text: str) -> str:
    """Return the text that is embedded for a chunk: the document's title and its heading path, then the chunk."""
    context = heading_path(title, heading)
    return f"{context}\n{text}" if context else text
