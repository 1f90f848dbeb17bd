"""The program of a worker process: reads the files it is told on stdin, and answers on stdout.

It ends when stdin closes, so it does not outlive the program that started it. What no reader foresaw ends it with
a traceback; the other side makes that the file's failure and starts a new worker.
"""

import hashlib
import json
import os
import signal
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ingest.readers import read_document
from ingest.reading import LENGTH_BYTES
from rag_app.errors import ReadError

if sys.platform != "win32":
    import resource

# The other side stops a file that takes too long; this is for a worker whose other side is gone.
_ORPHAN_SECONDS = 5.0


def main(memory_bytes: int, file_bytes: int, seconds: float) -> None:
    """Answer requests until there are no more."""
    _limit_memory(memory_bytes)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not come between the replies.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    replies.write(bytes(LENGTH_BYTES))
    replies.flush()
    for line in sys.stdin.buffer:
        _set_alarm(seconds + _ORPHAN_SECONDS)
        reply = json.dumps(answer(json.loads(line), file_bytes=file_bytes), ensure_ascii=False).encode("utf-8")
        replies.write(len(reply).to_bytes(LENGTH_BYTES, "big") + reply)
        replies.flush()
        _set_alarm(0.0)


def answer(request: dict[str, Any], *, file_bytes: int) -> dict[str, Any]:
    """Read one file; the hash, size and time are those of the very bytes that were read."""
    name = request["name"]
    try:
        data, status = _read_bytes(Path(request["path"]), name, limit=file_bytes)
        reply: dict[str, Any] = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "mtime_ns": status.st_mtime_ns,
        }
        if reply["sha256"] == request["known"]:
            return reply
        extracted = read_document(data, name)
    except ReadError as error:
        return {"failure": str(error)}
    except (MemoryError, RecursionError) as error:
        return {
            "failure": f"{name} is too large or too deeply nested to be read ({type(error).__name__}). "
            "Split it into smaller files."
        }
    sections = [(s.start, s.end, s.page, s.heading) for s in extracted.sections]
    return reply | {
        "text": extracted.text,
        "sections": sections,
        "pages": extracted.pages,
        "title": extracted.title,
    }


def _read_bytes(path: Path, name: str, *, limit: int) -> tuple[bytes, os.stat_result]:
    try:
        # O_NONBLOCK: opening a pipe must not wait for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ReadError(f"{name} is no regular file. Remove it or list it in .ragignore.")
            if status.st_size > limit:
                raise _too_large(name, status.st_size, limit)
            data = file.read(limit + 1)
    except OSError as error:
        raise ReadError(f"{name} cannot be opened: {error.strerror}. Check that it exists and may be read.") from error
    if len(data) > limit:
        raise _too_large(name, len(data), limit)
    return data, status


def _too_large(name: str, size: int, limit: int) -> ReadError:
    return ReadError(
        f"{name} has {size / 2**20:.0f} MB, more than the {limit / 2**20:.0f} MB that a file may have. "
        "Split it, list it in .ragignore, or raise the setting max_file_mb."
    )


def _limit_memory(memory_bytes: int) -> None:
    if sys.platform != "win32":
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        # macOS refuses; the time limit still holds there.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _set_alarm(seconds: float) -> None:
    if sys.platform != "win32":
        # The default action ends the process even inside a library's own loop.
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
