"""The command line: parse, call, print. Results go to standard output, progress and errors to standard error."""

import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from rag_app import printing
from rag_app.documents_cli import documents_app
from rag_app.errors import DataError, RagError
from rag_app.eval_cli import eval_app
from rag_app.feedback_cli import feedback_app
from rag_app.ingest_cli import ingest
from rag_app.records import Message
from rag_app.settings import Settings, load_settings
from rag_app.terminal import Json, OneCollection, errors, open_application, open_stored, print_result, scope_of
from rag_app.train_cli import train_app
from rag_app.usage_words import PlainGroup

app = typer.Typer(
    cls=PlainGroup,
    help="Ask your own documents: every sentence of an answer is checked and cited, on your own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="See and prepare the pretrained models.", no_args_is_help=True)
app.add_typer(documents_app, name="documents")
app.add_typer(models_app, name="models")
app.add_typer(eval_app, name="eval")
app.add_typer(train_app, name="train")
app.add_typer(feedback_app, name="feedback")
app.command()(ingest)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rag_app {version('rag_app')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder of the library and the models (RAG_APP_HOME).")] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Read the settings that every command shares."""
    settings = load_settings({"home": home, "log_level": log_level.upper() if log_level else None})
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    context.obj = settings


@app.command()
def search(
    context: typer.Context,
    words: Annotated[str, typer.Argument(help="What to look for: words or a question.")],
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many passages.")] = 5,
    collection: OneCollection = None,
    as_json: Json = False,
) -> None:
    """Find the passages nearest to some words, without writing an answer."""
    import time

    with open_application(context) as application:
        started = time.perf_counter()
        passages = application.assistant.search(words, k, scope_of(application.library.collections(), collection))
        total = 1000 * (time.perf_counter() - started)
        found = {
            "query": words,
            "passages": [p.to_json() for p in passages],
            "timings_ms": {"total": round(total, 1)},
        }
        print_result(found, as_json, lambda: printing.show_passages(passages))


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question, in plain words.")],
    collection: OneCollection = None,
    document: Annotated[
        list[int] | None, typer.Option(help="Ask this document alone, by its id; several times for several.")
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="JSON file of earlier turns: [{'role': 'user', 'content': '…'}, …].")
    ] = None,
    show_unsupported: Annotated[
        bool, typer.Option("--show-unsupported", help="Show sentences that nothing supports, too, marked as such.")
    ] = False,
    trace: Annotated[bool, typer.Option("--trace", help="With --json: say how the answer came about, too.")] = False,
    as_json: Json = False,
) -> None:
    """Answer a question from the documents, with citations, or say that they do not say."""
    turns = read_history(history) if history else []
    if show_unsupported:
        context.obj = replace(context.obj, show_unsupported=True)
    with open_application(context) as application:
        scope = scope_of(application.library.collections(), collection)
        if document:
            scope = replace(scope, documents=tuple(application.library.document(number).id for number in document))
        reply = application.assistant.ask(question, history=turns, scope=scope)
        print_result(reply.answer.to_json(traced=trace), as_json, lambda: printing.show_answer(reply.answer))


@app.command()
def verify(context: typer.Context, as_json: Json = False) -> None:
    """Check the library against itself: every row has its text and vector, every vector its row."""
    with open_stored(context) as library:
        report = library.verify()
    print_result(report.to_json(), as_json, lambda: printing.show_verification(report))
    if report.problems:
        raise typer.Exit(1)


@app.command()
def rebuild(context: typer.Context, as_json: Json = False) -> None:
    """Make every index anew from the database; with another embedder, embed the stored text again."""
    from rag_app.assembly import open_embedder, rebuild_library

    settings: Settings = context.obj
    report = rebuild_library(settings, open_embedder(settings))
    print_result(report.to_json(), as_json, lambda: printing.show_verification(report))
    if report.problems:
        raise typer.Exit(1)


@models_app.command("list")
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the models that rag_app knows: installed or not, whence, licence, sha256."""
    from rag_app.models.catalogue import catalogue

    entries = catalogue(context.obj.home)
    print_result({"models": entries}, as_json, lambda: printing.show_models(entries))


@models_app.command("prepare")
def prepare_models(context: typer.Context, as_json: Json = False) -> None:
    """Check the chosen models' weights and convert them once, so that later starts are quick."""
    from rag_app.models.catalogue import resolve_model

    settings: Settings = context.obj
    ready = [
        resolve_model(settings.embedder, kind="embedder", home=settings.home),
        resolve_model(settings.generator, kind="generator", home=settings.home),
    ]
    entries = [
        {"name": s.name, "kind": s.kind, "folder": str(s.folder), "origin": s.origin, "licence": s.licence,
         "sha256": s.sha256} for s in ready
    ]  # fmt: skip
    print_result({"models": entries}, as_json, lambda: printing.show_models(entries))


@app.command()
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    address: Annotated[str, typer.Option(help="Where to serve; localhost is for this machine alone.")] = "localhost",
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Let the page add, remove and set nothing: only ask and read.")
    ] = False,
) -> None:
    """Open the chat in the browser, at http://localhost:PORT."""
    from ui.launch import launch

    settings: Settings = context.obj
    # The page is served by this process and reads its settings from the environment.
    os.environ["RAG_APP_HOME"] = str(settings.home)
    if read_only:
        os.environ["RAG_APP_READ_ONLY"] = "true"
    launch(port, address=address, max_file_mb=settings.max_file_mb)


def read_history(file: Path) -> list[Message]:
    """Read earlier turns from a JSON file.

    Raises:
        DataError: the file is missing or not a list of {"role", "content"}.
    """
    try:
        turns = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(_unread(file, error)) from error
    except UnicodeDecodeError as error:
        raise DataError(_no_history(file, f"it is no UTF-8 text at byte {error.start}")) from error
    except json.JSONDecodeError as error:
        raise DataError(_no_history(file, f"it is no JSON at line {error.lineno}, column {error.colno}")) from error
    if not isinstance(turns, list):
        raise DataError(_no_history(file, "it holds no list"))
    return [_turn(file, number, turn) for number, turn in enumerate(turns, start=1)]


def _turn(file: Path, number: int, turn: Any) -> Message:
    if not isinstance(turn, dict) or not isinstance(turn.get("content"), str):
        raise DataError(_no_history(file, f"turn {number} has no text as its 'content'"))
    role = turn.get("role")
    if role not in ("user", "assistant", "system"):
        raise DataError(_no_history(file, f"turn {number} has the role '{role}'"))
    return Message(role, turn["content"])


def _unread(file: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no file {file}. Name a JSON file of earlier turns, or leave --history out."
    if isinstance(error, IsADirectoryError):
        return f"{file} is a folder, not a file. Name a JSON file of earlier turns."
    return f"{file} cannot be opened: {error.strerror or error}. Check its permissions, or name another file."


def _no_history(file: Path, cause: str) -> str:
    return (
        f"{file} cannot be read as a history: {cause}. It must be a JSON list of "
        f'{{"role": "user" or "assistant", "content": "…"}}.'
    )


def main() -> None:
    """Run the command line; a RagError is printed in one line and ends with status 1."""
    try:
        app()
    except RagError as error:
        errors.print(f"Error: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
