"""The commands that measure: answers, retrieval, claims."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from rag_app import eval_printing
from rag_app.answering.parts import Parts
from rag_app.errors import DataError
from rag_app.json_lines import read_json_lines
from rag_app.terminal import Json, open_application, open_written, print_result, show_bar, write_json

if TYPE_CHECKING:
    from rag_app.evaluation.datasets import Question
    from rag_app.evaluation.evaluate import Scored, System

QUESTIONS = Path("data", "questions.jsonl")
PARTS = tuple(field.name for field in fields(Parts))
Limit = Annotated[int | None, typer.Option(min=1, help="Take a random sample of this many.")]
Seed = Annotated[int, typer.Option(help="Seed of the sample and of the bootstrap.")]
Split = Annotated[str | None, typer.Option(help="Only rows whose field 'split' is this.")]
Out = Annotated[Path | None, typer.Option(help="Write the report here, too, as JSON.")]


class Way(StrEnum):
    """A way to search: a part of retrieval alone, or the whole."""

    DENSE = "dense"
    WORDS = "words"
    FUSED = "fused"
    RERANKED = "reranked"


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
    system: Annotated[
        Literal["ours", "plain", "both"],
        typer.Option(help="'plain' is the naive pipeline on the same models: three nearest passages and a prompt."),
    ] = "ours",
    ablate: Annotated[
        list[str] | None,
        typer.Option(help=f"Ask once more without this part; several times, or 'all'. Parts: {', '.join(PARTS)}."),
    ] = None,
    limit: Limit = None,
    seed: Seed = 0,
    split: Split = None,
    records: Annotated[Path | None, typer.Option(help="Write every answer and its scores here, a line each.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Ask only what is not yet in the file of --records.")
    ] = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure answers, abstention and citations on a file of questions, with 95 % intervals."""
    from rag_app.evaluation.datasets import read_passages, read_questions
    from rag_app.evaluation.evaluate import Run, run_questions
    from rag_app.evaluation.figures import report
    from rag_app.workshop import EvaluationWorkshop, ablated_systems, our_system, plain_system

    unknown = [part for part in ablate or () if part not in (*PARTS, "all")]
    if unknown:
        raise typer.BadParameter(f"There is no part '{unknown[0]}'. Parts: {', '.join(PARTS)}, or all.")
    questions = read_questions(file, limit=limit, seed=seed, split=split)
    known = _read_records(records, questions, mode) if resume else []
    with (
        open_written(records, append=resume) as record_file,
        open_written(out) as report_file,
        open_application(context) as application,
    ):
        systems = [our_system(application)] if system != "plain" else []
        systems += [plain_system(application)] if system != "ours" else []
        systems += ablated_systems(application, ablate or ())
        names = [s.name for s in systems]
        known = [s for s in known if s.system in names]
        _require_same_models(known, systems, records)
        run = Run(mode, EvaluationWorkshop(application), application.embedder, others=read_passages(file))
        with show_bar("Asking", len(questions) * len(systems) - len(known)) as advance:

            def on_scored(scored: "Scored") -> None:
                if record_file:
                    print(json.dumps(scored.to_json(), ensure_ascii=False), file=record_file, flush=True)
                advance()

            scored = run_questions(questions, systems, run, known=known, on_scored=on_scored)
        reports = {name: report(file.name, mode, [s for s in scored if s.system == name], seed=seed) for name in names}
        result = reports[names[0]] | ({"systems": reports} if len(reports) > 1 else {})
        write_json(result, report_file)
    print_result(result, as_json, lambda: eval_printing.show_evaluation(result))


