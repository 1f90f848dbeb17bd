"""One ingestion that the page was asked for: how far it has come, and what became of each file."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Literal

from rag_app.records import IngestEvent, IngestReport
from ui.guard import told_in_words

if TYPE_CHECKING:
    from ingest.orders import Orders
    from ingest.reading import Reading

State = Literal["waiting", "running", "stopping", "done", "stopped", "failed"]
OnEvent = Callable[[IngestEvent], None]
OpenReading = Callable[[int, "Orders"], "Reading"]
Work = Callable[[OnEvent, OpenReading], IngestReport]

LIVE: frozenset[State] = frozenset({"waiting", "running", "stopping"})
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Line:
    """What has become of a file. ``step`` is waiting, or that of the latest event; ``reason`` says why it failed."""

    name: str
    step: str = "waiting"
    reason: str = ""


class Ingestion:
    """An ingestion that waits for its turn, goes on, or is over.

    ``expected`` are the files that it is told from the beginning to bring in; of a folder only those are listed with
    which something happens. ``dry`` is one that only finds out what would change.
    """

    def __init__(
        self, title: str, collection: str, work: Work, *, expected: tuple[str, ...] = (), dry: bool = False
    ) -> None:
        self.number = next(_NUMBERS)
        self.title = title
        self.collection = collection
        self.dry = dry
        self.by_itself = False
        """Whether nobody asked for it just now: a watched folder had changed."""
        self.state: State = "waiting"
        self.error = ""
        self.rates = ""
        self.done, self.total = 0, len(expected)
        self.report: IngestReport | None = None
        self.ended_at = 0.0
        self.ending = 0
        """Which of the server's ingestions to end it was, counted from 1; 0 until that is noted."""
        self._work = work
        self._expected = bool(expected)
        self._lines = {name: Line(name) for name in expected}
        self._stopping = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._reading: Reading | None = None

    @property
    def live(self) -> bool:
        """Whether it is not over."""
        return self.state in LIVE

    def is_known(self, ends: int) -> bool:
        """Whether its end is among the first so many."""
        return 0 < self.ending <= ends

    def ended_text(self) -> str:
        """Return when it ended, to the minute."""
        return f"{datetime.fromtimestamp(self.ended_at, UTC):%Y-%m-%d %H:%M} UTC"

    def lines(self) -> list[Line]:
        """Return what has become of the files so far."""
        with self._lock:
            return list(self._lines.values())

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over; say whether it is."""
        return self._over.wait(seconds)

    def stop(self) -> None:
        """End it as soon as it can be; what is stored stays."""
        self._stopping.set()
        with self._lock:
            if self.state == "running":
                self.state = "stopping"
            reading = self._reading
        if reading:
            # A file that takes minutes to read would have to be waited for.
            reading.close()

    def run(self) -> None:
        """Do the work, to its end or until it is stopped."""
        # One that was stopped while it waited begins all the same: its work knows what to clear away.
        with self._lock:
            self.state = "stopping" if self._stopping.is_set() else "running"
        with told_in_words(self._fail):
            try:
                self.report = self._work(self._follower(), self._open_reading)
            except (CancelledError, RuntimeError):
                # Both come of a pool of readers that was closed under the work, the first of ``follow``, too.
                if not self._stopping.is_set():
                    raise
        with self._lock:
            if self.report:
                self._account(self.report)
            self._end("failed" if self.error else "done" if self.report else "stopped")

    def _open_reading(self, workers: int, orders: "Orders") -> "Reading":
        from ingest.reading import ReadingPool

        pool = ReadingPool(workers, orders)
        with self._lock:
            self._reading = pool
        if self._stopping.is_set():
            pool.close()
        return pool

    def _follower(self) -> OnEvent:
        # Imported here because the page is painted first.
        from ingest.progress import Rates

        rates = Rates()

        def follow(event: IngestEvent) -> None:
            # Documents are stored together and then told of one by one: an end in between would leave some untold.
            if self._stopping.is_set() and event.step != "stored":
                raise CancelledError
            rates.count(event)
            with self._lock:
                self.done, self.total = event.done, event.total
                self.rates = rates.words(event)
                self._note(event)

        return follow

    def _note(self, event: IngestEvent) -> None:
        if event.step == "found":
            return
        if event.step == "unchanged" and not self._expected:
            self._lines.pop(event.name, None)
            return
        reason = event.failure.reason if event.failure else ""
        self._lines[event.name] = Line(event.name, event.step, reason)

    def _account(self, report: IngestReport) -> None:
        """Let the lines say what the report says."""
        for failure in report.failures:
            self._lines[failure.name] = Line(failure.name, "failed", failure.reason)
        for old, new in report.moved:
            self._lines[new] = Line(new, "moved", f"from {old}")
        updated = set(report.updated)
        for name, line in self._lines.items():
            if line.step == "stored" and name in updated:
                self._lines[name] = replace(line, step="updated")
        self.done = self.total

    def _end(self, state: State) -> None:
        self.state = state
        self.ended_at = time.time()
        self._over.set()

    def _fail(self, words: str) -> None:
        self.error = words
