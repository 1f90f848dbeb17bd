"""The program of a reader process: reads and splits the files it is told on stdin, and answers on stdout.

It also draws pages, for which the same is true as for reading: a file may do anything to the library that opens it.

It ends when stdin closes, so it does not outlive the program that started it. What no reader foresaw ends it with
a traceback; the other side makes that the file's failure and starts a new process.
"""

import base64
import gc
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ingest.file_bytes import NotOpened, read_bytes
from ingest.orders import Limits, Orders
from ingest.readers import read_document
from ingest.readers.patience import listening
from ingest.splitting import Splitter
from ingest.wire import LENGTH_BYTES, Message, span_messages, text_message, write_message
from rag_app.errors import NothingToRead, ReadError
from rag_app.models.counting import load_counter
from rag_app.records import ExtractedText, TextBox

if sys.platform != "win32":
    import resource

# The other side stops a file that takes too long; this is for a process whose other side is gone.
_ORPHAN_SECONDS = 5.0


def main(orders: Orders) -> None:
    """Answer requests until there are no more."""
    _limit_memory(orders.limits.memory_bytes)
    # A book is a million small things that all stay: to look through them for garbage takes a tenth of the time.
    gc.set_threshold(20_000, 10, 10)
    splitter = load_splitter(orders)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not come between the replies.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    replies.write(bytes(LENGTH_BYTES))
    replies.flush()

    def ask_for(seconds: float) -> None:
        """Have the other side wait longer, as long as it would; and so do we."""
        write_message(replies, {"more": True, "seconds": seconds})
        _set_alarm(max(_ORPHAN_SECONDS, min(_seconds_left() + seconds, until - time.monotonic())))

    for line in sys.stdin.buffer:
        _set_alarm(orders.limits.seconds + _ORPHAN_SECONDS)
        until = time.monotonic() + orders.limits.most_seconds + _ORPHAN_SECONDS
        request = json.loads(line)
        replied = [draw(request)] if "draw" in request else answer(request, limits=orders.limits, splitter=splitter)
        with listening(ask_for):
            for message in replied:
                # The other side may have to take a large one from another process first.
                _set_alarm(orders.limits.seconds + _ORPHAN_SECONDS)
                write_message(replies, message)
                _set_alarm(orders.limits.seconds + _ORPHAN_SECONDS)
        _set_alarm(0.0)


def load_splitter(orders: Orders) -> Splitter | None:
    """Load what splitting needs, if it is wanted here."""
    if orders.sizes is None or orders.tokenizer is None:
        return None
    counter = load_counter(Path(orders.tokenizer))
    return Splitter(orders.sizes, count_tokens=counter.count, locate_tokens=counter.starts)


def answer(request: Mapping[str, Any], *, limits: Limits, splitter: Splitter | None) -> Iterator[Message]:
    """Read one file; the hash, size and time are those of the very bytes that were read.

    A file whose hash is among the request's ``known`` is not read any further.
    """
    name = request["name"]
    facts: Message = {"more": False}
    try:
        data, status = read_bytes(Path(request["path"]), name, limit=limits.file_bytes)
        facts |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "mtime_ns": status.st_mtime_ns}
        if facts["sha256"] in request["known"]:
            yield facts
            return
        extracted = read_document(data, name)
        del data
        _check_length(extracted, name, limits.characters)
        yield facts | text_message(extracted) | {"more": splitter is not None}
        if splitter:
            title = splitter.title(extracted, name)
            yield from span_messages(title, splitter.slices(extracted, title=title))
    except NotOpened as error:
        yield facts | {"failure": str(error), "lasting": False}
    except NothingToRead as error:
        yield facts | {"failure": str(error), "lasting": True, "nothing": True}
    except ReadError as error:
        yield facts | {"failure": str(error), "lasting": True}
    except (MemoryError, RecursionError) as error:
        reason = (
            f"{name} is too large or too deeply nested to be read ({type(error).__name__}). "
            "Split it into smaller files."
        )
        yield facts | {"failure": reason, "lasting": True}


def draw(request: Mapping[str, Any]) -> Message:
    """Draw a page of a file, if its content is still the one that is meant."""
    from ingest.readers.pdf_page import render_page

    reply: Message = {"more": False}
    try:
        data, _ = read_bytes(Path(request["path"]), request["name"], limit=request["size"])
        if hashlib.sha256(data).hexdigest() != request["sha256"]:
            return reply
        boxes = [TextBox(*box) for box in request["boxes"]]
        png = render_page(data, request["page"], boxes, scale=request["scale"], name=request["name"])
        return reply | {"png": base64.b64encode(png).decode()}
    except NotOpened:
        # That may be over soon, without the file being changed.
        return reply | {"lasting": False}
    except ReadError as error:
        return reply | {"failure": str(error), "lasting": True}


def _check_length(extracted: ExtractedText, name: str, characters: int) -> None:
    if len(extracted.text) > characters:
        raise ReadError(
            f"{name} unfolds to {len(extracted.text) / 1e6:.0f} million characters of text, more than the "
            f"{characters / 1e6:.0f} million that a file may have. Split it, or list it in .ragignore."
        )


def _limit_memory(memory_bytes: int) -> None:
    if sys.platform != "win32":
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        # macOS refuses; the time limit still holds there.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _seconds_left() -> float:
    return 0.0 if sys.platform == "win32" else signal.getitimer(signal.ITIMER_REAL)[0]


def _set_alarm(seconds: float) -> None:
    if sys.platform != "win32":
        # The default action ends the process even inside a library's own loop.
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main(Orders.from_json(sys.argv[1]))
