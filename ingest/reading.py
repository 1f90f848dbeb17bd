"""Read files in processes of their own, so that no file can hang, crash or exhaust the program."""

import queue
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
    """Some reader processes, started when they are first needed."""

    def __init__(self, workers: int, orders: Orders) -> None:
        self._all = [ReaderProcess(orders) for _ in range(workers)]
        self._idle: queue.LifoQueue[ReaderProcess] = queue.LifoQueue()
        for process in self._all:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="reading")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, request: Request) -> "Future[ReadFile | Unread]":
        """Have a file read as soon as a process is free."""
        return self._threads.submit(self._read, request)

    def close(self) -> None:
        """Stop the processes; what they were reading is given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._all:
            process.close()
        self._threads.shutdown(wait=True)

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
