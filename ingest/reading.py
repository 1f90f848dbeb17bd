"""Read files in worker processes, so that no file can hang, crash or exhaust the program.

A worker is a program of its own (``python -m ingest.worker``) and not a fork: it loads no model, holds no lock of
ours, and starts alike from a terminal, a test and a web page. Requests and replies are JSON over its pipes.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ingest.discovery import FoundFile
from rag_app.errors import ReadError
from rag_app.records import ExtractedText, Section

LENGTH_BYTES = 8
_PACKAGE_FOLDER = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take."""

    file_bytes: int
    seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file's text, and what exactly was read; ``extracted`` is None where the content is already known."""

    sha256: str
    size: int
    mtime_ns: int
    extracted: ExtractedText | None


@dataclass(frozen=True, slots=True)
class Request:
    """A file to read, unless its content still has the hash ``known``."""

    file: FoundFile
    known: str | None = None


class ReadingPool:
    """Some workers that read files ahead of the one who asks for them."""

    def __init__(self, workers: int, *, limits: Limits) -> None:
        self._limits = limits
        self._workers: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._all = [_Worker(limits) for _ in range(workers)]
        for worker in self._all:
            self._workers.put(worker)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="reading")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, requests: Iterable[Request]) -> Iterator[tuple[Request, ReadFile | ReadError]]:
        """Yield each request with its outcome, in the given order, reading a few files ahead."""
        waiting: deque[tuple[Request, Future[ReadFile]]] = deque()
        ahead = len(self._all) + 2
        for request in requests:
            waiting.append((request, self._threads.submit(self._read, request)))
            if len(waiting) >= ahead:
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())

    def close(self) -> None:
        """Stop the workers; what they were reading is given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.close()
        self._threads.shutdown(wait=True)

    def _read(self, request: Request) -> ReadFile:
        worker = self._workers.get()
        try:
            return worker.read(request)
        finally:
            self._workers.put(worker)


def _outcome(request: Request, future: Future[ReadFile]) -> tuple[Request, ReadFile | ReadError]:
    try:
        return request, future.result()
    except ReadError as error:
        return request, error


class _Worker:
    """One worker process, started when first needed and again after it was stopped."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: IO[bytes] | None = None
        self._closed = False
        self._lock = threading.Lock()

    def read(self, request: Request) -> ReadFile:
        """Read a file.

        Raises:
            ReadError: it cannot be read within the limits.
        """
        process = self._started(request.file.name)
        reply = self._within(self._limits.seconds, process, request)
        return _read_file(reply)

    def _within(self, seconds: float, process: subprocess.Popen[bytes], request: Request) -> dict[str, Any]:
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            return _exchange(process, request)
        except (EOFError, OSError) as error:
            raise self._cause_of_death(request.file.name, expired=expired.is_set()) from error
        finally:
            timer.cancel()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._stop()

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise ReadError(f"{name} was not read: the ingestion was stopped. Run it again.")
            if self._process is None or self._process.poll() is not None:
                self._stop()
                self._start()
            assert self._process is not None
            return self._process

    def _start(self) -> None:
        paths = [str(_PACKAGE_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _stop, it lives as long as the process
        # -P: a file in the current folder must not stand in for a module.
        command = [sys.executable, "-P", "-m", "ingest.worker"]
        command += [str(self._limits.memory_bytes), str(self._limits.file_bytes), str(self._limits.seconds)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
            start_new_session=True,
        )
        # Its imports are no file's fault: a file's time begins when the worker says that it is ready.
        assert self._process.stdout
        self._process.stdout.read(LENGTH_BYTES)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    _close_quietly(pipe)
            self._process = None
        if self._messages is not None:
            self._messages.close()
            self._messages = None

    def _cause_of_death(self, name: str, *, expired: bool) -> ReadError:
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            last = self._last_message()
            self._stop()
            closed = self._closed
        if closed:
            return ReadError(f"{name} was not read: the ingestion was stopped. Run it again.")
        if expired:
            return ReadError(
                f"{name} took longer than {self._limits.seconds:.0f} s to read and was given up. "
                "Split it into smaller files, or save it again from the program that made it."
            )
        if "MemoryError" in last or not last:
            megabytes = self._limits.memory_bytes // 2**20
            return ReadError(
                f"{name} took more than {megabytes} MB of memory to read, or crashed its reader. "
                "Split it into smaller files, or save it again from the program that made it."
            )
        return ReadError(
            f"{name} could not be read ({last}). It is probably damaged: save it again from the program that made it."
        )

    def _last_message(self) -> str:
        if self._messages is None:
            return ""
        self._messages.seek(0)
        lines = self._messages.read()[-4096:].decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""


def _exchange(process: subprocess.Popen[bytes], request: Request) -> dict[str, Any]:
    assert process.stdin
    assert process.stdout
    file = request.file
    question = {"path": os.fspath(file.path), "name": file.name, "known": request.known}
    process.stdin.write(json.dumps(question).encode() + b"\n")
    process.stdin.flush()
    length = int.from_bytes(_exactly(process.stdout, LENGTH_BYTES), "big")
    reply: dict[str, Any] = json.loads(_exactly(process.stdout, length))
    return reply


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _read_file(reply: dict[str, Any]) -> ReadFile:
    if "failure" in reply:
        raise ReadError(reply["failure"])
    extracted = None
    if "text" in reply:
        sections = tuple(Section(*section) for section in reply["sections"])
        extracted = ExtractedText(reply["text"], sections, reply["pages"], reply["title"])
    return ReadFile(reply["sha256"], reply["size"], reply["mtime_ns"], extracted)


def _close_quietly(pipe: IO[bytes]) -> None:
    # What was still to be flushed has nobody to read it.
    with suppress(OSError):
        pipe.close()
