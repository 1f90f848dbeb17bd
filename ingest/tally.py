"""Count what an ingestion does, tell it while it goes on, and report it at the end."""

import time
from collections.abc import Callable, Sequence
from typing import Literal

from ingest.discovery import FoundFile
from rag_app.records import Failure, IngestEvent, IngestReport

OnEvent = Callable[[IngestEvent], None]
Step = Literal["found", "reading", "embedding", "stored", "moved", "failed", "removed", "unchanged"]


class Tally:
    """What one run has done so far."""

    def __init__(self, on_event: OnEvent | None) -> None:
        self.added: list[str] = []
        self.updated: list[str] = []
        self.read_again: list[str] = []
        self.moved: list[tuple[str, str]] = []
        self.removed: list[str] = []
        self.failures: list[Failure] = []
        self.quarantined: list[str] = []
        self.left_out: list[str] = []
        self.unchanged = 0
        self.stored_chunks = self.embedded_chunks = 0
        self._total = self._done = 0
        self._bytes = self._bytes_to_do = 0
        self._on_event = on_event
        self._started = self._work_started = time.perf_counter()

    def found(self, names: Sequence[str]) -> None:
        """Tell which files there are."""
        self._total = len(names)
        for name in names:
            self.tell("found", name)

    def begin_work(self, files: list[FoundFile]) -> None:
        """Note what is to be read, as the measure of the time that is left."""
        self._bytes_to_do = sum(file.size for file in files)
        self._work_started = time.perf_counter()

    def finish(self, step: Step, name: str, *, size: int = 0, failure: Failure | None = None) -> None:
        """Tell that a file is done with."""
        self._done += 1
        self._bytes += size
        self.tell(step, name, failure)

    def tell(self, step: Step, name: str, failure: Failure | None = None) -> None:
        """Tell how far the run is, by what it is doing with one file."""
        if self._on_event:
            event = IngestEvent(
                step,
                name,
                self._done,
                self._total,
                failure,
                chunks=max(self.embedded_chunks, self.stored_chunks),
                bytes=self._bytes,
                seconds_left=self._seconds_left(),
            )
            self._on_event(event)

    def report(self) -> IngestReport:
        """Return what was done, by the files; what concerns the folder as a whole is for others to add."""
        return IngestReport(
            added=tuple(self.added),
            updated=tuple(self.updated),
            read_again=tuple(self.read_again),
            removed=tuple(self.removed),
            moved=tuple(self.moved),
            unchanged=self.unchanged,
            failures=tuple(self.failures),
            quarantined=tuple(self.quarantined),
            chunks=self.stored_chunks,
            seconds=time.perf_counter() - self._started,
        )

    def _seconds_left(self) -> float | None:
        if not self._bytes or not self._bytes_to_do:
            return None
        elapsed = time.perf_counter() - self._work_started
        return elapsed * max(0, self._bytes_to_do - self._bytes) / self._bytes
