"""What the commands share: progress, the files they write, and how results are printed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rag_app.errors import DataError, RagError
from rag_app.records import Scope

if TYPE_CHECKING:
    from rag_app.library import Library

errors = Console(stderr=True, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
OneCollection = Annotated[str | None, typer.Option("--collection", help="Only this collection; all if left out.")]


@contextmanager
def open_application(context: typer.Context) -> Iterator[Any]:
    """Open the whole application that the settings in ``context`` describe."""
    from rag_app.assembly import Application

    with errors.status("Loading the models…"):
        opened = Application.open(context.obj)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def open_stored(context: typer.Context) -> Iterator["Library"]:
    """Open the library that the settings in ``context`` describe, without any model."""
    from rag_app.assembly import open_library

    library = open_library(context.obj)
    try:
        yield library
    finally:
        library.close()


def scope_of(known: list[str], collection: str | None) -> Scope:
    """Return the scope of one of the known collections, or of all; raises RagError for another."""
    if collection is None:
        return Scope()
    if collection not in known:
        names = ", ".join(known) or "none yet"
        raise RagError(f"There is no collection '{collection}'. Collections: {names}.")
    return Scope(collections=(collection,))


@contextmanager
def show_bar(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error; the function it gives moves it on by one."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task(label, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def open_written(file: Path | None, *, append: bool = False) -> Iterator[TextIO | None]:
    """Open a file to write to, at once: a long run must not end in finding that it cannot be written."""
    if file is None:
        yield None
        return
    try:
        opened = file.open("a" if append else "w", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}. Name another file.") from error
    with opened:
        yield opened


@contextmanager
def discarding(draft: Path) -> Iterator[None]:
    """Remove a draft that is still there at the end, because what should have taken its place failed."""
    try:
        yield
    finally:
        draft.unlink(missing_ok=True)


def print_result(value: dict[str, Any], as_json: bool, show: Callable[[], Any]) -> None:
    """Print a result on standard output: as one JSON object, or by ``show`` for people."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
    else:
        show()


def write_json(value: dict[str, Any], file: TextIO | None) -> None:
    """Write a result as one JSON object, if there is a file to write to."""
    if file:
        file.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
