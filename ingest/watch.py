"""Say when a folder has changed."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from watchfiles import Change, DefaultFilter, watch

from ingest.discovery import IGNORE_FILE, checked_folder, lies_below
from rag_app.errors import FolderError

log = logging.getLogger(__name__)

# Editors and copies write a file in several steps: wait until it has been quiet for a moment.
_QUIET_MILLISECONDS = 500
_LONGEST_WAIT_MILLISECONDS = 5000
_LOOK_MILLISECONDS = 1000
AGAIN_AFTER_SECONDS = 10.0


class _Seen(DefaultFilter):
    """Passes the changes that an ingestion would see: hidden files change nothing, but ignore files do."""

    def __init__(self, root: Path, leave_out: tuple[Path, ...]) -> None:
        super().__init__()
        self._root = root
        self._leave_out = tuple(path for path in leave_out if root in path.parents)

    def __call__(self, change: Change, path: str) -> bool:
        below = Path(path)
        if lies_below(below, self._leave_out):
            return False
        if below.is_relative_to(self._root):
            below = below.relative_to(self._root)
        return below.name == IGNORE_FILE or not any(part.startswith(".") for part in below.parts)


class FolderWatch:
    """Waits for changes of a folder, also of one that goes away for a while."""

    def __init__(self, folder: Path, *, leave_out: tuple[Path, ...] = (), stop: Event | None = None) -> None:
        self._folder = folder
        self._leave_out = leave_out
        self._stop = stop or Event()
        self._again_at: float | None = None

    def rounds(self) -> Iterator[None]:
        """Yield at once, and again whenever the folder has changed and then been quiet; end when told to stop.

        Raises:
            FolderError: at the beginning, the folder does not exist, is none or cannot be listed.
        """
        checked_folder(self._folder)
        while not self._stop.is_set():
            yield from self._while_there()
            self._stop.wait(_LOOK_MILLISECONDS / 1000)

    def again(self, seconds: float = AGAIN_AFTER_SECONDS) -> None:
        """Have one more round after a while, whether or not anything changes."""
        self._again_at = time.monotonic() + seconds

    def _while_there(self) -> Iterator[None]:
        """Watch until the folder is gone, or is another one of the same name."""
        try:
            root = checked_folder(self._folder)
            identity = _identity(self._folder)
            changes = watch(
                root,
                watch_filter=_Seen(root, self._leave_out),
                step=_QUIET_MILLISECONDS,
                debounce=_LONGEST_WAIT_MILLISECONDS,
                rust_timeout=_LOOK_MILLISECONDS,
                yield_on_timeout=True,
                stop_event=self._stop,
            )
            # The first round of waiting begins the watch, so that no change during the first ingestion is missed.
            next(changes, None)
        except (FolderError, FileNotFoundError):
            return
        yield
        for changed in changes:
            if _identity(self._folder) != identity:
                log.warning("%s is gone or another folder; looking for it again", self._folder)
                return
            if changed or self._is_due():
                log.info("%d files below %s changed", len(changed), root)
                yield

    def _is_due(self) -> bool:
        due = self._again_at is not None and time.monotonic() >= self._again_at
        if due:
            self._again_at = None
        return due


def watch_folder(folder: Path, *, stop: Event | None = None) -> Iterator[None]:
    """Yield at once, and again whenever the folder has changed and then been quiet; end when ``stop`` is set.

    Raises:
        FolderError: the folder does not exist, is none or cannot be listed.
    """
    return FolderWatch(folder, stop=stop).rounds()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.expanduser().stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
