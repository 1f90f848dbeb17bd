"""Draw pages of documents in a process of their own, so that no file can crash, hang or exhaust the program.

The process is a reader process. It stays for a while for the next page, and goes when none is wanted.
"""

import base64
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.orders import Limits, Orders
from ingest.reader_process import ReaderProcess
from ingest.wire import Message
from rag_app.errors import ReadError
from rag_app.records import TextBox

_IDLE_SECONDS = 120.0
_PAGES_KEPT = 24
_BYTES_KEPT = 48 * 2**20


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page, counted from 1, of a file whose content is the one given, and what is to be marked on it.

    ``scale`` is in pixels for each point.
    """

    path: str
    name: str
    sha256: str
    size: int
    page: int
    boxes: tuple[TextBox, ...]
    scale: float

    def to_json(self) -> Mapping[str, Any]:
        boxes = [(b.start, b.end, b.page, b.left, b.top, b.right, b.bottom) for b in self.boxes]
        return asdict(self) | {"boxes": boxes, "draw": True}


class PageDrawer:
    """Draws one page at a time for any thread, and keeps the last ones, with those that cannot be drawn."""

    def __init__(self, limits: Limits, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        """``limits`` are for each page; the process ends after so many seconds without one."""
        self._orders = Orders(limits)
        self._idle_seconds = idle_seconds
        self._process: ReaderProcess | None = None
        self._timer: threading.Timer | None = None
        self._kept: OrderedDict[str, Message] = OrderedDict()
        self._lock = threading.Lock()

    def draw(self, request: PageRequest) -> bytes | None:
        """Return the page as PNG; None where the file is gone or its content is another.

        Raises:
            ReadError: the page cannot be drawn.
        """
        try:
            status = Path(request.path).stat()
        except OSError:
            return None
        key = json.dumps([request.to_json(), status.st_size, status.st_mtime_ns, status.st_ino])
        with self._lock:
            message = self._kept.get(key) or self._ask(request)
            if message.get("lasting", True):
                self._keep(key, message)
        if "failure" in message:
            raise ReadError(f"Page {request.page} cannot be drawn, so its text is shown. {message['failure']}")
        return base64.b64decode(message["png"]) if "png" in message else None

    def close(self) -> None:
        """End the process, even if a page is being drawn; the next page starts another."""
        process, self._process = self._process, None
        if self._timer:
            self._timer.cancel()
        if process:
            process.close()

    def _ask(self, request: PageRequest) -> Message:
        if self._timer:
            self._timer.cancel()
        process = self._process = self._process or ReaderProcess(self._orders)
        try:
            return process.ask(request.to_json())[-1]
        finally:
            self._timer = threading.Timer(self._idle_seconds, self._end_idle)
            self._timer.daemon = True
            self._timer.start()

    def _end_idle(self) -> None:
        with self._lock:
            # A page that was asked for meanwhile has set another timer.
            if self._timer is threading.current_thread():
                self.close()

    def _keep(self, key: str, message: Message) -> None:
        self._kept[key] = message
        self._kept.move_to_end(key)
        while len(self._kept) > _PAGES_KEPT or sum(len(m.get("png", "")) for m in self._kept.values()) > _BYTES_KEPT:
            self._kept.popitem(last=False)
