"""Chunks with their vectors, all of a scope or a fair sample of them: for whoever wants to see the whole."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from rag_app.library import schema
from rag_app.library.documents import chunk_ids, each
from rag_app.library.vectors import unpacked
from rag_app.records import Scope

OPENING_CHARACTERS = 120
_SEED = 0
_AT_ONCE = 5000

_chunks = schema.chunks.c


@dataclass(frozen=True, slots=True)
class SampledChunk:
    """A chunk of a sample. ``opening`` is how its text begins."""

    id: int
    document_id: int
    page: int | None
    heading: str | None
    opening: str


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Chunks with their vectors of length 1, shape (chunks, dimensions). ``total`` is how many there are in all."""

    chunks: tuple[SampledChunk, ...]
    vectors: NDArray[np.float32]
    total: int


def read_sample(connection: Connection, scope: Scope, *, most: int, dimensions: int) -> Sample:
    """Return all chunks in a scope, or ``most`` of them, each as likely as the other and always the same ones."""
    ids = np.sort(chunk_ids(connection, scope))
    total = len(ids)
    if total > most:
        ids = np.sort(np.random.default_rng(_SEED).choice(ids, most, replace=False))
    chunks: list[SampledChunk] = []
    vectors = [np.empty((0, dimensions), dtype=np.float32)]
    opening = func.substr(_chunks.text, 1, 2 * OPENING_CHARACTERS)
    columns = (_chunks.id, _chunks.document_id, _chunks.page, _chunks.heading, opening.label("text"), _chunks.vector)
    for low in range(0, len(ids), _AT_ONCE):
        wanted = each(ids[low : low + _AT_ONCE].tolist())
        rows = connection.execute(select(*columns).where(_chunks.id.in_(wanted)).order_by(_chunks.id)).all()
        found, sound = unpacked([row.vector for row in rows], dimensions)
        vectors.append(found)
        kept = [row for row, fits in zip(rows, sound.tolist(), strict=True) if fits]
        chunks += [SampledChunk(r.id, r.document_id, r.page, r.heading, _opening(r.text)) for r in kept]
    return Sample(tuple(chunks), np.concatenate(vectors), total)


def _opening(text: str) -> str:
    return " ".join(text.split())[:OPENING_CHARACTERS]
