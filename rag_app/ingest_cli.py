"""The command that reads a folder into the library."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from rag_app.errors import FolderError, LibraryLocked, StorageFull
from rag_app.records import IngestEvent, IngestReport
from rag_app.settings import Settings
from rag_app.terminal import Json, errors, print_result

if TYPE_CHECKING:
    from ingest.options import IngestOptions
    from rag_app.library import Library
    from rag_app.opening import LateEmbedder

INTERRUPTED = 130


def ingest(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder to read; the collection is made equal to it.")],
    collection: Annotated[str, typer.Option(help="Collection to put the documents into.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and ingest again whenever the folder changes.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read files; 0 to choose by the machine.")] = 0,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read files again that failed before and have not changed since.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Remove documents even if most of the folder's files are gone.")
    ] = False,
    progress_json: Annotated[
        bool, typer.Option("--progress-json", help="Tell the progress on standard error as JSON, an object a line.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read a folder into the library: add what is new, update what changed, remove what is gone."""
    from rag_app.opening import LateEmbedder, agree_on_embedder, ingest_options, open_library

    if watch and dry_run:
        raise typer.BadParameter("--dry-run tells once what would change, and --watch goes on. Leave one of them out.")
    settings: Settings = context.obj
    options = ingest_options(settings, collection=collection, dry_run=dry_run, workers=workers)
    options = replace(options, retry_failed=retry_failed, force=force)
    with ExitStack() as stack:
        stopping = stack.enter_context(_ended_politely(0 if watch else INTERRUPTED))
        library = open_library(settings)
        stack.callback(library.close)
        embedder = LateEmbedder(settings, on_load=lambda e: library.choose_embedder(e.name, e.dimensions))
        stack.callback(embedder.close)
        agree_on_embedder(library, embedder)
        desk = _Desk(folder, library, embedder, options=options, logs=settings.home / "logs")
        shown = _Shown(as_json=as_json, progress_json=progress_json)
        if watch:
            _follow(desk, shown, stopping)
            return
        report = desk.ingest(shown)
    if report.failures or report.kept:
        raise typer.Exit(1)


# After so many, the next search would begin with work on the index that is better done now.
_MANY_CHUNKS = 1000


@dataclass(frozen=True, slots=True)
class _Shown:
    """How a run and its report are shown."""

    as_json: bool
    progress_json: bool


class _Desk:
    """Everything that one run after the other needs."""

    def __init__(
        self, folder: Path, library: "Library", embedder: "LateEmbedder", *, options: "IngestOptions", logs: Path
    ) -> None:
        self.folder = folder
        self.options = options
        self._library = library
        self._embedder = embedder
        self._logs = logs

    def ingest(self, shown: _Shown) -> IngestReport:
        """Ingest once, and print what was done."""
        from ingest.journal import Journal
        from ingest.pipeline import ingest_folder
        from ingest.progress import show_progress, write_progress
        from rag_app.printing import show_ingest

        with ExitStack() as stack:
            listeners = [stack.enter_context(write_progress() if shown.progress_json else show_progress())]
            journal = None
            if not self.options.dry_run:
                facts = {"folder": str(self.folder), "collection": self.options.collection}
                journal = stack.enter_context(Journal(self._logs, **facts))
                listeners.append(journal)

            def tell(event: IngestEvent) -> None:
                for listener in listeners:
                    listener(event)

            report = ingest_folder(self.folder, self._library, self._embedder, options=self.options, on_event=tell)
            if journal:
                journal.finish(report)
                if report.chunks >= _MANY_CHUNKS:
                    self._library.settle_index()
        print_result(report.to_json(), shown.as_json, partial(show_ingest, report, dry_run=self.options.dry_run))
        return report


def _follow(desk: _Desk, shown: _Shown, stopping: Event) -> None:
    """Ingest again whenever the folder changes; what may pass by itself is told and tried again."""
    from ingest.watch import FolderWatch

    watching = FolderWatch(desk.folder, leave_out=desk.options.leave_out, stop=stopping)
    for _ in watching.rounds():
        try:
            desk.ingest(shown)
        except (FolderError, LibraryLocked, StorageFull) as error:
            errors.print(f"{error} It will be tried again.", style="yellow", markup=False, highlight=False)
            watching.again()
    # Python drops an exception where it has nobody to give it to, as in a finalizer.
    raise KeyboardInterrupt


@contextmanager
def _ended_politely(status: int) -> Iterator[Event]:
    """Let Ctrl-C, or a request of the system to end, end the command with a status and no traceback.

    The event that is given is set by then, for those who wait.
    """
    stopping = Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        stopping.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    except KeyboardInterrupt:
        errors.print("Stopped. What was stored stays; the same command goes on from there.", highlight=False)
        raise typer.Exit(status) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
