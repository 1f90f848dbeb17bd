"""What rag_app knows: documents, their chunks and vectors, and both ways to search them."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, update

from rag_app.library import documents, full_text, schema
from rag_app.library.cached_index import CachedIndex
from rag_app.library.checking import check_library
from rag_app.library.database import Database, database_file
from rag_app.library.history import State, begin_revision, choose_embedder, require_embedder, state_of
from rag_app.library.reembedding import Embed, reembed
from rag_app.library.vectors import packed, unit
from rag_app.records import Chunk, Document, Hit, NewDocument, Passage, Scope, VerifyReport

INDEX_FILE = "vectors.index"


class Library:
    """A library on disk. May be shared by threads, and opened by several processes at once.

    Every change is one transaction, and every search sees one state of the database. The vector index is only a
    cache of it, brought to the state that is searched, so that what was removed is never found again.
    """

    def __init__(
        self, database: Database, index_folder: Path, *, embedder: str | None = None, dimensions: int | None = None
    ) -> None:
        self._database = database
        self._index = CachedIndex(index_folder / INDEX_FILE, saved=not database.read_only)
        self._embedder = embedder
        self._dimensions = dimensions

    @classmethod
    def open(
        cls,
        url: str,
        *,
        index_folder: Path,
        embedder: str | None = None,
        dimensions: int | None = None,
        read_only: bool = False,
    ) -> Self:
        """Open the library at an SQLite URL; make or upgrade it first where needed.

        Without an ``embedder`` the library's own is taken; a new one can then be listed and checked, but neither
        filled nor searched by vector. With one, an empty library adopts it.

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
            library = cls(database, index_folder, embedder=embedder, dimensions=dimensions)
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

    @property
    def embedder(self) -> tuple[str, int] | None:
        """Name and dimensions of the embedder that this library was opened with or found."""
        return (self._embedder, self._dimensions) if self._embedder and self._dimensions else None

    @property
    def revision(self) -> int:
        """How many changes the library has seen."""
        with self._database.reading() as connection:
            return state_of(connection).revision

    def store(self, document: NewDocument, vectors: NDArray[np.float32], *, collection: str = "default") -> Document:
        """Keep a document, one chunk for each of its spans, with their vectors of shape (spans, dimensions).

        A document of the same collection and path is replaced: it keeps its id, its version grows by one, and its
        chunks get new ids. All in one transaction.
        """
        _require_spans_within(document)
        with self._database.writing() as connection:
            name, dimensions = self._require_embedder(state_of(connection))
            blobs = packed(vectors, count=len(document.spans), dimensions=dimensions, name=document.name)
            begin_revision(connection)
            document_id = documents.put_document(connection, document, collection=collection)
            documents.put_chunks(connection, document_id, document, vectors=blobs, embedder=name)
            return documents.find_document(connection, document_id)

    def remove(self, document_id: int) -> Document:
        """Forget a document, with everything that was made of it; return what it was.

        Raises:
            NotFound: the library has no such document.
        """
        with self._database.writing() as connection:
            document = documents.find_document(connection, document_id)
            begin_revision(connection)
            documents.remove_document(connection, document_id)
        return document

    def touch(self, document_id: int, *, mtime_ns: int) -> None:
        """Note that a file has a new modification time but the same content."""
        with self._database.writing() as connection:
            found = connection.execute(
                update(schema.documents).where(schema.documents.c.id == document_id).values(mtime_ns=mtime_ns)
            )
            if not found.rowcount:
                documents.find_document(connection, document_id)

    def documents(self, scope: Scope = Scope()) -> list[Document]:
        """Return the documents in a scope, by collection and name."""
        with self._database.reading() as connection:
            return documents.list_documents(connection, scope)

    def document(self, document_id: int) -> Document:
        """Return a document; raises NotFound."""
        with self._database.reading() as connection:
            return documents.find_document(connection, document_id)

    def text(self, document_id: int) -> str:
        """Return the extracted text of a document, which all offsets count in; raises NotFound."""
        with self._database.reading() as connection:
            return documents.document_text(connection, document_id)

    def chunks(self, document_id: int) -> list[Chunk]:
        """Return the chunks of a document in their order; raises NotFound."""
        with self._database.reading() as connection:
            documents.find_document(connection, document_id)
            return documents.list_chunks(connection, document_id)

    def collections(self) -> list[str]:
        """Return the names of the collections that hold a document."""
        with self._database.reading() as connection:
            return list(connection.scalars(select(schema.collections.c.name).order_by(schema.collections.c.name)))

    def search_vectors(self, query: NDArray[np.float32], k: int, scope: Scope = Scope()) -> list[Hit]:
        """Return the k chunks in scope whose vectors have the highest cosine with the query's, best first.

        Raises:
            EmbedderMismatch: the library has been embedded anew by another embedder since it was opened.
        """
        with self._index.lock:
            with self._database.reading() as connection:
                state = state_of(connection)
                _, dimensions = self._require_embedder(state)
                hits = self._index.search(connection, state, unit(query, dimensions), k=k, scope=scope)
            self._index.save_when_due()
        return hits

    def search_words(self, query: str, k: int, scope: Scope = Scope()) -> list[Hit]:
        """Return the k chunks in scope that fit the words of any text best (BM25; higher is better)."""
        with self._database.reading() as connection:
            return full_text.search_words(connection, query, k, scope)

    def passages(self, hits: Sequence[Hit]) -> list[Passage]:
        """Return what the hits found, ranked in the given order; chunks that are gone by now are left out."""
        with self._database.reading() as connection:
            return documents.list_passages(connection, hits)

    def verify(self) -> VerifyReport:
        """Check the library against itself: file, texts, vectors, full text and vector index."""
        return check_library(self._database, self._index)

    def rebuild(
        self, embed: Embed | None = None, *, embedder: str | None = None, dimensions: int | None = None
    ) -> None:
        """Make full text and vector index anew from the database.

        With ``embed``, which turns texts into vectors of shape (n, dimensions), every chunk is first embedded anew,
        by the library's own embedder or by the one named. The old vectors serve until all new ones are there; an
        interrupted run goes on where it was.
        """
        if embed is not None:
            if embedder is None or dimensions is None:
                with self._database.reading() as connection:
                    embedder, dimensions = self._require_embedder(state_of(connection))
            reembed(self._database, embed, embedder=embedder, dimensions=dimensions)
            self._embedder, self._dimensions = embedder, dimensions
        with self._database.writing() as connection:
            full_text.rebuild_words(connection)
        self._index.rebuild(self._database)

    def close(self) -> None:
        """Save the vector index if it has changed, and close the database."""
        with self._index.lock:
            self._index.save()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_embedder(self, state: State) -> tuple[str, int]:
        return require_embedder(state, self._embedder, self._dimensions, self._database.file)

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


def _require_spans_within(document: NewDocument) -> None:
    for span in document.spans:
        if not 0 <= span.start < span.end <= len(document.text):
            raise ValueError(f"{document.name}: {span} is no piece of a text of {len(document.text)} characters")
