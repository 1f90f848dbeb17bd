"""Say when a folder has changed."""

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from watchfiles import Change, DefaultFilter, watch

from ingest.discovery import IGNORE_FILE, checked_folder

log = logging.getLogger(__name__)

# Editors and copies write a file in several steps: wait until it has been quiet for a moment.
_QUIET_MILLISECONDS = 500
_LONGEST_WAIT_MILLISECONDS = 5000


class _Seen(DefaultFilter):
    """Passes the changes that an ingestion would see: hidden files change nothing, but ignore files do."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root

    def __call__(self, change: Change, path: str) -> bool:
        below = Path(path)
        if below.is_relative_to(self._root):
            below = below.relative_to(self._root)
        return below.name == IGNORE_FILE or not any(part.startswith(".") for part in below.parts)


def watch_folder(folder: Path, *, stop: Event | None = None) -> Iterator[None]:
    """Yield at once, and again whenever the folder has changed and then been quiet; end when ``stop`` is set.

    Raises:
        FolderError: the folder does not exist, is none or cannot be listed.
    """
    root = checked_folder(folder)
    changes = watch(
        root,
        watch_filter=_Seen(root),
        step=_QUIET_MILLISECONDS,
        debounce=_LONGEST_WAIT_MILLISECONDS,
        rust_timeout=1000,
        yield_on_timeout=True,
        stop_event=stop,
    )
    # The first round of waiting begins the watch, so that no change during the first ingestion is missed.
    next(changes, None)
    yield
    for changed in changes:
        if changed:
            log.info("%d files below %s changed", len(changed), root)
            yield
