"""Make a collection equal to a folder: find what changed, read it, split it, embed it, store it.

Each document is stored in one transaction, so a run that is stopped anywhere leaves whole documents only, and the
next run goes on from there. A file that cannot be read becomes a Failure; the version of it that the library
already had stays.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.chunking import fit_title, split_sections
from ingest.discovery import Discovery, FoundFile, checked_folder, discover, found_file, lies_below
from ingest.reading import Limits, ReadFile, ReadingPool, Request
from rag_app.errors import ReadError
from rag_app.library import Library
from rag_app.records import (
    ExtractedText,
    Failure,
    IngestEvent,
    IngestReport,
    NewDocument,
    Scope,
    contextual_text,
)

OnEvent = Callable[[IngestEvent], None]
Step = Literal["found", "reading", "embedding", "stored", "failed", "removed", "unchanged"]

_CHUNKS_AT_ONCE = 256
_MOST_WORKERS = 4
# A file changed again this soon after it was read can have the same size and time, on a coarse clock.
_DOUBTFUL_SECONDS = 2.0


class PassageEmbedder(Protocol):
    """What ingestion needs of an embedding model."""

    @property
    def name(self) -> str: ...
    @property
    def max_tokens(self) -> int: ...
    def count_tokens(self, text: str) -> int: ...
    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest. ``workers`` 0 means as many as the machine has use for; limits are for each file."""

    collection: str = "default"
    dry_run: bool = False
    workers: int = 0
    chunk_tokens: int = 160
    chunk_overlap: int = 20
    max_file_bytes: int = 100 * 2**20
    read_seconds: float = 120.0
    read_memory_bytes: int = 2 * 2**30


def ingest_folder(
    folder: Path,
    library: Library,
    embedder: PassageEmbedder,
    *,
    options: IngestOptions,
    on_event: OnEvent | None = None,
) -> IngestReport:
    """Add and update what the folder holds, and remove from the collection what is no longer in it.

    Documents of the collection that come from outside the folder are left alone.

    Raises:
        FolderError: the folder does not exist, is none or cannot be listed.
        LibraryError: the library cannot be written.
    """
    root = checked_folder(folder)
    found = discover(root)
    run = _Run(root, library, embedder, options=options, on_event=on_event)
    run.begin([*(file.name for file in found.files), *(failure.name for failure in found.failures)])
    for failure in found.failures:
        run.fail(failure)
    run.bring_in(found.files)
    run.remove_gone(present={str(file.path) for file in found.files}, unlisted=found.unlisted)
    return replace(run.report(), skipped=found.skipped, warnings=_warnings_of(folder, found))


def ingest_files(
    files: Sequence[Path],
    root: Path,
    library: Library,
    embedder: PassageEmbedder,
    *,
    options: IngestOptions,
    on_event: OnEvent | None = None,
) -> IngestReport:
    """Add or update just these files; their names are their paths below ``root``. Nothing is removed."""
    root = root.expanduser().resolve()
    run = _Run(root, library, embedder, options=options, on_event=on_event)
    run.begin([path.name for path in files])
    found: list[FoundFile] = []
    for path in files:
        try:
            found.append(found_file(path.expanduser().resolve(), root))
        except OSError as error:
            reason = f"{path.name} cannot be opened: {error.strerror}. Check that it exists and may be read."
            run.fail(Failure(path.name, reason))
    run.bring_in(found)
    return run.report()


def _warnings_of(folder: Path, found: Discovery) -> tuple[str, ...]:
    if found.files or found.failures:
        return ()
    others = f" ({found.skipped} of other kinds, links or pipes were left out)" if found.skipped else ""
    return (f"{folder} holds no file that can be read{others}; the collection now holds nothing from it.",)


