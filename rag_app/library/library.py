"""What rag_app knows: documents, their chunks and vectors, and both ways to search them."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, update

from rag_app.library import documents, failures, full_text, schema
from rag_app.library.cached_index import CachedIndex
from rag_app.library.checking import check_library
from rag_app.library.conversations import Conversations
from rag_app.library.database import Database, database_file
from rag_app.library.duplicates import near_duplicates
from rag_app.library.erasing import probes_of
from rag_app.library.feedback import KeptFeedback
from rag_app.library.history import begin_revision, choose_embedder, state_of
from rag_app.library.kept import heal
from rag_app.library.quality import Quality
from rag_app.library.readable import ReadableLibrary
from rag_app.library.reembedding import Embed, reembed
from rag_app.library.removing import clean_up, remove_documents
from rag_app.library.storing import Arrival, is_late, known_documents, put_chunks, put_documents
from rag_app.library.vector_index import SIZES, Sizes
from rag_app.library.vectors import packed
from rag_app.library.writers import Writers
from rag_app.records import Document, Duplicate, FailedFile, NewDocument, Receipt, Scope, VerifyReport

INDEX_FILE = "vectors.index"
VERSIONS_KEPT = 10
"""Superseded versions of a document that are kept to be looked up."""


class Library(ReadableLibrary):
    """A library on disk. May be shared by threads, and opened by several processes at once.

    Every change is one transaction, and every search sees one state of the database. The vector index is only a
    cache of it, brought to the state that is searched, so that what was removed is never found again.
    """

    def __init__(
        self,
        database: Database,
        index_folder: Path,
        *,
        embedder: str | None = None,
        dimensions: int | None = None,
        versions_kept: int = VERSIONS_KEPT,
        sizes: Sizes = SIZES,
    ) -> None:
        self._database = database
        self._index = CachedIndex(index_folder / INDEX_FILE, saved=not database.read_only, sizes=sizes)
        self._embedder = embedder
        self._dimensions = dimensions
        self._next_embedder: tuple[str, int] | None = None
        self._versions_kept = versions_kept
        self._dropped: list[str] = []
        writers = Writers(database.file)
        self.conversations = Conversations(database, writers)
        self.feedback = KeptFeedback(database)
        self.quality = Quality(database, writers)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        index_folder: Path,
        embedder: str | None = None,
        dimensions: int | None = None,
        read_only: bool = False,
        versions_kept: int = VERSIONS_KEPT,
        sizes: Sizes = SIZES,
    ) -> Self:
        """Open the library at an SQLite URL; make or upgrade it first where needed.

        Without an ``embedder`` the library's own is taken; a new one can then be listed and checked, but neither
        filled nor searched by vector until ``choose_embedder``. With one, an empty library adopts it. Of each document
        ``versions_kept`` superseded versions are kept. ``sizes`` says from where on the vector index is approximate.

        Raises:
            EmbedderMismatch: the library's vectors were made by another embedder.
            SchemaTooNew: a newer version of rag_app wrote the database.
            LibraryLocked: another program holds the database for longer than the URL's ``timeout`` (30 s).
            LibraryError: the file is no library or cannot be written.
        """
        if (embedder is None) != (dimensions is None):
            raise ValueError("embedder and dimensions belong together")
        database = Database(url, read_only=read_only)
        try:
            database.prepare()
            library = cls(
                database,
                index_folder,
                embedder=embedder,
                dimensions=dimensions,
                versions_kept=versions_kept,
                sizes=sizes,
            )
            library._agree_on_embedder()
        except BaseException:
            database.close()
            raise
        return library

    @classmethod
    def embedder_of(cls, url: str) -> tuple[str, int] | None:
        """Return name and dimensions of the embedder of the library at a URL; None when there is none yet."""
        file = database_file(url)
        if not file.exists() or file.stat().st_size == 0:
            return None
        with cls.open(url, index_folder=file.parent) as library:
            return library.embedder

    def choose_embedder(self, embedder: str, dimensions: int) -> None:
        """Name the embedder only now, of a library that was opened without one; an empty library adopts it.

        Raises:
            EmbedderMismatch: the library's vectors were made by another embedder.
        """
        self._embedder, self._dimensions = embedder, dimensions
        self._agree_on_embedder()

    def store(
        self,
        document: NewDocument,
        vectors: NDArray[np.float32],
        *,
        collection: str = "default",
        over: int | None = None,
    ) -> Document:
        """Keep a document, one chunk for each of its spans, with their vectors of shape (spans, dimensions).

        A document of the same collection and path is replaced: it keeps its id, its version grows by one, its
        chunks get new ids, and what it was is kept as a version. All in one transaction. On ``over`` see ``Arrival``.
        """
        return self.store_many([Arrival(document, vectors, over)], collection=collection)[0]

    def store_many(self, arrivals: Sequence[Arrival], *, collection: str = "default") -> list[Document]:
        """Keep documents of different paths in one transaction, all of them or none; see ``store``."""
        for arrival in arrivals:
            _require_spans_within(arrival.document)
        dropped: list[str] = []
        with self._database.writing() as connection:
            known = known_documents(connection, arrivals, collection)
            new = [arrival for arrival in arrivals if not is_late(arrival, known)]
            ids = {path: int(row.id) for path, row in known.items()}
            if new:
                name, dimensions = self._require_embedder(state_of(connection))
                blobs = {arrival.document.path: _packed(arrival, dimensions) for arrival in new}
                begin_revision(connection)
                fresh = [arrival.document for arrival in new]
                written = put_documents(
                    connection, fresh, collection=collection, known=known, versions_kept=self._versions_kept
                )
                split = [document for document in fresh if document.path not in written.whole]
                put_chunks(connection, split, ids=written.ids, blobs=blobs, embedder=name)
                ids, dropped = written.ids, written.dropped
            found = documents.list_documents(connection, Scope(documents=tuple(ids.values())))
        if new:
            self._index.changed(self._database)
        self._dropped += (probe for text in dropped for probe in probes_of(text))
        by_id = {document.id: document for document in found}
        return [by_id[ids[arrival.document.path]] for arrival in arrivals]

    def move(
        self, document_id: int, *, name: str, path: str, root: str, mtime_ns: int, title: str | None = None
    ) -> Document:
        """Note that a file of the same content is elsewhere now; the document keeps its id, chunks and vectors.

        Another ``title`` is what it is shown and found by, though its vectors were made with the old one.

        Raises:
            NotFound: the library has no such document.
            PathTaken: another document of its collection is at that path.
        """
        with self._database.writing() as connection:
            begin_revision(connection)
            values = {"name": name, "path": path, "root": root, "mtime_ns": mtime_ns, "settled": False}
            before = documents.find_document(connection, document_id)
            documents.move_document(connection, before, values)
            if title is not None and title != before.title:
                documents.retitle_document(connection, document_id, title)
            for place in (before.path, path):
                failures.remove_failure(connection, before.collection, place)
            return documents.find_document(connection, document_id)

    def reroot(self, moved: Sequence[Document]) -> None:
        """Note at which paths documents are expected from now on, and below which folder.

        A path that another document of the collection has meanwhile stays that one's.
        """
        with self._database.writing() as connection:
            begin_revision(connection)
            documents.reroot_documents(connection, moved)

    def remove(self, document_id: int) -> Receipt:
        """Forget a document, with everything that was made of it, and overwrite it on the disk.

        Raises:
            NotFound: the library has no such document.
        """
        return self.remove_many([document_id])[0]

    def remove_many(self, document_ids: Sequence[int]) -> list[Receipt]:
        """Forget documents in one transaction, all of them or none; the disk is cleaned once for all.

        Raises:
            NotFound: the library lacks one of them.
        """
        return remove_documents(self._database, self._index, document_ids)

    def remove_collection(self, collection: str) -> list[Receipt]:
        """Forget all documents of a collection and the failures noted in it."""
        receipts = self.remove_many([d.id for d in self.documents(Scope(collections=(collection,)))])
        with self._database.writing() as connection:
            failures.remove_failures(connection, collection)
        return receipts

    def note_failure(self, failure: FailedFile) -> FailedFile:
        """Remember a file that could not be read; return it with the attempts on the same content counted."""
        with self._database.writing() as connection:
            return failures.put_failure(connection, failure)

    def forget_failure(self, collection: str, path: str) -> bool:
        """Let a file that could not be read be tried again; say whether there was such a one."""
        with self._database.writing() as connection:
            return failures.remove_failure(connection, collection, path)

    def near_duplicates(self, scope: Scope = Scope(), threshold: float = 0.8) -> list[Duplicate]:
        """Return the pairs of documents in a scope that share at least ``threshold`` of their text, likest first.

        Of many documents with the same words each is paired with the first only. Documents that were stored by an
        older version are looked through first, which takes about a second for each thousand.
        """
        return near_duplicates(self._database, scope, threshold)

    def touch(self, document_id: int, *, mtime_ns: int, settled: bool = False) -> None:
        """Note that a file has a modification time, perhaps a new one, but the same content; see ``Document``."""
        with self._database.writing() as connection:
            found = connection.execute(
                update(schema.documents)
                .where(schema.documents.c.id == document_id)
                .values(mtime_ns=mtime_ns, settled=settled)
            )
            if not found.rowcount:
                documents.find_document(connection, document_id)

    def settle_index(self) -> None:
        """Bring the vector index to the form that suits the library's size, and save it: worth it after much changed.

        Takes seconds for 100,000 chunks and a minute for a million. A search begins the same in the background.
        """
        self._index.settle(self._database)

    def verify(self) -> VerifyReport:
        """Check the library against itself: file, texts, vectors, full text and vector index."""
        return check_library(self._database, self._index)

    def rebuild(
        self, embed: Embed | None = None, *, embedder: str | None = None, dimensions: int | None = None
    ) -> None:
        """Make full text and vector index anew from the database; mend or drop what does not fit its documents.

        With ``embed``, which turns texts into vectors of shape (n, dimensions), every chunk is first embedded anew,
        by the library's own embedder or by the one named. The old vectors serve until all new ones are there, with
        their index; an interrupted run goes on where it was.
        """
        went_over = False
        if embed is not None:
            with self._database.reading() as connection:
                state = state_of(connection)
                if embedder is None or dimensions is None:
                    embedder, dimensions = self._require_embedder(state)
            went_over = embedder != state.embedder
            self._next_embedder = embedder, dimensions
            reembed(self._database, self._index, embed, embedder=embedder, dimensions=dimensions)
            self._embedder, self._dimensions = embedder, dimensions
        with self._database.writing() as connection:
            heal(connection)
            full_text.rebuild_words(connection)
        if went_over:
            # Its index was made before.
            self._index.settle(self._database)
        else:
            self._index.rebuild(self._database)

    def close(self) -> None:
        """Save the vector index if it has changed, overwrite what was removed, and close the database."""
        self._index.close(self._database)
        if not self._database.read_only:
            clean_up(self._database, self._index, probes=self._dropped)
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _agree_on_embedder(self) -> None:
        with self._database.reading() as connection:
            state = state_of(connection)
        if self._embedder is None or self._dimensions is None:
            self._embedder, self._dimensions = state.embedder, state.dimensions
        elif (state.embedder, state.dimensions) != (self._embedder, self._dimensions):
            if self._database.read_only:
                self._require_embedder(state)
                return
            with self._database.writing() as connection:
                if connection.scalar(select(func.count()).select_from(schema.chunks)):
                    self._require_embedder(state_of(connection))
                else:
                    choose_embedder(connection, self._embedder, self._dimensions)


def _packed(arrival: Arrival, dimensions: int) -> list[bytes]:
    document = arrival.document
    return packed(arrival.vectors, count=len(document.spans), dimensions=dimensions, name=document.name)


def _require_spans_within(document: NewDocument) -> None:
    for span in document.spans:
        if not 0 <= span.start < span.end <= len(document.text):
            raise ValueError(f"{document.name}: {span} is no piece of a text of {len(document.text)} characters")
