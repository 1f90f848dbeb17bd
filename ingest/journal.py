"""A log of each ingestion, one JSON object a line: what became of which file, and why. It holds no text of theirs."""

import json
import logging
import secrets
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from rag_app.records import IngestEvent, IngestReport

log = logging.getLogger(__name__)

RUNS_KEPT = 30
_WRITTEN = frozenset({"reading", "stored", "moved", "failed", "removed"})
_CAUSE_CHARACTERS = 1000


class Journal:
    """The log of one run, in a file of its own; the oldest files go. A log that cannot be written stops nothing."""

    def __init__(self, folder: Path, /, **facts: object) -> None:
        """``facts`` are written down at the beginning: the folder, the collection."""
        self.run = secrets.token_hex(4)
        self._file: IO[str] | None = None
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / f"ingest-{started}-{self.run}.jsonl").open("w", encoding="utf-8", buffering=1)
            for old in sorted(folder.glob("ingest-*.jsonl"))[:-RUNS_KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            log.warning("This run is not logged: %s cannot be written (%s).", folder, error.strerror)
        self._write("started", **facts)

    def __call__(self, event: IngestEvent) -> None:
        """Write down what became of a file."""
        if event.step in _WRITTEN:
            cause = event.failure.reason[:_CAUSE_CHARACTERS] if event.failure else None
            self._write(event.step, file=event.name, cause=cause, done=event.done, total=event.total)

    def finish(self, report: IngestReport) -> None:
        """Write down the sum of the run."""
        counted = {name: len(found) for name, found in report.to_json().items() if isinstance(found, list)}
        self._write("finished", **counted, unchanged=report.unchanged, chunks=report.chunks, seconds=report.seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._write("stopped", cause=f"{kind.__name__}: {error}"[:_CAUSE_CHARACTERS])
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, step: str, **facts: Any) -> None:
        if self._file is None:
            return
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": self.run, "step": step}
        line |= {name: value for name, value in facts.items() if value is not None}
        try:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except (OSError, UnicodeEncodeError) as error:
            log.warning("The log of this run ends here: %s", error)
            self._file = None