class _Run:
    """One ingestion: what it found so far, and what waits to be embedded."""

    def __init__(
        self,
        root: Path,
        library: Library,
        embedder: PassageEmbedder,
        *,
        options: IngestOptions,
        on_event: OnEvent | None,
    ) -> None:
        self._root = root
        self._library = library
        self._embedder = embedder
        self._options = options
        self._on_event = on_event
        self._started = time.perf_counter()
        stored = library.documents(Scope(collections=(options.collection,)))
        self._known = {document.path: document for document in stored}
        self._waiting: list[NewDocument] = []
        self._added: list[str] = []
        self._updated: list[str] = []
        self._removed: list[str] = []
        self._failures: list[Failure] = []
        self._unchanged = self._chunks = self._done = self._total = 0

    def begin(self, names: Sequence[str]) -> None:
        self._total = len(names)
        for name in names:
            self._tell("found", name)

    def bring_in(self, files: Sequence[FoundFile]) -> None:
        """Read, split, embed and store the files whose content is not the stored one."""
        changed = []
        for file in files:
            if self._is_unchanged(file):
                self._keep(file)
            else:
                changed.append(file)
        if not changed:
            return
        workers = min(self._options.workers or _automatic_workers(), len(changed))
        limits = Limits(self._options.max_file_bytes, self._options.read_seconds, self._options.read_memory_bytes)
        with ReadingPool(workers, limits=limits) as pool:
            for request, outcome in pool.read(self._requests(changed)):
                self._take(request.file, outcome)
        self._flush()

    def fail(self, failure: Failure) -> None:
        """Note a file that cannot be ingested."""
        known = self._known.get(str(self._root / failure.name))
        if known:
            reason = f"{failure.reason} What the library had of it (version {known.version}) stays."
            failure = Failure(failure.name, reason)
        self._failures.append(failure)
        self._done += 1
        self._tell("failed", failure.name, failure)

    def remove_gone(self, *, present: set[str], unlisted: Sequence[Path]) -> None:
        """Remove documents that came from this folder and have no file there any more."""
        kept = present | {str(self._root / failure.name) for failure in self._failures}
        for path, document in sorted(self._known.items()):
            if path in kept or not lies_below(Path(path), [self._root]) or lies_below(Path(path), unlisted):
                continue
            if not self._options.dry_run:
                self._library.remove(document.id)
            self._removed.append(document.name)
            self._tell("removed", document.name)

    def report(self) -> IngestReport:
        return IngestReport(
            added=tuple(self._added),
            updated=tuple(self._updated),
            removed=tuple(self._removed),
            unchanged=self._unchanged,
            failures=tuple(self._failures),
            chunks=self._chunks,
            seconds=time.perf_counter() - self._started,
        )

    def _requests(self, files: Sequence[FoundFile]) -> Iterator[Request]:
        for file in files:
            self._tell("reading", file.name)
            known = self._known.get(str(file.path))
            yield Request(file, known=known.sha256 if known else None)

    def _is_unchanged(self, file: FoundFile) -> bool:
        known = self._known.get(str(file.path))
        if known is None or (known.size, known.mtime_ns) != (file.size, file.mtime_ns):
            return False
        return file.mtime_ns / 1e9 < known.ingested_at.timestamp() - _DOUBTFUL_SECONDS

    def _keep(self, file: FoundFile) -> None:
        self._unchanged += 1
        self._done += 1
        self._tell("unchanged", file.name)

    def _take(self, file: FoundFile, outcome: ReadFile | ReadError) -> None:
        if isinstance(outcome, ReadError):
            self.fail(Failure(file.name, str(outcome)))
            return
        if outcome.extracted is None:
            known = self._known[str(file.path)]
            if known.mtime_ns != outcome.mtime_ns and not self._options.dry_run:
                self._library.touch(known.id, mtime_ns=outcome.mtime_ns)
            self._keep(file)
            return
        self._waiting.append(self._new_document(file, outcome, outcome.extracted))
        if sum(len(document.spans) for document in self._waiting) >= _CHUNKS_AT_ONCE:
            self._flush()

    def _new_document(self, file: FoundFile, read: ReadFile, extracted: ExtractedText) -> NewDocument:
        count_tokens = self._embedder.count_tokens
        tokens = min(self._options.chunk_tokens, self._embedder.max_tokens)
        title = fit_title(extracted.title or _title_of(file.name), chunk_tokens=tokens, count_tokens=count_tokens)
        spans = split_sections(
            extracted,
            chunk_tokens=tokens,
            overlap=self._options.chunk_overlap,
            max_tokens=self._embedder.max_tokens,
            count_tokens=count_tokens,
            title=title,
        )
        return NewDocument(
            name=file.name,
            path=str(file.path),
            root=str(self._root),
            sha256=read.sha256,
            size=read.size,
            mtime_ns=read.mtime_ns,
            title=title,
            text=extracted.text,
            pages=extracted.pages,
            spans=spans,
        )

    def _flush(self) -> None:
        """Embed what waits in one go, then store it document by document."""
        waiting, self._waiting = self._waiting, []
        if not self._options.dry_run and waiting:
            for document in waiting:
                self._tell("embedding", document.name)
            vectors = self._embedder.embed_passages(
                [contextual_text(d.title, s.heading, d.text[s.start : s.end]) for d in waiting for s in d.spans]
            )
        row = 0
        for document in waiting:
            count = len(document.spans)
            if not self._options.dry_run:
                self._library.store(document, vectors[row : row + count], collection=self._options.collection)
            row += count
            self._chunks += count
            (self._updated if document.path in self._known else self._added).append(document.name)
            self._done += 1
            self._tell("stored", document.name)

    def _tell(self, step: Step, name: str, failure: Failure | None = None) -> None:
        if self._on_event:
            self._on_event(IngestEvent(step, name, self._done, self._total, failure))


def _automatic_workers() -> int:
    """Embedding takes most of the time and every core it gets: reading only has to keep ahead of it."""
    return max(1, min(_MOST_WORKERS, (os.cpu_count() or 1) - 1))


def _title_of(name: str) -> str:
    """Return a file's name as words, for a document that has no title of its own."""
    return PurePath(name).stem.replace("_", " ").replace("-", " ").strip() or name
