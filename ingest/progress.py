"""Show an ingestion's progress on stderr while it runs: for people as a live line, for programs as JSON lines."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from rag_app.records import IngestEvent

OnEvent = Callable[[IngestEvent], None]

_SHOWN_CHARACTERS = 40
_DOING = {
    "reading": "Reading",
    "embedding": "Embedding",
    "stored": "Stored",
    "moved": "Moved",
    "removed": "Removed",
}
_PASSING = frozenset({"found", "unchanged"})
_TOLD_EVERY_SECONDS = 0.1


@contextmanager
def show_progress() -> Iterator[OnEvent]:
    """Yield a function that draws the events it is given as a progress bar; failures are printed above it."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rates]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Looking for files", total=None, rates="")
        rates = Rates()
        seldom = _Seldom()

        def show(event: IngestEvent) -> None:
            rates.count(event)
            if event.failure:
                console.print(Text(f"Failed: {event.failure.reason}", style="red"), highlight=False)
            elif event.step in _PASSING and not seldom.due():
                return
            doing = _DOING.get(event.step)
            name = event.name if len(event.name) <= _SHOWN_CHARACTERS else "…" + event.name[-_SHOWN_CHARACTERS:]
            said = f"{doing} {name}" if doing else None
            words = rates.words(event)
            progress.update(task, total=event.total, completed=event.done, description=said, rates=words)

        yield show


@contextmanager
def write_progress() -> Iterator[OnEvent]:
    """Yield a function that writes the events it is given to stderr, a JSON object a line.

    Of files that are merely found or unchanged only some are told, which come by the thousand.
    """
    seldom = _Seldom()

    def write(event: IngestEvent) -> None:
        if event.step not in _PASSING or seldom.due():
            sys.stderr.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
            sys.stderr.flush()

    yield write


class Rates:
    """How fast an ingestion goes, since the first file was read."""

    def __init__(self) -> None:
        self._failures = 0
        self._files = 0
        self._began: float | None = None

    def count(self, event: IngestEvent) -> None:
        """Take an event into account."""
        self._failures += event.step == "failed"
        self._files += event.step in {"stored", "moved", "failed"}
        if event.step == "reading" and self._began is None:
            self._began = time.monotonic()

    def words(self, event: IngestEvent) -> str:
        """Return files, chunks and megabytes per second, failures and the time left, in words."""
        parts = []
        elapsed = time.monotonic() - self._began if self._began is not None else 0.0
        if elapsed >= 1:
            parts.append(f"{self._files / elapsed:.1f} files/s")
            parts.append(f"{event.chunks / elapsed:.0f} chunks/s")
            parts.append(f"{event.bytes / 1e6 / elapsed:.1f} MB/s")
        if self._failures:
            parts.append(f"{self._failures} failed")
        if event.seconds_left is not None and elapsed >= 1:
            minutes, seconds = divmod(round(event.seconds_left), 60)
            parts.append(f"{minutes}:{seconds:02d} left")
        return " · ".join(parts)


class _Seldom:
    """Says yes now and then, however often it is asked."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < _TOLD_EVERY_SECONDS:
            return False
        self._last = now
        return True
