"""Keep a vector index at the revision that is being read. The index is a cache: the database is the truth."""

import logging
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from rag_app.errors import LibraryError
from rag_app.library.background import BackgroundBuild
from rag_app.library.database import Database
from rag_app.library.history import REVISIONS_KEPT, State, state_of
from rag_app.library.index_building import build_fitting, build_quickly, can_follow, follow, stamp_of
from rag_app.library.refining import nearest
from rag_app.library.scopes import ScopedChunks
from rag_app.library.successor import Successor
from rag_app.library.vector_index import SIZES, Sizes, Stamp, VectorIndex
from rag_app.records import Hit, Scope

logger = logging.getLogger(__name__)

SAVE_AFTER = 5000
"""Changed vectors, or a twentieth of all, after which the index is saved. Losing it costs reading these again."""

_FOLLOW_AFTER = REVISIONS_KEPT // 4


class CachedIndex:
    """The vector index of one library, shared by its threads.

    ``lock`` must be held from before the database is read until the index has been searched, so that the index
    never goes back to an older revision, nor changes under a search. An index that suits the library's size is built
    without it, in the background, and the one that is there serves until then.
    """

    def __init__(self, file: Path, *, saved: bool, sizes: Sizes = SIZES) -> None:
        self.lock = threading.Lock()
        self._file = file
        self._saved = saved
        self._sizes = sizes
        self._index: VectorIndex | None = None
        self._unsaved = 0
        self._saved_revision = 0
        self._changes = 0
        self._seen = _signature(file)
        self._scopes = ScopedChunks()
        self._build = BackgroundBuild(file)
        self._successor = Successor(file, saved=saved, sizes=sizes)

    def search(
        self, connection: Connection, state: State, query: NDArray[np.float32], *, k: int, scope: Scope
    ) -> list[Hit]:
        """Return the k chunks in scope nearest to a query of length 1, with their exact cosines, best first."""
        index = self.at(connection, state)
        embedder = index.stamp.embedder
        allowed = None if scope == Scope() else self._scopes.allowed(connection, index.stamp, scope)
        if allowed is not None and allowed.few is not None:
            return nearest(connection, query, allowed.few, k=k, embedder=embedder)[0]
        bits, count = (None, None) if allowed is None else (allowed.bits, allowed.count)
        hits, whole = nearest(connection, query, index.candidates(query, k, bits, count=count), k=k, embedder=embedder)
        if not whole:
            logger.warning("The vector index did not fit the library and is made anew.")
            index = self.rebuilt(connection, index.stamp)
            hits, _ = nearest(connection, query, index.candidates(query, k, bits, count=count), k=k, embedder=embedder)
        return hits

    def at(self, connection: Connection, state: State) -> VectorIndex:
        """Return the index exactly as the connection's transaction sees the library, which must have an embedder."""
        stamp = stamp_of(state)
        if stamp is None:
            raise ValueError("a library without an embedder has no vectors")
        if self._index is None:
            self._seen = _signature(self._file)
            self._index = VectorIndex.load(self._file, sizes=self._sizes)
            self._unsaved, self._saved_revision = 0, self._index.stamp.revision if self._index else 0
        if self._index is None or not can_follow(connection, self._index.stamp, stamp):
            self._index = self._successor.of(connection, stamp)
            if self._index is None:
                return self.rebuilt(connection, stamp)
            self._unsaved, self._saved_revision = max(len(self._index), 1), 0
        if self._index.stamp != stamp:
            index, self._index = self._index, None
            self._unsaved += follow(connection, index, stamp)
            self._index = index
        return self._index

    def rebuilt(self, connection: Connection, stamp: Stamp) -> VectorIndex:
        """Make the index anew from the database, whatever it held."""
        self._index = None
        self._seen = _signature(self._file)
        index = build_quickly(connection, stamp, sizes=self._sizes)
        # Even an empty one is worth saving over whatever could not be used.
        self._index, self._unsaved, self._saved_revision = index, max(len(index), 1), 0
        return index

    def rebuild(self, database: Database) -> None:
        """Make an index that suits the library's size and save it, if the library has an embedder yet."""
        self._build.stop()
        if not self._adopt(database, build_fitting(database, sizes=self._sizes)):
            with self.lock, database.reading() as connection:
                stamp = stamp_of(state_of(connection))
                if stamp is None:
                    return
                self.rebuilt(connection, stamp)
        with self.lock:
            self.save()

    def settle(self, database: Database) -> None:
        """Bring the index to the library's state and to the form that suits its size, and save it; wait for that."""
        with self.lock, database.reading() as connection:
            state = state_of(connection)
            fits = state.embedder is None or self._fits(self.at(connection, state))
        if not fits:
            self.rebuild(database)
        with self.lock:
            self.save()

    def tend(self, database: Database) -> None:
        """Save the index if much has changed, and begin to build one of another form if the library outgrew it.

        To be called outside of a transaction, without the lock.
        """
        with self.lock:
            if self._index is None:
                return
            behind = self._index.stamp.revision - self._saved_revision
            if self._unsaved >= max(SAVE_AFTER, len(self._index) // 20) or (
                self._unsaved and self._saved_revision and behind > _FOLLOW_AFTER
            ):
                self.save()
            fits = self._fits(self._index)
        if not fits and self._saved:
            self._build.start(lambda: self._improve(database))

    def changed(self, database: Database) -> None:
        """Count a change of the library; now and then follow it, before the change log forgets what it was."""
        self._changes += 1
        if self._changes % _FOLLOW_AFTER or (self._index is None and not self._file.exists()):
            return
        with self.lock, database.reading() as connection:
            state = state_of(connection)
            if state.embedder is not None:
                self.at(connection, state)
        self.tend(database)

    def save(self) -> None:
        """Save the index if it has changed. A failure is only logged: the library is whole without the file."""
        if self._index is None or not self._unsaved or not self._saved or self._is_better(self._index):
            return
        try:
            self._index.save(self._file)
        except OSError as error:
            logger.warning("The vector index cannot be saved (%s); it will be made anew from the library.", error)
        self._unsaved, self._saved_revision, self._seen = 0, self._index.stamp.revision, _signature(self._file)
        self._successor.saved(self._index)

    def prepare(self, database: Database, embedder: str, dimensions: int) -> VectorIndex | None:
        """Make the index of the vectors that are to replace the library's, while that is used and changed.

        It is taken up by the first search after the change, here or in another process.
        """
        return self._successor.prepare(database, embedder, dimensions)

    def clean_next(self) -> None:
        """Remove the file of another embedder's index, which may hold what was removed; it is made again if needed."""
        self._successor.remove_file()

    def take_better(self) -> None:
        """Go over to the index that another process has saved, if it is of a better form; the lock must be held.

        ``save`` leaves that one alone, so that what was removed would stay in it.
        """
        if self._index is not None and self._is_better(self._index):
            self._index = None

    def close(self, database: Database) -> None:
        """End what is being built, and save the index if it has changed, without what was removed meanwhile."""
        self._build.stop()
        with self.lock:
            if self._unsaved and self._saved:
                self._catch_up(database)
            self.save()

    def _catch_up(self, database: Database) -> None:
        """Bring the index to the library's state, or drop it where that takes more than to follow the changes.

        Another process may have removed documents, and cleaned the file of their vectors.
        """
        index, self._index = self._index, None
        try:
            with database.reading() as connection:
                stamp = stamp_of(state_of(connection))
                if index is not None and stamp is not None and can_follow(connection, index.stamp, stamp):
                    follow(connection, index, stamp)
                    self._index = index
        except LibraryError as error:
            logger.warning("The vector index is not saved (%s); it will be made anew from the library.", error)

    def _improve(self, database: Database) -> None:
        """Take over the index that another process built, or build one."""
        # Not the file as it was when this index was made: that one was read then, or not believed.
        if _signature(self._file) != self._seen:
            other = VectorIndex.load(self._file, sizes=self._sizes)
            if other is not None and self._fits(other) and self._adopt(database, other):
                return
        fresh = build_fitting(database, sizes=self._sizes, keep_going=self._build.goes_on)
        if fresh is None or not self._build.goes_on():
            return
        if self._adopt(database, fresh):
            with self.lock:
                self.save()

    def _adopt(self, database: Database, fresh: VectorIndex | None) -> bool:
        """Switch to another index, brought to the present state; say whether that could be done."""
        with self.lock, database.reading() as connection:
            stamp = stamp_of(state_of(connection))
            if fresh is None or stamp is None or not can_follow(connection, fresh.stamp, stamp):
                return False
            follow(connection, fresh, stamp)
            self._index, self._unsaved, self._saved_revision = fresh, max(len(fresh), 1), 0
        logger.info("The vector index of %d vectors is of the form that suits them.", len(fresh))
        return True

    @staticmethod
    def _fits(index: VectorIndex) -> bool:
        return index.fits(len(index))

    def _is_better(self, index: VectorIndex) -> bool:
        """Say whether another process has meanwhile saved an index built for this size, which this one is not."""
        if self._fits(index) or _signature(self._file) == self._seen:
            return False
        if (found := VectorIndex.stamp_of(self._file)) is None:
            return False
        stamp, made_for = found
        same = (stamp.embedder, stamp.dimensions) == (index.stamp.embedder, index.stamp.dimensions)
        return same and made_for > index.made_for


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
