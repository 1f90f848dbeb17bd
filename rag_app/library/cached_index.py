"""Keep a vector index at the revision that is being read. The index is a cache: the database is the truth."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, and_, select

from rag_app.library import schema
from rag_app.library.database import Database
from rag_app.library.documents import chunk_ids, living_chunks
from rag_app.library.history import State, state_of
from rag_app.library.vector_index import Stamp, VectorIndex
from rag_app.library.vectors import unpacked
from rag_app.records import Hit, Scope

logger = logging.getLogger(__name__)

SAVE_AFTER = 5000
"""Changed vectors after which the index is saved. Losing it costs reading at most these from the database again."""

_BATCH = 10_000


class CachedIndex:
    """The vector index of one library, shared by its threads.

    ``lock`` must be held from before the database is read until the index has been searched, so that the index
    never goes back to an older revision, nor changes under a search.
    """

    def __init__(self, file: Path, *, saved: bool) -> None:
        self.lock = threading.Lock()
        self._file = file
        self._saved = saved
        self._index: VectorIndex | None = None
        self._unsaved = 0

    def search(
        self, connection: Connection, state: State, query: NDArray[np.float32], *, k: int, scope: Scope
    ) -> list[Hit]:
        """Return the k chunks in scope nearest to a query of length 1; all of them are there in the database."""
        index = self.at(connection, state)
        allowed = None if scope == Scope() else chunk_ids(connection, scope)
        hits = index.search(query, k, allowed)
        if len(living_chunks(connection, (hit.chunk_id for hit in hits))) < len(hits):
            logger.warning("The vector index did not fit the library and is made anew.")
            hits = self.rebuilt(connection, index.stamp).search(query, k, allowed)
        return hits

    def at(self, connection: Connection, state: State) -> VectorIndex:
        """Return the index exactly as the connection's transaction sees the library, which must have an embedder."""
        if state.embedder is None or state.dimensions is None:
            raise ValueError("a library without an embedder has no vectors")
        stamp = Stamp(state.revision, state.token, state.embedder, state.dimensions)
        if self._index is None:
            self._index = VectorIndex.load(self._file)
        if self._index is None or not _can_catch_up(connection, self._index.stamp, stamp):
            return self.rebuilt(connection, stamp)
        if self._index.stamp != stamp:
            self._catch_up(connection, self._index, stamp)
        return self._index

    def rebuilt(self, connection: Connection, stamp: Stamp) -> VectorIndex:
        """Make the index anew from the database, whatever it held."""
        self._index = None
        index = VectorIndex(stamp)
        columns = schema.chunks.c
        self._read(connection, index, select(columns.id, columns.vector).where(columns.embedder == stamp.embedder))
        # Even an empty one is worth saving over whatever could not be used.
        self._index, self._unsaved = index, max(len(index), 1)
        return index

    def rebuild(self, database: Database) -> None:
        """Make the index anew and save it, if the library has an embedder yet."""
        with self.lock:
            with database.reading() as connection:
                state = state_of(connection)
                if state.embedder is None or state.dimensions is None:
                    return
                self.rebuilt(connection, Stamp(state.revision, state.token, state.embedder, state.dimensions))
            self.save()

    def save_when_due(self) -> None:
        """Save the index if much has changed. To be called outside of a transaction, with the lock held."""
        if self._unsaved >= SAVE_AFTER:
            self.save()

    def save(self) -> None:
        """Save the index if it has changed. A failure is only logged: the library is whole without the file."""
        if self._index is None or not self._unsaved or not self._saved:
            return
        try:
            self._index.save(self._file)
        except OSError as error:
            logger.warning("The vector index cannot be saved (%s); it will be made anew from the library.", error)
        self._unsaved = 0

    def _catch_up(self, connection: Connection, index: VectorIndex, stamp: Stamp) -> None:
        log, chunks = schema.changes.c, schema.chunks.c
        changed = select(log.chunk_id).where(log.revision > index.stamp.revision).distinct().subquery()
        living = and_(chunks.id == changed.c.chunk_id, chunks.embedder == stamp.embedder)
        # An exception in between must not leave an index that is neither old nor new.
        self._index = None
        columns = (changed.c.chunk_id.label("id"), chunks.vector)
        self._read(connection, index, select(*columns).join(schema.chunks, living, isouter=True))
        index.stamp = stamp
        self._index = index

    def _read(self, connection: Connection, index: VectorIndex, rows: Select[Any]) -> None:
        result = connection.execute(rows, execution_options={"yield_per": _BATCH})
        for batch in result.partitions():
            ids, sound, vectors = _split(batch, index.stamp.dimensions)
            index.replace(ids[~sound], ids[sound], vectors)
            self._unsaved += len(ids)


def _can_catch_up(connection: Connection, old: Stamp, new: Stamp) -> bool:
    """Say whether the change log leads from one state to the other."""
    if (old.embedder, old.dimensions) != (new.embedder, new.dimensions):
        return False
    known = connection.scalar(select(schema.revisions.c.token).where(schema.revisions.c.number == old.revision))
    return known == old.token and old.revision <= new.revision


def _split(
    batch: Sequence[Row[Any]], dimensions: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float32]]:
    """Return ids, which of them have a sound vector, and those vectors. A chunk that is gone has none."""
    ids = np.array([row.id for row in batch], dtype=np.int64)
    vectors, sound = unpacked([row.vector for row in batch], dimensions)
    return ids, sound, vectors
