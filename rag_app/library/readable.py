"""What can be asked of a library. Every question sees one state of the database."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from rag_app.library import boxes, documents, embedded, failures, full_text, receipts, schema, versions
from rag_app.library.cached_index import CachedIndex
from rag_app.library.database import Database
from rag_app.library.history import State, require_embedder, state_of
from rag_app.library.sampling import Sample, read_sample
from rag_app.library.vectors import unit
from rag_app.records import Chunk, Document, FailedFile, Hit, Passage, Receipt, Scope, TextBox, Version


class ReadableLibrary:
    """The side of a library that changes nothing: lists, texts and both searches."""

    _database: Database
    _index: CachedIndex
    _embedder: str | None
    _dimensions: int | None
    _next_embedder: tuple[str, int] | None

    @property
    def embedder(self) -> tuple[str, int] | None:
        """Name and dimensions of the embedder that this library was opened with or found."""
        return (self._embedder, self._dimensions) if self._embedder and self._dimensions else None

    @property
    def revision(self) -> int:
        """How many changes the library has seen."""
        with self._database.reading() as connection:
            return state_of(connection).revision

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

    def boxes(self, document_id: int, start: int, end: int) -> list[TextBox]:
        """Return where text[start:end] of a document stands on its pages, line by line; raises NotFound."""
        with self._database.reading() as connection:
            documents.find_document(connection, document_id)
            return boxes.list_boxes(connection, document_id, start, end)

    def versions(self, document_id: int) -> list[Version]:
        """Return what a document was before it was replaced, the oldest first; raises NotFound."""
        with self._database.reading() as connection:
            documents.find_document(connection, document_id)
            return versions.list_versions(connection, document_id)

    def version_text(self, document_id: int, number: int) -> str:
        """Return the text of the current version or of one that is kept; raises NotFound."""
        with self._database.reading() as connection:
            if documents.find_document(connection, document_id).version == number:
                return documents.document_text(connection, document_id)
            return versions.version_text(connection, document_id, number)

    def collections(self) -> list[str]:
        """Return the names of the collections that hold a document."""
        with self._database.reading() as connection:
            return list(connection.scalars(select(schema.collections.c.name).order_by(schema.collections.c.name)))

    def twins(self, sha256s: Iterable[str], *, collection: str) -> dict[str, Document]:
        """Return the newest document of a collection for each of the digests that a document in it has."""
        with self._database.reading() as connection:
            return documents.list_twins(connection, sha256s, collection)

    def known_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """Return for each text the vector of a chunk that was embedded from exactly it, of length 1, or None.

        Raises:
            EmbedderMismatch: the library has been embedded anew by another embedder since it was opened.
        """
        with self._database.reading() as connection:
            state = state_of(connection)
            if state.embedder is None:
                return [None] * len(texts)
            name, dimensions = self._require_embedder(state)
            return embedded.list_known_vectors(connection, texts, embedder=name, dimensions=dimensions)

    def failures(self, scope: Scope = Scope(), *, left_out: bool = False) -> list[FailedFile]:
        """Return the files in the collections of a scope that could not be read, by collection and name.

        With ``left_out`` also those in which there is nothing to read, which are no failures.
        """
        with self._database.reading() as connection:
            return failures.list_failures(connection, scope, left_out=left_out)

    def receipts(self) -> list[Receipt]:
        """Return the receipts of all removals, the oldest first."""
        with self._database.reading() as connection:
            return receipts.list_receipts(connection)

    def search_vectors(self, query: NDArray[np.float32], k: int, scope: Scope = Scope()) -> list[Hit]:
        """Return the k chunks in scope whose vectors have the highest cosine with the query's, best first.

        Raises:
            EmbedderMismatch: the library has been embedded anew by another embedder since it was opened.
        """
        with self._index.lock, self._database.reading() as connection:
            state = state_of(connection)
            _, dimensions = self._require_embedder(state)
            hits = self._index.search(connection, state, unit(query, dimensions), k=k, scope=scope)
        self._index.tend(self._database)
        return hits

    def search_words(self, query: str, k: int, scope: Scope = Scope()) -> list[Hit]:
        """Return the k chunks in scope that fit the words of any text best (BM25; higher is better)."""
        with self._database.reading() as connection:
            return full_text.search_words(connection, query, k, scope)

    def distinct(self, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits with those of the same content made one, so that copies do not crowd out other passages.

        The one that is left has the rank and score of the best and is of the newest document.
        """
        with self._database.reading() as connection:
            return embedded.distinct_hits(connection, hits)

    def passages(self, hits: Sequence[Hit]) -> list[Passage]:
        """Return what the hits found, ranked in the given order; chunks that are gone by now are left out."""
        with self._database.reading() as connection:
            return documents.list_passages(connection, hits)

    def sample(self, scope: Scope = Scope(), *, most: int) -> Sample:
        """Return the chunks in a scope with their vectors, at most so many: then a fair sample, always the same.

        Raises:
            EmbedderMismatch: the library has been embedded anew by another embedder since it was opened.
        """
        with self._database.reading() as connection:
            state = state_of(connection)
            dimensions = self._require_embedder(state)[1] if state.embedder else 0
            return read_sample(connection, scope, most=most, dimensions=dimensions)

    def _require_embedder(self, state: State) -> tuple[str, int]:
        if self._next_embedder and self._next_embedder == (state.embedder, state.dimensions):
            # This library itself has just been embedded anew, by another thread.
            self._embedder, self._dimensions = self._next_embedder
        return require_embedder(state, self._embedder, self._dimensions, self._database.file)
