"""Read files in processes of their own, so that no file can hang, crash or exhaust the program."""

import queue
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from ingest.discovery import FoundFile
from ingest.orders import Orders
from ingest.reader_process import ReaderProcess
from ingest.wire import Message, SplitText, split_of, text_of
from rag_app.records import ExtractedText

_LARGE_FILE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What was read of a file, and which bytes exactly.

    ``extracted`` is None where the content is one of those already known, ``split`` where splitting is left to us.
    """

    sha256: str
    size: int
    mtime_ns: int
    extracted: ExtractedText | None
    split: SplitText | None


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a file was not read.

    If ``lasting``, it would fail again as long as its content is the same, whose hash is ``sha256`` if it was read.
    If ``nothing``, it is sound and there is nothing to read in it.
    """

    reason: str
    sha256: str | None = None
    lasting: bool = False
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A file to read, unless its content has one of the hashes ``known``."""

    file: FoundFile
    known: tuple[str, ...] = ()

    def to_json(self) -> Mapping[str, Any]:
        return {"path": str(self.file.path), "name": self.file.name, "known": self.known}


class Reading(Protocol):
    """Something that reads files in the background."""

    def submit(self, request: Request) -> "Future[ReadFile | Unread]": ...
    def close(self) -> None: ...


class ReadingPool:
    """Some reader processes, started when they are first needed.

    They read small files side by side, but only one large file at a time, because that may take much memory.
    """

    def __init__(self, workers: int, orders: Orders) -> None:
        large_replies = threading.Lock()
        self._all = [ReaderProcess(orders, large_replies=large_replies) for _ in range(workers)]
        self._idle: queue.LifoQueue[ReaderProcess] = queue.LifoQueue()
        for process in self._all:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="reading")
        # Threads of their own, so that large files that wait for each other keep no small one waiting.
        self._large = ThreadPoolExecutor(1, thread_name_prefix="reading-large")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, request: Request) -> "Future[ReadFile | Unread]":
        """Have a file read as soon as a process is free."""
        threads = self._large if request.file.size >= _LARGE_FILE_BYTES else self._threads
        return threads.submit(self._read, request)

    def close(self) -> None:
        """Stop the processes; what they were reading is given up."""
        for threads in (self._threads, self._large):
            threads.shutdown(wait=False, cancel_futures=True)
        for process in self._all:
            process.close()
        for threads in (self._threads, self._large):
            threads.shutdown(wait=True)

    def _read(self, request: Request) -> ReadFile | Unread:
        process = self._idle.get()
        try:
            return outcome_of(process.ask(request.to_json()))
        finally:
            self._idle.put(process)


def outcome_of(messages: list[Message]) -> ReadFile | Unread:
    """Return what the messages of a reader process say of a file."""
    first, last = messages[0], messages[-1]
    if "failure" in last:
        nothing = last.get("nothing", False)
        return Unread(last["failure"], last.get("sha256"), lasting=last["lasting"], nothing=nothing)
    return ReadFile(
        sha256=first["sha256"],
        size=first["size"],
        mtime_ns=first["mtime_ns"],
        extracted=text_of(first) if "text" in first else None,
        split=split_of(messages[1:]) if len(messages) > 1 else None,
    )
