"""Take the bytes of a file without being led elsewhere: no link is followed, no pipe waited for.

Whoever can write into a folder can put a link in the place of a file between the moment it is found and the moment
it is read. A link would make the reader hand out what lies elsewhere, so the way from the folder down to the file is
gone step by step, each step from the one before.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath

from rag_app.errors import ReadError

_MB = 2**20
_FILE = (
    os.O_RDONLY
    # O_NONBLOCK: opening a pipe must not wait for somebody to write to it.
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
# O_PATH: a folder that may be entered need not be one that may be listed.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_STEP = _FOLDER | getattr(os, "O_NOFOLLOW", 0)
_LED_ELSEWHERE = {errno.ELOOP, errno.ENOTDIR, getattr(errno, "EMLINK", errno.ELOOP)}


class NotOpened(ReadError):
    """The file could not be opened; that may change without the file being changed."""


def read_bytes(path: Path, name: str, *, limit: int) -> tuple[bytes, os.stat_result]:
    """Return what is in a regular file, and its facts; ``name`` is how it is told, usually its path below a folder.

    Links are not followed in those parts of the path that the name ends it with.

    Raises:
        NotOpened: it is gone, a link, no regular file, longer than ``limit`` bytes, or not ours to read.
    """
    try:
        descriptor = open_unfollowed(path, name)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotOpened(f"{name} is no regular file. Remove it or list it in .ragignore.")
            if status.st_size > limit:
                raise _too_large(name, status.st_size, limit)
            data = file.read(limit + 1)
    except OSError as error:
        if error.errno in _LED_ELSEWHERE:
            raise NotOpened(
                f"{name} cannot be opened: it or a folder on the way to it was replaced by a link while the "
                "folder was read, and links are not followed. Put the file itself there, and ingest again."
            ) from error
        raise NotOpened(f"{name} cannot be opened: {error.strerror}. Check that it exists and may be read.") from error
    if len(data) > limit:
        raise _too_large(name, len(data), limit)
    return data, status


def open_unfollowed(path: Path, name: str) -> int:
    """Open a file for reading and return its descriptor; see ``read_bytes``.

    Raises:
        OSError: it cannot be opened; of ELOOP or ENOTDIR if a link is in its way.
    """
    if os.open not in os.supports_dir_fd:
        if path.is_symlink():
            raise OSError(errno.ELOOP, "It is a link")
        return os.open(path, _FILE)
    steps = PurePosixPath(name).parts
    if path.parts[-len(steps) :] != steps:
        steps = path.parts[-1:]
    folder = os.open(Path(*path.parts[: -len(steps)]), _FOLDER)
    try:
        for step in steps[:-1]:
            inner = os.open(step, _STEP, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(steps[-1], _FILE, dir_fd=folder)
    finally:
        with suppress(OSError):
            os.close(folder)


def _too_large(name: str, size: int, limit: int) -> ReadError:
    return NotOpened(
        f"{name} has {size / _MB:.0f} MB, more than the {limit / _MB:.0f} MB that a file may have. "
        "Split it, list it in .ragignore, or raise the setting max_file_mb."
    )
