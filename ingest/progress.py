"""Show an ingestion's progress on stderr while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rag_app.records import IngestEvent

_SHOWN_CHARACTERS = 40
_DOING = {"reading": "Reading", "embedding": "Embedding", "stored": "Stored", "removed": "Removed"}


@contextmanager
def show_progress() -> Iterator[Callable[[IngestEvent], None]]:
    """Yield a function that draws the events it is given as a progress bar; failures are printed above it."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Looking for files", total=None)

        def show(event: IngestEvent) -> None:
            if event.failure:
                console.print(f"Failed: {event.failure.reason}", style="red", markup=False, highlight=False)
            doing = _DOING.get(event.step)
            name = event.name if len(event.name) <= _SHOWN_CHARACTERS else "…" + event.name[-_SHOWN_CHARACTERS:]
            progress.update(task, total=event.total, completed=event.done)
            if doing:
                progress.update(task, description=f"{doing} {name}")

        yield show
