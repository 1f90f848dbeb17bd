"""A file that is believed only if it holds exactly what was written: a line of JSON with a checksum, then the content.

Content streams in and out, so that a large index never lies in memory twice.
"""

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

HEADER_BYTES = 4096
_BLOCK = 1 << 20
_ABANDONED_SECONDS = 3600.0

Sink = Callable[[bytes], int]


def write_checked(file: Path, header: dict[str, Any], write: Callable[[Sink], None]) -> None:
    """Write a file, whole or not at all; ``write`` is given what takes its content piece by piece.

    Raises:
        OSError: the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(file)
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as output:
            output.write(b" " * HEADER_BYTES)
            content = _Content(output, zlib.crc32(_plain(header)))
            write(content.take)
            if content.error is not None:
                raise content.error
            line = json.dumps(header | {"bytes": content.size, "crc32": content.crc32}).encode()
            output.seek(0)
            output.write(line.ljust(HEADER_BYTES - 1) + b"\n")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def header_of(file: Path) -> dict[str, Any]:
    """Return the header of a file, whose content may still be damaged.

    Raises:
        OSError: the file cannot be read.
        ValueError: it does not begin with a header.
    """
    with file.open("rb") as source:
        return _read_header(source)


@contextmanager
def reading_checked(file: Path) -> Iterator[tuple[dict[str, Any], BinaryIO]]:
    """Give header and content of a file, after all of it has been compared with its checksum.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not what was written.
    """
    with file.open("rb") as source:
        header = _read_header(source)
        size, crc32 = header.pop("bytes", None), header.pop("crc32", None)
        found_size, found = 0, zlib.crc32(_plain(header))
        while block := source.read(_BLOCK):
            found_size, found = found_size + len(block), zlib.crc32(block, found)
        if (size, crc32) != (found_size, found):
            raise ValueError("its content is not what was written")
        source.seek(HEADER_BYTES)
        yield header, source


class _Content:
    """Writes content and keeps count. An error waits for its end, because it could not pass through foreign code."""

    def __init__(self, output: BinaryIO, crc32: int) -> None:
        self.crc32, self.size = crc32, 0
        self.error: OSError | None = None
        self._output = output

    def take(self, piece: bytes) -> int:
        if self.error is None:
            try:
                self._output.write(piece)
            except OSError as error:
                self.error = error
        self.crc32, self.size = zlib.crc32(piece, self.crc32), self.size + len(piece)
        return len(piece)


def _plain(header: dict[str, Any]) -> bytes:
    return json.dumps(header).encode()


def _read_header(source: BinaryIO) -> dict[str, Any]:
    header = json.loads(source.read(HEADER_BYTES))
    if not isinstance(header, dict):
        raise ValueError("it does not begin with a header")  # noqa: TRY004 - of a file, not of a caller
    return header


def _remove_abandoned(file: Path) -> None:
    """Remove what writers left that were killed; a living one is done sooner."""
    for left in file.parent.glob(f"{file.name}.*.tmp"):
        try:
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                left.unlink()
        except FileNotFoundError:
            continue
