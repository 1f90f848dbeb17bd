"""The index of the vectors that are to replace a library's own, made before the change.

It is a file of its own beside the index until the library has gone over, so that neither a kill nor another process
has to make it again, and the old one serves to the last.
"""

import logging
from pathlib import Path

from sqlalchemy import Connection

from rag_app.library.database import Database
from rag_app.library.history import state_of
from rag_app.library.index_building import build_fitting, can_follow, follow, pending_of
from rag_app.library.vector_index import Sizes, Stamp, VectorIndex

logger = logging.getLogger(__name__)


class Successor:
    """What comes after the index in a file, if anything does."""

    def __init__(self, file: Path, *, saved: bool, sizes: Sizes) -> None:
        self._file = file.with_name(f"{file.name}.next")
        self._saved = saved
        self._sizes = sizes
        self._index: VectorIndex | None = None

    def prepare(self, database: Database, embedder: str, dimensions: int) -> VectorIndex | None:
        """Make the index of an embedder's vectors, one for each chunk. None when they changed too much meanwhile."""
        index = build_fitting(database, sizes=self._sizes, source=pending_of(embedder, dimensions))
        if index is not None and self._saved:
            try:
                index.save(self._file)
            except OSError as error:
                logger.warning("The next vector index cannot be saved (%s).", error)
        self._index = index
        return index

    def of(self, connection: Connection, stamp: Stamp) -> VectorIndex | None:
        """Return the index if it is of this state or of one before it: the library has gone over."""
        if self._index is None:
            # Its head first: what was left behind by a change that never came may be large, and is of no use.
            head = VectorIndex.stamp_of(self._file)
            if head is None or not can_follow(connection, head[0], stamp):
                return None
            self._index = VectorIndex.load(self._file, sizes=self._sizes)
        found = self._index
        return found if found is not None and can_follow(connection, found.stamp, stamp) else None

    def saved(self, index: VectorIndex) -> None:
        """Let go of what has been saved as the index itself."""
        if index is self._index:
            self._index = None
            self.remove_file()

    def remove_file(self) -> None:
        """Remove the file, whatever it is of."""
        if self._saved:
            self._file.unlink(missing_ok=True)


def bring_up(connection: Connection, index: VectorIndex) -> bool:
    """Bring the index of vectors that are to replace the library's to the present state; False where it cannot be."""
    source = pending_of(index.stamp.embedder, index.stamp.dimensions)
    now = source.stamp(state_of(connection))
    if now is None or not can_follow(connection, index.stamp, now):
        return False
    follow(connection, index, now, source=source)
    return True
