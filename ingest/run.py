"""One ingestion: what becomes of each file.

The thread that calls takes every decision and does all writing; reading and embedding go on beside it. What waits
between them is bounded, so memory does not grow with the number of files.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from ingest.copies import Copy, document_of
from ingest.discovery import FoundFile
from ingest.embedding_queue import EmbeddingQueue, Vectors
from ingest.options import HasTokenizer, IngestOptions, LoadsLate, PassageEmbedder
from ingest.orders import Orders
from ingest.reading import ReadFile, Reading, ReadingPool, Request, Unread
from ingest.splitting import Splitter, title_at
from ingest.sync import Inventory, Plan, is_settled, kind_of
from ingest.tally import Tally
from rag_app.errors import LibraryError, LibraryLocked, NotFound, PathTaken, StorageFull
from rag_app.library import Arrival, Library
from rag_app.records import Document, FailedFile, Failure, NewDocument

OpenReading = Callable[[int, Orders], Reading]

_MOST_WORKERS = 4
_READ_AHEAD_FILES = 64
_READ_AHEAD_BYTES = 64 * 2**20
# Of so many files at a time it is not known yet how much text is in them: a small one may unfold to a large text.
_UNREAD_FOR_EACH_WORKER = 4
_TELL_AFTER_SECONDS = 0.5
_REMOVED_AT_ONCE = 2000
# Each transaction waits for the disk; other programs wait for it in turn, for a fraction of a second.
_STORED_AT_ONCE = 64


class Run:
    """One ingestion into one collection."""

    def __init__(
        self,
        root: Path,
        library: Library,
        embedder: PassageEmbedder,
        *,
        options: IngestOptions,
        inventory: Inventory,
        tally: Tally,
        open_reading: OpenReading = ReadingPool,
    ) -> None:
        self._root = root
        self._library = library
        self._embedder = embedder
        self._options = options
        self._inventory = inventory
        self._tally = tally
        self._open_reading = open_reading
        self._began = time.time()
        self._splitter: Splitter | None = None
        self._most_unread = _UNREAD_FOR_EACH_WORKER
        self._in_flight: dict[tuple[str, str], NewDocument] = {}
        self._copies: list[Copy] = []
        self._waiting: deque[tuple[FoundFile, Future[ReadFile | Unread]]] = deque()

    def bring_in(self, plan: Plan) -> None:
        """Do with the files what is planned: read, split, embed and store those whose content is not the stored one."""
        for file in plan.unchanged:
            self._keep(file)
        for file, failed in plan.quarantined:
            self._keep_in_quarantine(file, failed)
        if not plan.changed:
            return
        self._tally.begin_work(plan.changed)
        if isinstance(self._embedder, LoadsLate) and not self._options.dry_run and self._must_embed(plan.changed):
            self._embedder.begin_loading()
        workers = min(self._options.workers or _automatic_workers(), len(plan.changed))
        self._most_unread = _UNREAD_FOR_EACH_WORKER * workers
        with (
            closing(self._open_reading(workers, self._orders())) as reading,
            EmbeddingQueue(self._embedder, self._library.known_vectors) as queue,
        ):
            self._flow(deque(plan.changed), reading, queue)

    def fail(self, failure: Failure, *, quarantined: bool = False) -> None:
        """Note a file that cannot be ingested."""
        known = self._inventory.by_path.get(str(self._root / failure.name))
        if known:
            reason = f"{failure.reason} What the library had of it (version {known.version}) stays."
            failure = Failure(failure.name, reason)
        self._tally.failures.append(failure)
        if quarantined:
            self._tally.quarantined.append(failure.name)
        self._tally.finish("failed", failure.name, failure=failure)

    def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents that have no file any more, some at a time."""
        for low in range(0, len(documents), _REMOVED_AT_ONCE):
            batch = documents[low : low + _REMOVED_AT_ONCE]
            if not self._options.dry_run:
                self._forget(batch)
            for document in batch:
                self._inventory.replace(document.path, None)
                self._tally.removed.append(document.name)
                self._tally.tell("removed", document.name)

    def _forget(self, documents: Sequence[Document]) -> None:
        try:
            self._library.remove_many([document.id for document in documents])
        except NotFound:
            # Another program was quicker with one of them.
            for document in documents:
                with suppress(NotFound):
                    self._library.remove(document.id)

    def duplicates(self) -> list[tuple[str, str]]:
        """Return which files were copies of which documents that still have the same content."""
        return [(copy.name, copy.of) for copy in self._copies if self._inventory.has_content(copy.path, copy.sha256)]

    def _must_embed(self, files: Sequence[FoundFile]) -> bool:
        """Whether it is plain from the sizes alone that something is new."""
        return any(not self._inventory.may_have(file) for file in files)

    def _orders(self) -> Orders:
        folder = self._embedder.tokenizer_folder if isinstance(self._embedder, HasTokenizer) else None
        if folder is None:
            return Orders(self._options.limits)
        return Orders(self._options.limits, self._options.sizes(self._embedder), str(folder))

    def _flow(self, to_read: deque[FoundFile], reading: Reading, queue: EmbeddingQueue) -> None:
        """Keep readers and embedder busy until every file is done with."""
        while to_read or self._waiting or not queue.empty:
            self._read_ahead(to_read, reading)
            while self._waiting and self._waiting[0][1].done() and not queue.full:
                file, future = self._waiting.popleft()
                self._take(file, future.result(), reading, queue)
                self._read_ahead(to_read, reading)
            for name in queue.hand_over(all_read=not (to_read or self._waiting)):
                self._tally.tell("embedding", name)
            done = queue.done()
            while batch := list(islice(done, _STORED_AT_ONCE)):
                self._store(batch)
            self._wait(queue)

    def _read_ahead(self, to_read: deque[FoundFile], reading: Reading) -> None:
        ahead = sum(_weight(file, future) for file, future in self._waiting)
        unread = sum(not future.done() for _, future in self._waiting)
        while to_read and len(self._waiting) < _READ_AHEAD_FILES and unread < self._most_unread:
            if self._waiting and ahead >= _READ_AHEAD_BYTES:
                return
            file = to_read.popleft()
            self._tally.tell("reading", file.name)
            future = reading.submit(Request(file, self._inventory.known_hashes(file)))
            self._waiting.append((file, future))
            ahead += _weight(file, future)
            unread += not future.done()

    def _wait(self, queue: EmbeddingQueue) -> None:
        """Wait until the next file is read or the next texts are embedded."""
        futures: list[Future[Any]] = []
        if self._waiting and not queue.full:
            futures.append(self._waiting[0][1])
        if queue.working:
            futures.append(queue.working)
        if futures and not any(future.done() for future in futures):
            done, _ = wait(futures, timeout=_TELL_AFTER_SECONDS, return_when=FIRST_COMPLETED)
            if not done and queue.embedded > self._tally.embedded_chunks and queue.first:
                self._tally.embedded_chunks = queue.embedded
                self._tally.tell("embedding", queue.first)

    def _take(self, file: FoundFile, read: ReadFile | Unread, reading: Reading, queue: EmbeddingQueue) -> None:
        """Decide what becomes of a file that was read."""
        if isinstance(read, Unread):
            self._fail_to_read(file, read)
            return
        known = self._inventory.by_path.get(str(file.path))
        if failed := self._inventory.failure_like(file, read.sha256):
            self._keep_in_quarantine(file, replace(failed, mtime_ns=read.mtime_ns), noted=False)
        elif known and known.sha256 == read.sha256 and self._inventory.is_current(known):
            if self._touch(known, read.mtime_ns):
                self._keep(file)
            else:
                self._take_again(file, known, reading)
        elif old := self._inventory.moved_from(file, read.sha256):
            if not self._move(old, file, read):
                self._take_again(file, old, reading)
        elif first := self._first_of(file, read):
            # Embedded under the first one's title, which need not be done again.
            self._embed(self._copy(file, read, first), queue, title=first.title)
        elif read.extracted is None:
            # What it was a copy of is gone meanwhile.
            self._waiting.appendleft((file, reading.submit(Request(file))))
        else:
            document = self._new_document(file, read)
            if document.spans:
                self._embed(document, queue)
            else:
                reason = f"{file.name} has no text in it. Put its content into words, or list it in .ragignore."
                self._fail_to_read(file, Unread(reason, read.sha256, lasting=True))

    def _take_again(self, file: FoundFile, lost: Document, reading: Reading) -> None:
        """Read a file for itself, because another program has removed the document that it was."""
        self._inventory.replace(lost.path, None)
        self._waiting.appendleft((file, reading.submit(Request(file))))

    def _embed(self, document: NewDocument, queue: EmbeddingQueue, *, title: str | None = None) -> None:
        if self._options.dry_run:
            self._count_in(document)
            self._in_flight.setdefault(_content_of(document), replace(document, text="", boxes=()))
            return
        self._in_flight.setdefault(_content_of(document), document)
        queue.add(document, title=title)

    def _store(self, batch: Sequence[tuple[NewDocument, Vectors]]) -> None:
        """Store documents in one transaction; where one of them cannot be, those before it are."""
        arrivals = []
        for document, vectors in batch:
            known = self._inventory.by_path.get(document.path)
            arrivals.append(Arrival(document, vectors, known.version if known else 0))
        try:
            stored = self._library.store_many(arrivals, collection=self._options.collection)
        except (LibraryLocked, StorageFull):
            raise
        except LibraryError:
            if len(batch) == 1:
                raise
            for one in batch:
                self._store([one])
            return
        for (document, _), after in zip(batch, stored, strict=True):
            self._in_flight.pop(_content_of(document), None)
            self._count_in(document)
            self._inventory.replace(document.path, after)

    def _count_in(self, document: NewDocument) -> None:
        known = self._inventory.by_path.get(document.path)
        if known is None:
            self._tally.added.append(document.name)
        else:
            same = known.sha256 == document.sha256
            (self._tally.read_again if same else self._tally.updated).append(document.name)
        self._inventory.rewrite(document.path, document.sha256)
        self._tally.stored_chunks += len(document.spans)
        self._tally.finish("stored", document.name, size=document.size)

    def _keep(self, file: FoundFile) -> None:
        self._tally.unchanged += 1
        self._tally.finish("unchanged", file.name)

    def _touch(self, known: Document, mtime_ns: int) -> bool:
        """Note that a file is as it was; False if its document is gone."""
        if self._options.dry_run:
            return True
        settled = is_settled(mtime_ns, since=self._began)
        if (known.mtime_ns, known.settled) != (mtime_ns, settled):
            try:
                self._library.touch(known.id, mtime_ns=mtime_ns, settled=settled)
            except NotFound:
                return False
        if known.path in self._inventory.failed:
            # It was broken for a while, and is as it was before.
            self._library.forget_failure(self._options.collection, known.path)
        return True

    def _move(self, old: Document, file: FoundFile, read: ReadFile) -> bool:
        """Let a document follow its file; False if it is gone."""
        move = partial(replace, old) if self._options.dry_run else partial(self._library.move, old.id)
        try:
            moved = move(
                name=file.name,
                path=str(file.path),
                root=self._inventory.named,
                mtime_ns=read.mtime_ns,
                title=self._title_at(file, old),
            )
        except NotFound:
            return False
        except PathTaken:
            # Another program has been quicker to store the file where it is now.
            self._keep(file)
            return True
        self._inventory.replace(old.path, moved)
        self._tally.moved.append((old.name, file.name))
        self._tally.finish("moved", file.name, size=file.size)
        return True

    def _first_of(self, file: FoundFile, read: ReadFile) -> NewDocument | None:
        """Return another document of the same content, so that this one need not be embedded."""
        first = self._in_flight.get((read.sha256, kind_of(file.name)))
        if first is None and (twin := self._inventory.twin(file, read.sha256)):
            first = document_of(self._library, twin)
        return first

    def _copy(self, file: FoundFile, read: ReadFile, first: NewDocument) -> NewDocument:
        self._copies.append(Copy(file.name, first.name, first.path, first.sha256))
        copy = replace(first, name=file.name, path=str(file.path), root=self._inventory.named)
        return replace(copy, size=read.size, mtime_ns=read.mtime_ns, title=self._title_at(file, first))

    def _title_at(self, file: FoundFile, document: Document | NewDocument) -> str:
        """Return the title that a document of the same content has at this file: anew where it was made of a name."""
        return title_at(file.name, document.name, document.title, chunk_tokens=self._options.chunk_tokens)

    def _new_document(self, file: FoundFile, read: ReadFile) -> NewDocument:
        extracted = read.extracted
        assert extracted is not None
        split = read.split or self._own_splitter().split(extracted, file.name)
        return NewDocument(
            name=file.name,
            path=str(file.path),
            root=self._inventory.named,
            sha256=read.sha256,
            size=read.size,
            mtime_ns=read.mtime_ns,
            title=split.title,
            text=extracted.text,
            pages=extracted.pages,
            spans=split.spans,
            format=extracted.format,
            boxes=extracted.boxes,
            notes=extracted.notes,
            reading=self._options.reading(self._embedder),
        )

    def _own_splitter(self) -> Splitter:
        if self._splitter is None:
            sizes = self._options.sizes(self._embedder)
            self._splitter = Splitter(sizes, count_tokens=self._embedder.count_tokens)
        return self._splitter

    def _fail_to_read(self, file: FoundFile, read: Unread) -> None:
        # Where a document was, or a single file was given, somebody expects words.
        nothing = read.nothing and self._inventory.follows_files and str(file.path) not in self._inventory.by_path
        if read.lasting and not self._options.dry_run and self._inventory.follows_files:
            earlier = self._inventory.failed.get(str(file.path))
            failed = FailedFile(
                collection=self._options.collection,
                path=str(file.path),
                name=file.name,
                root=self._inventory.named,
                size=file.size,
                mtime_ns=file.mtime_ns,
                sha256=read.sha256,
                reason=read.reason,
                attempts=0 if nothing else earlier.attempts + 1 if earlier else 1,
                reader=self._options.reader,
            )
            self._library.note_failure(failed)
        if nothing:
            self._leave_out(file)
        else:
            self.fail(Failure(file.name, read.reason))

    def _leave_out(self, file: FoundFile) -> None:
        self._tally.left_out.append(file.name)
        self._tally.finish("unchanged", file.name)

    def _keep_in_quarantine(self, file: FoundFile, failed: FailedFile, *, noted: bool = True) -> None:
        if not noted and not self._options.dry_run:
            self._library.note_failure(failed)
        if not failed.attempts:
            self._leave_out(file)
            return
        reason = f"{failed.reason} It has not changed since and was not read again (--retry-failed reads it)."
        self.fail(Failure(file.name, reason), quarantined=True)


def _weight(file: FoundFile, future: "Future[ReadFile | Unread]") -> int:
    """Return how much a file takes up while it waits: its text once it is read, and until then its bytes."""
    if not future.done() or future.cancelled() or future.exception() is not None:
        return file.size
    read = future.result()
    text = read.extracted.text if isinstance(read, ReadFile) and read.extracted else ""
    return max(file.size, len(text))


def _content_of(document: NewDocument) -> tuple[str, str]:
    return document.sha256, kind_of(document.name)


def _automatic_workers() -> int:
    """Embedding takes most of the time and every core it gets: reading only has to keep ahead of it."""
    return max(1, min(_MOST_WORKERS, (os.cpu_count() or 1) - 1))
