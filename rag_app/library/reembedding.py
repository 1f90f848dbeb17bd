"""Replace the vectors of a library by those of another embedder, in place."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Connection, Select, and_, delete, insert, literal, select, update

from rag_app.library import schema
from rag_app.library.cached_index import CachedIndex
from rag_app.library.database import Database
from rag_app.library.history import begin_revision, choose_embedder, state_of
from rag_app.library.successor import bring_up
from rag_app.library.vectors import packed
from rag_app.records import contextual_text

Embed = Callable[[list[str]], NDArray[np.float32]]

_BATCH = 256

_chunks, _pending = schema.chunks.c, schema.pending_vectors.c


def reembed(database: Database, index: CachedIndex, embed: Embed, *, embedder: str, dimensions: int) -> None:
    """Embed every chunk anew, then change over to the new vectors in one transaction.

    Until then the new vectors are kept beside the old ones, so that the library stays in use, documents may still
    come and go, and a run that was killed goes on where it was. Their index is made before the change, so that the
    first search after it has no more to wait for than the last one before.
    """
    # Chunks that were stored while the others were embedded still lack a vector at the end of a round.
    while not _switched(database, index, embedder, dimensions):
        last = 0
        while texts := _without_vector(database, embedder, last):
            ids = list(texts)
            vectors = embed(list(texts.values()))
            blobs = packed(vectors, count=len(ids), dimensions=dimensions, name=f"chunks {ids[0]} to {ids[-1]}")
            with database.writing() as connection:
                for chunk_id, blob in zip(ids, blobs, strict=True):
                    living = select(_chunks.id, literal(embedder), literal(blob)).where(_chunks.id == chunk_id)
                    connection.execute(
                        insert(schema.pending_vectors)
                        .prefix_with("OR REPLACE")
                        .from_select(["chunk_id", "embedder", "vector"], living)
                    )
            last = ids[-1]


def _without_vector(database: Database, embedder: str, last: int) -> dict[int, str]:
    """Return the next texts to embed, by chunk id."""
    columns = (_chunks.id, _chunks.title, _chunks.heading, _chunks.text)
    missing = _missing(embedder, *columns).where(_chunks.id > last).order_by(_chunks.id).limit(_BATCH)
    with database.reading() as connection:
        return {row.id: contextual_text(row.title, row.heading, row.text) for row in connection.execute(missing)}


def _switched(database: Database, index: CachedIndex, embedder: str, dimensions: int) -> bool:
    """Change over to the new vectors if every chunk has one; say whether that is so."""
    with database.reading() as connection:
        if _lacks_any(connection, embedder):
            return False
        repaired = state_of(connection).embedder == embedder
    # An index of the same embedder follows the log, and would lose what this one has ahead.
    successor = None if repaired else index.prepare(database, embedder, dimensions)
    with database.writing() as connection:
        if _lacks_any(connection, embedder):
            return False
        if successor is not None and not bring_up(connection, successor):
            return False
        begin_revision(connection)
        new = select(_pending.vector).where(_pending.chunk_id == _chunks.id, _pending.embedder == embedder)
        connection.execute(update(schema.chunks).values(vector=new.scalar_subquery(), embedder=embedder))
        connection.execute(delete(schema.pending_vectors))
        choose_embedder(connection, embedder, dimensions)
        if not repaired:
            # No index of the old vectors can follow, and that of the new ones has them all.
            number = state_of(connection).revision
            connection.execute(delete(schema.changes).where(schema.changes.c.revision == number))
    return True


def _lacks_any(connection: Connection, embedder: str) -> bool:
    return connection.scalar(_missing(embedder, _chunks.id).limit(1)) is not None


def _missing(embedder: str, *columns: Column[Any]) -> Select[Any]:
    has_one = and_(_pending.chunk_id == _chunks.id, _pending.embedder == embedder)
    return select(*columns).outerjoin(schema.pending_vectors, has_one).where(_pending.chunk_id.is_(None))
