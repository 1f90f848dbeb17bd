"""Which chunks a scope holds, told to the vector index as bits."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from rag_app.library import schema
from rag_app.library.documents import within
from rag_app.library.vector_index import Stamp
from rag_app.records import Scope

FEW = 500
"""Chunks; so many are quicker compared with their exact vectors than looked for in an index."""

_REMEMBERED = 8


@dataclass(frozen=True, slots=True, eq=False)
class Allowed:
    """The chunks of a scope: how many, a bit for each (lowest id first), and their ids where they are few."""

    count: int
    bits: NDArray[np.uint8]
    few: NDArray[np.int64] | None


class ScopedChunks:
    """Remembers the chunks of the latest scopes, as long as the library stays as it is."""

    def __init__(self) -> None:
        self._stamp: Stamp | None = None
        self._known: OrderedDict[Scope, Allowed] = OrderedDict()

    def allowed(self, connection: Connection, stamp: Stamp, scope: Scope) -> Allowed:
        """Return the chunks in a scope, as the connection's transaction, whose state the stamp tells, sees them."""
        if stamp != self._stamp:
            self._stamp, self._known = stamp, OrderedDict()
        if scope not in self._known:
            self._known[scope] = _read(connection, scope)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(scope)
        return self._known[scope]


def _read(connection: Connection, scope: Scope) -> Allowed:
    """Read the ids as one range for each document, which got them in one transaction, and so in one piece."""
    columns, owner = schema.chunks.c, schema.chunks.c.document_id
    joined = select(func.min(columns.id), func.max(columns.id), func.count(), owner)
    joined = joined.join_from(schema.chunks, schema.documents).join(schema.collections).group_by(owner)
    rows = np.array([tuple(row) for row in connection.execute(within(joined, scope))], dtype=np.int64).reshape(-1, 4)
    whole = rows[:, 1] - rows[:, 0] + 1 == rows[:, 2]
    steps = np.zeros(int(rows[:, 1].max(initial=-1)) + 2, dtype=np.int8)
    steps[rows[whole, 0]] += 1
    steps[rows[whole, 1] + 1] -= 1
    mask = np.cumsum(steps[:-1], dtype=np.int8).astype(np.bool_)
    for document_id in rows[~whole, 3].tolist():
        mask[list(connection.scalars(select(columns.id).where(owner == document_id)))] = True
    count = int(rows[:, 2].sum())
    return Allowed(count, np.packbits(mask, bitorder="little"), np.flatnonzero(mask) if count <= FEW else None)
