"""The commands that train adapters, and those that make training data for them."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from rag_app.terminal import discarding, errors, open_application, open_written, show_bar, write_json

train_app = typer.Typer(help="Train the adapters that ship with rag_app, or your own.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder with training sets, .jsonl or .jsonl.gz.")]
Adapter = Annotated[
    Path, typer.Option("--out", help="Folder for checkpoints, the adapter and its card; a run there is taken up again.")
]
Lines = Annotated[
    Path, typer.Option("--out", help="File to write, .jsonl or .jsonl.gz; what an ended run wrote is not lost.")
]
BaseModel = Annotated[
    str | None,
    typer.Option("--base", metavar="MODEL", help="Causal language model: name, folder or Hugging Face id; "
                 "the embedded one as published, if left out."),
]  # fmt: skip
Epochs = Annotated[float, typer.Option(min=0.001, help="How often to go through the examples.")]
Minutes = Annotated[
    float | None, typer.Option(min=0.0, help="Stop after so long, at the end of a step; run again to go on.")
]
Seed = Annotated[int, typer.Option(help="Seed of the examples, their order and the first weights.")]
RowsPerSet = Annotated[int | None, typer.Option(min=1, help="Most rows taken of a training set.")]


@train_app.command("evidence")
def train_evidence_model(
    context: typer.Context,
    data: Data,
    out: Adapter,
    epochs: Epochs = 1.0,
    steps: Annotated[int | None, typer.Option(min=1, help="How many steps to take, whatever the epochs.")] = None,
    minutes: Minutes = None,
    seed: Seed = 0,
    rows_per_set: RowsPerSet = None,
    start: Annotated[
        Path | None, typer.Option(metavar="ADAPTER", help="Adapter to train further, a folder or its .safetensors.")
    ] = None,
    all_weights: Annotated[
        bool, typer.Option("--all-weights", help="Train all weights of the layers; what changed becomes the adapter.")
    ] = False,
) -> None:
    """Train the evidence model's adapter on the installed all-MiniLM-L6-v2, and calibrate it on held-out rows."""
    from rag_app.assembly import EVIDENCE_BASE
    from rag_app.models.catalogue import resolve_model
    from rag_app.training.calibration import CALIBRATION_ROWS, calibrate
    from rag_app.training.cards import write_evidence_card
    from rag_app.training.evidence import ALL_WEIGHTS_RATE, TrainingOptions, train_evidence
    from rag_app.training.evidence_weights import rank_of
    from rag_app.training.training_sets import TrainingSets

    sets = TrainingSets(data, seed=seed, rows_per_set=rows_per_set)
    sets.required("squad_v2_train_articles", CALIBRATION_ROWS)
    base = resolve_model(EVIDENCE_BASE, kind="embedder", home=context.obj.home)
    options = TrainingOptions(epochs, steps, seed=seed, minutes=minutes, rows_per_set=rows_per_set)
    if all_weights:
        options = replace(options, all_weights=True, peak_rate=ALL_WEIGHTS_RATE)
    if start:
        start = start / "adapter.safetensors" if start.is_dir() else start
        rank = options.rank if all_weights else rank_of(start)
        options = replace(options, start=start, rank=rank)
    with errors.status("Training…"):
        figures = train_evidence(data, base.folder, out, options)
    with errors.status("Calibrating…"):
        calibration = calibrate(out, base, data)
    counts, found = sets.count(), {**figures, **asdict(calibration)}
    write_evidence_card(out, base, sets=counts, options=asdict(options), figures=found)
    typer.echo(f"{out / 'adapter.safetensors'}: {figures}, {calibration}")


@train_app.command("average")
def average_evidence_models(
    context: typer.Context,
    adapters: Annotated[list[Path], typer.Argument(help="Adapters of the evidence model: folders or .safetensors.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the adapter that is their mean, and its card.")],
    rank: Annotated[
        int, typer.Option(min=1, help="Rank of the mean; of low-rank updates it is at most their sum.")
    ] = 128,
) -> None:
    """Average adapters of the evidence model that were trained on from one another, and calibrate the mean."""
    from rag_app.assembly import EVIDENCE_BASE
    from rag_app.models.catalogue import resolve_model
    from rag_app.training.averaging import average_adapters
    from rag_app.training.calibration import CALIBRATION_ROWS, calibrate
    from rag_app.training.cards import write_evidence_card
    from rag_app.training.training_sets import TrainingSets

    sets = TrainingSets(data)
    sets.required("squad_v2_train_articles", CALIBRATION_ROWS)
    base = resolve_model(EVIDENCE_BASE, kind="embedder", home=context.obj.home)
    files = [adapter / "adapter.safetensors" if adapter.is_dir() else adapter for adapter in adapters]
    lost = average_adapters(files, out, rank=rank)
    with errors.status("Calibrating…"):
        calibration = calibrate(out, base, data)
    options = {"mean_of": len(files), "rank": rank, "share_of_the_updates_lost": lost}
    write_evidence_card(out, base, sets=sets.count(), options=options, figures=asdict(calibration))
    typer.echo(f"{out / 'adapter.safetensors'}: mean of {len(files)}, {lost:.2%} of the updates lost, {calibration}")


