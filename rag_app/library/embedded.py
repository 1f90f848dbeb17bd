"""Which texts have been embedded already: chunks of exactly the same embedded text share its vector."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, func, select

from rag_app.library import schema
from rag_app.library.vectors import unpacked
from rag_app.records import Hit

_AT_ONCE = 5000

_chunks, _documents = schema.chunks.c, schema.documents.c


def content_hash(embedded: str) -> str:
    """Return the hash of a text as it is embedded, with title and heading; 32 hexadecimal digits."""
    # Text that cannot be stored is refused when it is stored, not here.
    return hashlib.blake2b(embedded.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def list_known_vectors(
    connection: Connection, texts: Sequence[str], *, embedder: str, dimensions: int
) -> list[NDArray[np.float32] | None]:
    """Return for each text the vector of a chunk that was made of exactly it, shape (dimensions,), or None."""
    hashes = [content_hash(text) for text in texts]
    found: dict[str, NDArray[np.float32]] = {}
    wanted = sorted(set(hashes))
    for start in range(0, len(wanted), _AT_ONCE):
        # Beside a maximum SQLite gives the other columns of the row that has it.
        rows = connection.execute(
            select(_chunks.content_hash, func.max(_chunks.id), _chunks.vector)
            .where(_chunks.content_hash.in_(_each(wanted[start : start + _AT_ONCE])), _chunks.embedder == embedder)
            .group_by(_chunks.content_hash)
        ).all()
        vectors, sound = unpacked([row.vector for row in rows], dimensions)
        fine = [row.content_hash for row, fits in zip(rows, sound.tolist(), strict=True) if fits]
        found |= dict(zip(fine, vectors, strict=True))
    return [found.get(key) for key in hashes]


def distinct_hits(connection: Connection, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits with those of the same content made one, which has the best one's rank and score.

    Of the same content are chunks that were embedded from the same text, and the same spans of files with the same
    bytes, whatever those are called. The chunk of the newest document stands for all.
    """
    columns = (_chunks.id, _chunks.content_hash, _documents.sha256, _chunks.start, _chunks.end, _documents.ingested_at)
    ids = _each([hit.chunk_id for hit in hits])
    rows = connection.execute(select(*columns).join_from(schema.chunks, schema.documents).where(_chunks.id.in_(ids)))
    known = {row.id: row for row in rows}
    groups: list[list[int]] = []
    group_of: dict[object, int] = {}
    scores: list[float] = []
    for hit in hits:
        if (row := known.get(hit.chunk_id)) is None:
            continue
        keys = (row.content_hash or row.id, (row.sha256, row.start, row.end))
        number = next((group_of[key] for key in keys if key in group_of), len(groups))
        if number == len(groups):
            groups.append([])
            scores.append(hit.score)
        groups[number].append(row.id)
        for key in keys:
            group_of.setdefault(key, number)
    newest = [max(group, key=lambda i: (known[i].ingested_at, -group.index(i))) for group in groups]
    return [
        Hit(chunk_id, score, copies=tuple(copy for copy in group if copy != chunk_id))
        for chunk_id, score, group in zip(newest, scores, groups, strict=True)
    ]


def _each(values: Sequence[int] | Sequence[str]) -> Select[tuple[Any]]:
    return select(func.json_each(json.dumps(values)).table_valued("value").c.value)
