"""Which of the processes that share a library are alive, so that nobody waits for an answer that nobody writes.

A process that answers holds a lock on a file beside the database. The operating system releases it when the process
ends, however it ends; a clock would call a process dead that is merely slow.
"""

import contextlib
import logging
import secrets
import threading
from pathlib import Path
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

WRITER = secrets.token_hex(8)
"""This process."""

_PATIENCE_SECONDS = 5.0
"""Another process may look at a new file before it is held, and take it away: then it is made again."""

_CANNOT = (OSError, NotImplementedError)
"""What a disk without locks says, by the version of the library."""

_log = logging.getLogger(__name__)
_held: WeakValueDictionary[Path, FileLock] = WeakValueDictionary()
_holding = threading.Lock()


class Writers:
    """The processes that answer questions of the library in a file. May be shared by threads."""

    def __init__(self, file: Path) -> None:
        # By its true place: two processes may know a library by two links.
        file = file.resolve()
        self._folder = file.with_name(f"{file.stem}.writers")
        self._lock: FileLock | None = None

    def enter(self) -> None:
        """Let other processes know that this one is alive, from now on until it ends or this object goes."""
        with _holding:
            self._lock = self._lock or _held.get(self._folder)
            if self._lock is not None:
                return
            # Not of this thread alone: those that draw a page come and go.
            lock = FileLock(self._file_of(WRITER), thread_local=False)
            try:
                self._folder.mkdir(exist_ok=True)
                lock.acquire(timeout=_PATIENCE_SECONDS)
                others = {file.stem for file in self._folder.glob("*.lock")}
            except (*_CANNOT, Timeout) as error:
                _log.warning("Other programs cannot be told that this one answers (%s).", error)
                return
            _held[self._folder] = self._lock = lock
        self.living(others)  # Takes away the files of those that have ended.

    def is_alive(self, writer: str) -> bool:
        """Say whether a process that wrote here may still do so. This one is; one that cannot be looked at is not."""
        if writer == WRITER:
            return True
        file = self._file_of(writer)
        if not file.exists():
            return False
        try:
            with FileLock(file, timeout=0):
                # Nobody holds it, and nobody will again: each process has a name of its own.
                with contextlib.suppress(OSError):
                    file.unlink()
                return False
        except Timeout:
            return True
        except _CANNOT as error:
            _log.debug("Whether another program still answers cannot be told (%s).", error)
            return False

    def living(self, writers: set[str]) -> set[str]:
        """Return those of some processes that may still write."""
        return {writer for writer in writers if self.is_alive(writer)}

    def _file_of(self, writer: str) -> Path:
        return self._folder / f"{writer}.lock"
