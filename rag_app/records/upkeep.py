"""What ingestion and upkeep of a library report."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from rag_app.records.documents import Document


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be ingested, and why, in words for its owner."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be read, remembered until it changes or ``reader``, the readers' version, does.

    ``sha256`` is None where even its bytes could not be read. With no ``attempts`` it is no failure, but a file that
    was left out because there is nothing to read in it.
    """

    collection: str
    path: str
    name: str
    root: str
    size: int
    mtime_ns: int
    sha256: str | None
    reason: str
    attempts: int = 1
    failed_at: datetime = field(default_factory=_now)
    reader: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``documents failures --json`` prints."""
        return {
            "collection": self.collection,
            "name": self.name,
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256,
            "reason": self.reason,
            "attempts": self.attempts,
            "failed_at": self.failed_at.isoformat(),
            "reader": self.reader,
        }


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a document that a later one has superseded. Its text is kept, but not searched."""

    number: int
    sha256: str
    size: int
    title: str
    pages: int | None
    ingested_at: datetime
    superseded_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``documents versions --json`` prints."""
        return {
            "number": self.number,
            "sha256": self.sha256,
            "size": self.size,
            "title": self.title,
            "pages": self.pages,
            "ingested_at": self.ingested_at.isoformat(),
            "superseded_at": self.superseded_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a removal: what was removed and which stores were then searched and found free of it.

    ``versions`` counts the superseded versions that went with the document, ``chunks`` its searchable pieces.
    """

    id: int
    document: Document
    versions: int
    chunks: int
    removed_at: datetime
    checked: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``documents receipts --json`` prints."""
        return {
            "id": self.id,
            "document": self.document.to_json(),
            "versions": self.versions,
            "chunks": self.chunks,
            "removed_at": self.removed_at.isoformat(),
            "checked": list(self.checked),
        }


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two documents that say nearly the same: ``similarity`` estimates the share of text that they have in common."""

    document: Document
    other: Document
    similarity: float
    exact: bool

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``documents duplicates --json`` prints."""
        return {
            "document": self.document.reference(),
            "other": self.other.reference(),
            "similarity": round(self.similarity, 4),
            "exact": self.exact,
        }


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingestion did. The tuples hold document names; ``skipped`` files are of no kind that is read, or
    pictures without text.

    Every file found is accounted for once: ``files`` is how many are added, updated, read again, moved, unchanged or
    failed. ``read_again`` are files as they were, read anew because readers or sizes of chunks have changed.
    ``moved`` pairs a document's old name with its new one. Of the added and updated, ``duplicates`` pairs those that
    have the content of another document with that one; of the failures, ``quarantined`` names those that failed
    earlier, have not changed since and were not read again. ``kept`` are documents whose files are gone, but so many
    at once that they are not believed to be removed on purpose.
    """

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    read_again: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    unchanged: int = 0
    failures: tuple[Failure, ...] = ()
    quarantined: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    kept: tuple[str, ...] = ()
    skipped: int = 0
    warnings: tuple[str, ...] = ()
    chunks: int = 0
    seconds: float = 0.0

    @property
    def files(self) -> int:
        """How many files were found that ought to become documents."""
        changed = len(self.added) + len(self.updated) + len(self.read_again) + len(self.moved)
        return changed + self.unchanged + len(self.failures)

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``ingest --json`` prints."""
        return {
            "added": list(self.added),
            "updated": list(self.updated),
            "read_again": list(self.read_again),
            "unchanged": self.unchanged,
            "removed": list(self.removed),
            "moved": [list(names) for names in self.moved],
            "failures": [{"name": f.name, "reason": f.reason} for f in self.failures],
            "quarantined": list(self.quarantined),
            "duplicates": [list(names) for names in self.duplicates],
            "kept": list(self.kept),
            "files": self.files,
            "skipped": self.skipped,
            "warnings": list(self.warnings),
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class IngestEvent:
    """Progress of an ingestion: ``done`` of ``total`` files; ``failure`` when this file failed.

    ``chunks`` have been embedded so far, of files with ``bytes`` bytes in all; ``seconds_left`` is a guess by those.
    """

    step: Literal["found", "reading", "embedding", "stored", "moved", "failed", "removed", "unchanged"]
    name: str
    done: int
    total: int
    failure: Failure | None = None
    chunks: int = 0
    bytes: int = 0
    seconds_left: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``ingest --progress-json`` writes."""
        return {
            "step": self.step,
            "name": self.name,
            "done": self.done,
            "total": self.total,
            "reason": self.failure.reason if self.failure else None,
            "chunks": self.chunks,
            "bytes": self.bytes,
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left, 1),
        }


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