@eval_app.command("retrieval")
def evaluate_retrieval(
    context: typer.Context,
    corpus: Annotated[Path, typer.Option(help="Documents with id, title and text (.jsonl or .jsonl.gz).")],
    queries: Annotated[Path, typer.Option(help="Queries with id and text (.jsonl or .jsonl.gz).")],
    qrels: Annotated[Path, typer.Option(help="What is relevant to what: .tsv with a header, or TREC's format.")],
    split: Split = None,
    limit: Limit = None,
    seed: Seed = 0,
    ways: Annotated[
        list[Way] | None, typer.Option("--system", help="A way to search; may be given several times. All if left out.")
    ] = None,
    rerank: Annotated[bool, typer.Option(help="Whether to measure the reranked search, the slowest.")] = True,
    depth: Annotated[int | None, typer.Option(min=1, help="How many passages are reranked; by the settings.")] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure search: nDCG@10, recall and MRR on a corpus with judged queries, for each part and the whole."""
    from rag_app.evaluation.ranking import read_retrieval_set, run_queries
    from rag_app.workshop import EvaluationWorkshop, searches_of

    data = read_retrieval_set(corpus, queries, qrels, split=split, limit=limit, seed=seed)
    chosen = [way.value for way in ways or Way if rerank or way is not Way.RERANKED]
    with open_written(out) as report_file, open_application(context) as application:
        workshop = EvaluationWorkshop(application)
        with ExitStack() as stack:
            with show_bar("Storing", len(data.corpus)) as advance:
                library = stack.enter_context(workshop.library_of(list(data.corpus.values()), on_stored=advance))
            searches = searches_of(application, library, weighed=depth)
            with show_bar("Searching", len(chosen) * len(data.queries)) as advance:
                figures = run_queries(data, {w: searches[w] for w in chosen}, seed=seed, on_query=advance)
        models = {kind: name for kind, name in application.assistant.models.items() if kind != "generator"}
        result = {"corpus": corpus.name, "split": split, "models": models, **figures}
        write_json(result, report_file)
    print_result(result, as_json, lambda: eval_printing.show_ranking(result))


@eval_app.command("claims")
def evaluate_claims(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Claims: rows with question (the claim), passages and supported.")],
    limit: Limit = None,
    seed: Seed = 0,
    split: Split = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure the check of claims: balanced accuracy and AUROC of telling what is supported from what is not."""
    from rag_app.answering.grounding import LEAST_SUPPORT
    from rag_app.assembly import open_evidence
    from rag_app.evaluation.claims import read_claims, run_claims

    claims = read_claims(file, limit=limit, seed=seed, split=split)
    with open_written(out) as report_file:
        model = open_evidence(context.obj)
        with show_bar("Judging", len(claims)) as advance:
            figures = run_claims(claims, model, threshold=LEAST_SUPPORT, seed=seed, on_claim=advance)
        result = {"dataset": file.name, "models": {"evidence": model.name}, **figures}
        write_json(result, report_file)
    print_result(result, as_json, lambda: eval_printing.show_claims(result))


@eval_app.command("threshold")
def evaluate_threshold(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Questions of which some cannot be answered.")] = QUESTIONS,
    limit: Limit = None,
    seed: Seed = 0,
    split: Split = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure what each threshold gives: how many questions are answered, and how many shown answers are wrong."""
    from rag_app.evaluation.datasets import read_passages, read_questions
    from rag_app.evaluation.evaluate import Run, run_questions
    from rag_app.evaluation.risk import by_threshold
    from rag_app.workshop import EvaluationWorkshop, ablated_systems

    questions = read_questions(file, limit=limit, seed=seed, split=split)
    with open_written(out) as report_file, open_application(context) as application:
        run = Run("open", EvaluationWorkshop(application), application.embedder, others=read_passages(file))
        with show_bar("Asking", len(questions)) as advance:
            systems = ablated_systems(application, ["abstention"])
            scored = run_questions(questions, systems, run, on_scored=lambda _: advance())
        result = {
            "dataset": file.name,
            "questions": len(questions),
            "models": dict(application.assistant.models),
            "points": by_threshold(scored),
        }
        write_json(result, report_file)
    print_result(result, as_json, lambda: eval_printing.show_thresholds(result))


@eval_app.command("report")
def report_figures(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder for report.md, its pictures and report.json.")],
    questions: Annotated[Path, typer.Option(help="The questions about the sample handbook.")] = QUESTIONS,
    data: Annotated[
        Path | None, typer.Option(help="Folder with public sets; left out, only the handbook's questions are asked.")
    ] = None,
    limit: Limit = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Take every figure, with each part switched off once, and write a report with pictures (needs matplotlib)."""
    from rag_app.eval_report import Plan, Reporter, make_folder, write_files

    if data is not None and not data.is_dir():
        raise DataError(f"There is no folder {data}. Name the one that holds the public sets, or leave --data out.")
    make_folder(out)
    with open_application(context) as application:
        results = Reporter(application, Plan(questions, data, limit, seed)).take()
    write_files(results, out)
    print_result(results, as_json, lambda: typer.echo(str(out / "report.md")))


def _read_records(file: Path | None, questions: "Sequence[Question]", mode: str) -> "list[Scored]":
    """Return what an earlier run wrote of these questions; a last line that was cut off is cut out of the file."""
    from rag_app.evaluation.evaluate import Scored

    if file is None:
        raise typer.BadParameter("--resume needs --records FILE, the file that the earlier run wrote.")
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.write_text(whole, encoding="utf-8")
    asked, found = {q.id: q for q in questions}, []
    if len(asked) < len(questions):
        raise DataError("Several questions have the same id, so --resume cannot tell them apart. Number them anew.")
    for number, row in read_json_lines(file):
        try:
            if row["id"] in asked and row["mode"] == mode:
                found.append(Scored.from_json(row, asked[row["id"]]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{file}, line {number}, is no record of an evaluation ({error}). Name another file, or leave --resume "
                f"out to write it anew."
            ) from error
    return found


def _require_same_models(known: "Sequence[Scored]", systems: "Sequence[System]", file: Path | None) -> None:
    """Refuse to mix answers of other models into a report."""
    used = {system.name: system.models for system in systems}
    for scored in known:
        if scored.reply and scored.reply["models"] != used[scored.system]:
            raise DataError(
                f"{file} holds answers of other models ({', '.join(scored.reply['models'].values())}), which would be "
                "mixed with those of this run. Name another file, or leave --resume out to write it anew."
            )
