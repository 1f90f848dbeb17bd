"""Work on an index file beside its use: one thread here, and one process among all that share the file."""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from rag_app.errors import RagError

logger = logging.getLogger(__name__)

_AGAIN_AFTER_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_NICENESS = 10


class BackgroundBuild:
    """Runs one piece of work at a time. The thread that is at it asks ``goes_on`` every few seconds."""

    def __init__(self, file: Path) -> None:
        self._lock_file = file.with_name(f"{file.name}.building")
        self._starting = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def start(self, work: Callable[[], None]) -> None:
        """Begin the work, unless some is being done, or some was begun less than a minute ago."""
        with self._starting:
            if self._stop.is_set() or time.monotonic() < self._not_before:
                return
            if self._thread is not None and self._thread.is_alive():
                return
            self._not_before = time.monotonic() + _AGAIN_AFTER_SECONDS
            self._thread = threading.Thread(target=self._run, args=(work,), name="vector index", daemon=True)
            self._thread.start()

    def goes_on(self) -> bool:
        """Say whether the work is still wanted."""
        return not self._stop.is_set()

    def stop(self) -> None:
        """End the work, and wait until it has ended; then more can be begun."""
        self._stop.set()
        with self._starting:
            if self._thread is not None:
                self._thread.join()
            self._thread = None
        self._stop.clear()

    def _run(self, work: Callable[[], None]) -> None:
        _step_back()
        try:
            while self.goes_on():
                try:
                    # On Unix the file stays; to remove it could let two processes hold "it" at once.
                    with FileLock(self._lock_file, timeout=0):
                        work()
                        return
                except Timeout:
                    self._stop.wait(_LOOK_SECONDS)
        except (RagError, OSError, RuntimeError, MemoryError) as error:
            logger.warning("The vector index could not be built anew (%s); the one that is there serves on.", error)


def _step_back() -> None:
    """Let searches go first. Linux gives each thread a priority of its own; elsewhere it would be the process's."""
    if hasattr(os, "setpriority") and Path("/proc/self/task").is_dir():
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        except OSError as error:
            logger.debug("The priority of a thread cannot be lowered (%s).", error)
