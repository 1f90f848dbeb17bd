"""The commands that measure: answers, retrieval, claims."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from rag_app import printing
from rag_app.terminal import Json, open_application, open_written, print_result, show_bar


class AnswersByDefault(TyperGroup):
    """Takes ``eval FILE`` to mean ``eval answers FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``answers`` first unless the first word is a command or asks for help."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["answers", *args]
        return super().parse_args(ctx, args)


eval_app = typer.Typer(
    cls=AnswersByDefault,
    help="Measure on a file of your own or a public one: 'rag-app eval FILE' is short for 'rag-app eval answers FILE'.",
    no_args_is_help=True,
)


@eval_app.command("answers")
def evaluate_answers(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Questions, one JSON object a line (.jsonl or .jsonl.gz).")],
    mode: Annotated[
        Literal["given", "open"], typer.Option(help="'given': from each row's own passages; 'open': retrieve from all.")
    ],
    limit: Annotated[int | None, typer.Option(min=1, help="Ask a random sample of this many.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample and of the bootstrap.")] = 0,
    split: Annotated[str | None, typer.Option(help="Only rows whose field 'split' is this.")] = None,
    records: Annotated[Path | None, typer.Option(help="Write every answer and its scores here, a line each.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report here, too.")] = None,
    as_json: Json = False,
) -> None:
    """Measure answers, abstention and citations on a file of questions, with 95 % intervals."""
    from rag_app.assembly import EvaluationWorkshop
    from rag_app.evaluation.datasets import read_passages, read_questions
    from rag_app.evaluation.evaluate import Scored, report, run_questions

    questions = read_questions(file, limit=limit, seed=seed, split=split)
    with (
        open_written(records) as record_file,
        open_written(out) as report_file,
        open_application(context) as application,
        show_bar("Asking", len(questions)) as advance,
    ):

        def on_scored(scored: Scored) -> None:
            if record_file:
                print(json.dumps(scored.to_json(), ensure_ascii=False), file=record_file, flush=True)
            advance()

        scored = run_questions(
            questions,
            mode,
            assistant=application.assistant,
            workshop=EvaluationWorkshop(application),
            embedder=application.embedder,
            others=read_passages(file),
            on_scored=on_scored,
        )
        result = report(file.name, mode, scored, seed=seed, models=dict(application.assistant.models))
        if report_file:
            print(json.dumps(result, indent=2, ensure_ascii=False), file=report_file)
    print_result(result, as_json, lambda: printing.show_evaluation(result))
