"""The master's side of a reader process: starts it, asks it, ends it, and says what it died of.

It is a program of its own (``python -m ingest.worker``) and not a fork: it loads no model, holds no lock of ours, and
starts alike from a terminal, a test and a web page.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ingest.orders import Limits, Orders
from ingest.wire import LENGTH_BYTES, Message, read_length, read_message
from rag_app.errors import ReadError

_PACKAGE_FOLDER = Path(__file__).resolve().parent.parent
# A character takes up to six bytes in JSON; sections, boxes and spans take about as much again.
_BYTES_PER_CHARACTER = 12
_LARGE_REPLY_BYTES = 32 * 2**20


class ReaderProcess:
    """One reader process, started when first needed and again after it was stopped. May be closed by any thread."""

    def __init__(self, orders: Orders, *, large_replies: "threading.Lock | None" = None) -> None:
        """Of all processes with the same lock for ``large_replies``, one at a time is listened to for such a one."""
        self._orders = orders
        self._large_replies = large_replies or threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._closed = False
        self._lock = threading.Lock()

    def ask(self, request: Mapping[str, Any]) -> list[Message]:
        """Have a file read; return the messages of the reply. A process that dies of it is a failure of the file.

        Raises:
            ReadError: no process can be started.
        """
        name = request["name"]
        process = self._started()
        if process is None:
            return [_stopped(name)]
        watch = _Watch(process, self._limits)
        try:
            return self._exchange(process, request, watch)
        except (EOFError, OSError):
            return [self._cause_of_death(name, expired=watch.seconds if watch.expired else None)]
        except ValueError as error:
            self._end()
            return [
                _lasting(f"{name} could not be read: its reader answered with {error}. Split it into smaller files.")
            ]
        finally:
            watch.stop()
            if watch.expired:
                # The time was up as the reply came: the next file must not be blamed for the death.
                self._end()

    def close(self) -> None:
        """End the process, whatever it is doing; it is not started again."""
        with self._lock:
            self._closed = True
            self._stop()

    @property
    def _limits(self) -> Limits:
        return self._orders.limits

    def _exchange(self, process: subprocess.Popen[bytes], request: Mapping[str, Any], watch: "_Watch") -> list[Message]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        messages: list[Message] = []
        while not messages or messages[-1]["more"]:
            message = self._message(process.stdout, watch)
            if "seconds" in message:
                watch.extend(message["seconds"])
                continue
            messages.append(message)
            if message["more"]:
                # A large document is split in slices: each of them has the whole time.
                watch.begin()
        return messages

    def _message(self, pipe: IO[bytes], watch: "_Watch") -> Message:
        length = read_length(pipe, limit=self._limits.characters * _BYTES_PER_CHARACTER)
        if length < _LARGE_REPLY_BYTES:
            return read_message(pipe, length)
        # To take a text out of a message takes several times its room, for a moment.
        watch.stop()
        with self._large_replies:
            watch.begin()
            return read_message(pipe, length)

    def _started(self) -> "subprocess.Popen[bytes] | None":
        with self._lock:
            if self._closed:
                return None
            if self._process is None or self._process.poll() is not None:
                self._stop()
                try:
                    self._start()
                except OSError as error:
                    self._stop()
                    raise ReadError(
                        f"The program that reads files cannot be started: {error.strerror}. Free memory or room for "
                        "temporary files, or read with fewer processes (--workers 1), and ingest again."
                    ) from error
            return self._process

    def _start(self) -> None:
        paths = [str(_PACKAGE_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _stop, it lives as long as the process
        # One thread each: there is a process for every core to be used, and the memory of threads counts as its own.
        settings = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1", "TOKENIZERS_PARALLELISM": "false"}
        self._process = subprocess.Popen(
            # -P: a file in the current folder must not stand in for a module.
            [sys.executable, "-P", "-m", "ingest.worker", self._orders.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | settings,
            start_new_session=True,
        )
        # Its imports are no file's fault: a file's time begins when the process says that it is ready.
        assert self._process.stdout
        if len(self._process.stdout.read(LENGTH_BYTES)) < LENGTH_BYTES:
            self._process.wait()
            last = self._last_words()
            self._stop()
            raise ReadError(f"The program that reads files cannot be started ({last}). Install rag_app again.")

    def _end(self) -> None:
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            _kill(self._process)
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    _close_quietly(pipe)
            self._process = None
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    def _cause_of_death(self, name: str, *, expired: float | None) -> Message:
        """Return why a process is dead; ``expired`` is after how many seconds it was ended, if it was."""
        with self._lock:
            if self._process is not None:
                _kill(self._process)
                self._process.wait()
            last = self._last_words()
            self._stop()
            closed = self._closed
        if closed:
            return _stopped(name)
        if expired is not None:
            return _lasting(
                f"{name} took longer than {expired:.0f} s to read and was given up. "
                "Split it into smaller files, or save it again from the program that made it."
            )
        if "MemoryError" in last or not last:
            megabytes = self._limits.memory_bytes // 2**20
            return _lasting(
                f"{name} took more than {megabytes} MB of memory to read, or crashed its reader. "
                "Split it into smaller files, or save it again from the program that made it."
            )
        return _lasting(
            f"{name} could not be read ({last}). It is probably damaged: save it again from the program that made it."
        )

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        lines = self._errors.read()[-4096:].decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""


class _Watch:
    """Kills a process that has not said anything for too long; ``seconds`` is how long that is at the moment."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self.expired = False
        self.seconds = limits.seconds
        self._process = process
        self._limits = limits
        self._timer: threading.Timer | None = None
        self.begin()

    def begin(self) -> None:
        self._began = time.monotonic()
        self.seconds = self._limits.seconds
        self._set_timer()

    def extend(self, seconds: float) -> None:
        """Wait longer, within the limits, for what was begun."""
        self.seconds = min(self.seconds + max(seconds, 0.0), self._limits.most_seconds)
        self._set_timer()

    def _set_timer(self) -> None:
        self.stop()
        self._timer = threading.Timer(self._began + self.seconds - time.monotonic(), self._expire)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer.join()
            self._timer = None

    def _expire(self) -> None:
        self.expired = True
        _kill(self._process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process with what it has started, which is text recognition and would go on for itself."""
    if sys.platform != "win32" and process.poll() is None:
        # It was started as the leader of a group of its own.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _lasting(reason: str) -> Message:
    return {"failure": reason, "lasting": True, "more": False}


def _stopped(name: str) -> Message:
    return {
        "failure": f"{name} was not read: the ingestion was stopped. Run it again.",
        "lasting": False,
        "more": False,
    }


def _close_quietly(pipe: IO[bytes]) -> None:
    # What was still to be flushed has nobody to read it.
    with suppress(OSError):
        pipe.close()
