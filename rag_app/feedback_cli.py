"""The commands that show what readers thought of answers, and make an evaluation file of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rag_app.json_lines import write_json_lines
from rag_app.printing import out
from rag_app.records.feedback import REASONS
from rag_app.terminal import Json, open_stored, print_result

if TYPE_CHECKING:
    from rag_app.library.feedback_rows import JudgedTurn

feedback_app = typer.Typer(help="See what readers thought of answers, and measure by it.", no_args_is_help=True)


@feedback_app.command("list")
def list_feedback(
    context: typer.Context,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many, the latest.")] = None,
    as_json: Json = False,
) -> None:
    """List the answers that were judged in the chat, the latest verdict first."""
    with open_stored(context) as library:
        found = library.feedback.judged(limit=limit)
    print_result({"feedback": [f.to_json() for f in found]}, as_json, lambda: _show(found))


@feedback_app.command("export")
def export_feedback(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="File to write (.jsonl or .jsonl.gz).")],
    as_json: Json = False,
) -> None:
    """Write verdicts that say what is right as questions for 'rag-app eval OUT.jsonl --mode given'.

    The file holds passages of your documents. It is yours to keep: what is removed from the library stays in it.
    """
    with open_stored(context) as library:
        judged, rows = library.feedback.count(), library.feedback.evaluation_rows()
        written = {"file": str(file), "rows": write_json_lines(file, rows), "judged": judged}
    print_result(written, as_json, lambda: _show_export(written))


def _show(judged: "Sequence[JudgedTurn]") -> None:
    if not judged:
        out.print("No answer has been judged yet. The thumbs below an answer in the chat do that.")
    for turn in judged:
        verdict = "helped" if turn.feedback.helpful else "did not help"
        reason = f": {REASONS[turn.feedback.reason]}" if turn.feedback.reason else ""
        out.print(Text(turn.question, style="bold"))
        out.print(Text(f"  {turn.answer.text}", style="dim"))
        out.print(Text(f"  {verdict}{reason}"))
        for title, words in (("in words", turn.feedback.words), ("right would be", turn.feedback.correction)):
            if words:
                out.print(Text(f"  {title}: {words}"))


def _show_export(written: dict[str, Any]) -> None:
    rows, judged, file = written["rows"], written["judged"], written["file"]
    out.print(Text(f"{rows} of {judged} verdicts say what is right and are in {file}."))
    if rows:
        out.print(Text(f"Measure by them: rag-app eval {file} --mode given"))