@train_app.command("questions")
def train_question_writer(
    context: typer.Context,
    data: Data,
    out: Lines,
    rows: Annotated[int, typer.Option(min=1, help="How many questions to change.")] = 38_400,
    seed: Seed = 0,
    base: BaseModel = None,
) -> None:
    """Train a writer of unanswerable questions, and let it write training data for the other adapters.

    Put the file into the folder of training sets, as unanswerable_questions.jsonl.gz.
    """
    from rag_app.training.question_writing import WRITER, WRITING, write_questions

    source = _resolve(context, base)
    with errors.status("Writing…"):
        done = write_questions(
            data,
            source.folder,
            out,
            rows=rows,
            training=replace(WRITER, seed=seed),
            sampling=replace(WRITING, seed=seed),
        )
    loss = _loss(done.writer.held_out_loss)
    typer.echo(f"{out}: {done.passed} of {done.asked} questions passed; the writer's held-out loss was {loss}")


@train_app.command("sentences")
def write_training_sentences(
    context: typer.Context,
    data: Data,
    out: Lines,
    rows: Annotated[int, typer.Option(min=1, help="How many sentences to write.")] = 57_000,
    seed: Seed = 0,
    base: BaseModel = None,
) -> None:
    """Let a language model say short answers as full sentences, as training data for the generator.

    Put the file into the folder of training sets, as written_sentences.jsonl.gz.
    """
    from rag_app.training.sampling import Sampling
    from rag_app.training.sentence_writing import write_sentences

    source = _resolve(context, base)
    with errors.status("Writing…"):
        count = write_sentences(data, source.folder, out, rows=rows, sampling=Sampling(seed=seed))
    typer.echo(f"{out}: {count} sentences")


@train_app.command("generator")
def train_generator_model(
    context: typer.Context,
    data: Data,
    out: Adapter,
    base: BaseModel = None,
    epochs: Epochs = 0.5,
    minutes: Minutes = None,
    seed: Seed = 0,
    rows_per_set: RowsPerSet = None,
    rank: Annotated[int, typer.Option(min=1, help="Rank of the adapter.")] = 32,
) -> None:
    """Train a generator's adapter to answer from numbered sources or be silent, and merge it into OUT/model."""
    from rag_app.training.generator import MODEL, train_generator
    from rag_app.training.language_model import LanguageTraining

    source = _resolve(context, base)
    options = LanguageTraining(epochs, seed, rank, alpha=rank, minutes=minutes)
    with errors.status("Training…"):
        done = train_generator(data, source, out, options, rows_per_set=rows_per_set)
    loss = _loss(done.held_out_loss)
    typer.echo(f"{out / MODEL}: {done.steps} of {done.of} steps, held-out loss {loss}")
    typer.echo(f"To use it, set RAG_APP_GENERATOR={out / MODEL}")


@train_app.command("confidence")
def train_confidence(
    context: typer.Context,
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write the weights to, such as the adapter's confidence.json.")],
    questions: Annotated[
        Path | None, typer.Option(help="Questions to be asked too, of all their passages (as eval --mode open).")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Of these, only the rows of this split.")] = None,
    rows: Annotated[int, typer.Option(min=20, help="How many held-out questions to ask.")] = 700,
    seed: Seed = 0,
) -> None:
    """Ask questions that no adapter was trained on, and fit from the answers how far to believe the generator."""
    from rag_app.evaluation.datasets import read_passages, read_questions, sample_questions
    from rag_app.evaluation.evaluate import Run, run_questions
    from rag_app.evaluation.risk import judged_signals
    from rag_app.training.belief import fit_belief
    from rag_app.training.calibration import CALIBRATION_ROWS
    from rag_app.training.held_out import held_out_questions
    from rag_app.training.training_sets import TrainingSets
    from rag_app.workshop import EvaluationWorkshop, unguarded_system

    kept = TrainingSets(data, seed=seed, rows_per_set=None).required("squad_v2_train_articles", CALIBRATION_ROWS)
    held = sample_questions(held_out_questions(kept, made=rows // 4, seed=seed), rows, seed=seed)
    own = read_questions(questions, split=split) if questions else []
    # The file may be the one that the application itself reads.
    draft = out.with_name(f"{out.name}.tmp")
    with discarding(draft):
        with open_written(draft) as file, open_application(context) as application:
            workshop, systems = EvaluationWorkshop(application), [unguarded_system(application)]
            others = read_passages(questions) if questions else []
            with show_bar("Asking", len(held) + len(own)) as advance:
                scored = [
                    *run_questions(
                        held, systems, Run("given", workshop, application.embedder), on_scored=lambda _: advance()
                    ),
                    *run_questions(
                        own, systems, Run("open", workshop, application.embedder, others), on_scored=lambda _: advance()
                    ),
                ]
            belief = fit_belief(judged_signals(scored))
            write_json(asdict(belief), file)
        draft.replace(out)
    typer.echo(f"{out}: {belief}")


def _loss(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _resolve(context: typer.Context, base: str | None) -> Any:
    from rag_app.models.catalogue import PLAIN_GENERATOR, resolve_model

    notify: Callable[[str], None] = errors.print
    return resolve_model(base or PLAIN_GENERATOR, kind="generator", home=context.obj.home, notify=notify)
