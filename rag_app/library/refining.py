"""Exact cosines of a few chunks, from the vectors in the database."""

import json

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, select

from rag_app.library import schema
from rag_app.library.vectors import unpacked
from rag_app.records import Hit

_chunks = schema.chunks.c
# One JSON parameter, because SQLite refuses statements with some ten thousands of them. Made once: it is run for each
# question.
_wanted = select(func.json_each(bindparam("ids")).table_valued("value").c.value)
_VECTORS = select(_chunks.id, _chunks.vector).where(_chunks.id.in_(_wanted), _chunks.embedder == bindparam("embedder"))


def nearest(
    connection: Connection, query: NDArray[np.float32], ids: NDArray[np.int64], *, k: int, embedder: str
) -> tuple[list[Hit], bool]:
    """Return the k of these chunks that are nearest to a query of length 1, best first, and whether all are there."""
    rows = connection.execute(_VECTORS, {"ids": json.dumps(ids.tolist()), "embedder": embedder}).all()
    vectors, sound = unpacked([row.vector for row in rows], len(query))
    found = np.array([row.id for row in rows], dtype=np.int64)[sound]
    scores = vectors @ query
    order = np.lexsort((found, -scores))[:k]
    return [Hit(int(found[n]), float(scores[n])) for n in order], len(found) == len(ids)
