"""Fill a vector index from the database, follow the library's changes, and build an index that suits its size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, func, select

from rag_app.library import schema
from rag_app.library.database import Database
from rag_app.library.history import State, state_of
from rag_app.library.vector_index import Sizes, Stamp, VectorIndex
from rag_app.library.vectors import unpacked

_BATCH = 10_000
_SAMPLED_PER_LIST = 25
_SAMPLED = 10_000
"""Vectors from which an index of one list learns where their middle is."""

_chunks, _pending = schema.chunks.c, schema.pending_vectors.c


@dataclass(frozen=True, slots=True)
class VectorSource:
    """Where the vectors of an index come from: the chunks, or what an embedder has made to replace theirs."""

    chunk_id: Column[Any]
    embedder: Column[Any]
    vector: Column[Any]
    made_by: tuple[str, int] | None = None
    """Name and dimensions of the embedder; None for the library's own."""

    def stamp(self, state: State) -> Stamp | None:
        """Return what an index of these vectors is stamped with in a state of the library, if there are any."""
        return Stamp(state.revision, state.token, *self.made_by) if self.made_by else stamp_of(state)

    def rows(self, stamp: Stamp) -> Select[Any]:
        columns: tuple[ColumnElement[Any], ...] = (self.chunk_id.label("id"), self.vector)
        return select(*columns).where(self.embedder == stamp.embedder)


OWN = VectorSource(_chunks.id, _chunks.embedder, _chunks.vector)


def pending_of(embedder: str, dimensions: int) -> VectorSource:
    """Return the vectors that are to replace the library's own."""
    return VectorSource(_pending.chunk_id, _pending.embedder, _pending.vector, made_by=(embedder, dimensions))


def stamp_of(state: State) -> Stamp | None:
    """Return what an index of this state is stamped with; None when the library has no embedder yet."""
    if state.embedder is None or state.dimensions is None:
        return None
    return Stamp(state.revision, state.token, state.embedder, state.dimensions)


def can_follow(connection: Connection, old: Stamp, new: Stamp) -> bool:
    """Say whether the change log leads from one state to the other."""
    if (old.embedder, old.dimensions) != (new.embedder, new.dimensions):
        return False
    known = connection.scalar(select(schema.revisions.c.token).where(schema.revisions.c.number == old.revision))
    return known == old.token and old.revision <= new.revision


def follow(
    connection: Connection, index: VectorIndex, stamp: Stamp, *, up_to: int | None = None, source: VectorSource = OWN
) -> int:
    """Bring an index to a later state of the library, or only its part of chunks ``up_to`` an id; count the changes.

    An exception in between leaves an index that is neither old nor new.
    """
    log = schema.changes.c
    changed = select(log.chunk_id).where(log.revision > index.stamp.revision).distinct()
    if up_to is not None:
        changed = changed.where(log.chunk_id <= up_to)
    given = changed.subquery()
    living = and_(source.chunk_id == given.c.chunk_id, source.embedder == stamp.embedder)
    rows = select(given.c.chunk_id.label("id"), source.vector).join(source.chunk_id.table, living, isouter=True)
    count = fill(connection, index, rows)
    index.stamp = stamp
    return count


def fill(connection: Connection, index: VectorIndex, rows: Select[Any]) -> int:
    """Put chunks into an index, given as id and vector; those without a sound one are taken out. Return how many."""
    count = 0
    for batch in connection.execute(rows, execution_options={"yield_per": _BATCH}).partitions():
        _put(index, batch)
        count += len(batch)
    return count


def count_vectors(connection: Connection) -> int:
    """Return how many chunks the library has."""
    return connection.scalar(select(func.count()).select_from(schema.chunks)) or 0


def build_quickly(connection: Connection, stamp: Stamp, *, sizes: Sizes) -> VectorIndex:
    """Make an index in one go, without the training that a large library's deserves."""
    count = count_vectors(connection)
    index = VectorIndex(stamp, sizes=sizes)
    if count > sizes.exact_up_to:
        index = _coded(connection, stamp, count, lists=1, sizes=sizes) or index
    fill(connection, index, OWN.rows(stamp))
    return index


def build_fitting(
    database: Database, *, sizes: Sizes, keep_going: Callable[[], bool] = lambda: True, source: VectorSource = OWN
) -> VectorIndex | None:
    """Make an index of the form that suits the library's size, while the library is used and changed.

    Reads in short transactions, so that the write-ahead log can be emptied meanwhile. None when there is nothing to
    index, the library went over to another embedder, or ``keep_going`` said no.
    """
    with database.reading() as connection:
        stamp, count = source.stamp(state_of(connection)), count_vectors(connection)
        if stamp is None:
            return None
        index: VectorIndex | None = VectorIndex(stamp, sizes=sizes)
        if count > sizes.exact_up_to:
            size = max(_SAMPLED, sizes.lists(count) * _SAMPLED_PER_LIST)
            sample = _sample(
                connection, source.rows(stamp).where(source.chunk_id % _step(count, size) == 0), stamp, size
            )
    if count > sizes.exact_up_to and len(sample):
        lists = min(sizes.lists(count), len(sample))
        index = VectorIndex.coded(stamp, sample, lists=lists, made_for=count, sizes=sizes, keep_going=keep_going)
        del sample
    return index if index is not None and _filled(database, index, keep_going, source) else None


def _filled(database: Database, index: VectorIndex, keep_going: Callable[[], bool], source: VectorSource) -> bool:
    """Fill an empty index batch by batch. After each it holds all chunks up to an id, as of its stamp."""
    last = -1
    while keep_going():
        with database.reading() as connection:
            now = source.stamp(state_of(connection))
            if last < 0 and now is not None and now.embedder == index.stamp.embedder:
                index.stamp = now  # Nothing is in it yet that could have changed.
            if now is None or not can_follow(connection, index.stamp, now):
                return False
            follow(connection, index, now, up_to=last, source=source)
            rest = source.rows(now).where(source.chunk_id > last).order_by(source.chunk_id)
            batch = connection.execute(rest.limit(_BATCH)).all()
            if not batch:
                return True
            _put(index, batch)
            last = batch[-1].id
    return False


def _coded(connection: Connection, stamp: Stamp, count: int, *, lists: int, sizes: Sizes) -> VectorIndex | None:
    some = OWN.rows(stamp).where(_chunks.id % _step(count, _SAMPLED) == 0)
    sample = _sample(connection, some, stamp, _SAMPLED)
    return VectorIndex.coded(stamp, sample, lists=lists, made_for=count, sizes=sizes) if len(sample) else None


def _step(count: int, size: int) -> int:
    return max(1, count // size)


def _sample(connection: Connection, some: Select[Any], stamp: Stamp, size: int) -> NDArray[np.float32]:
    """Return up to so many of the vectors: shape (n, dimensions)."""
    sample = np.empty((size, stamp.dimensions), dtype=np.float32)
    filled = 0
    for batch in connection.execute(some, execution_options={"yield_per": _BATCH}).partitions():
        vectors = _split(batch, stamp.dimensions)[2][: len(sample) - filled]
        sample[filled : filled + len(vectors)] = vectors
        filled += len(vectors)
    return sample[:filled]


def _put(index: VectorIndex, batch: Sequence[Row[Any]]) -> None:
    ids, sound, vectors = _split(batch, index.stamp.dimensions)
    index.replace(ids[~sound], ids[sound], vectors)


def _split(
    batch: Sequence[Row[Any]], dimensions: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float32]]:
    """Return ids, which of them have a sound vector, and those vectors. A chunk that is gone has none."""
    ids = np.array([row.id for row in batch], dtype=np.int64)
    vectors, sound = unpacked([row.vector for row in batch], dimensions)
    return ids, sound, vectors
