"""The commands that train adapters."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

train_app = typer.Typer(help="Train the adapters that ship with rag_app, or your own.", no_args_is_help=True)
console = Console(stderr=True, soft_wrap=True)


@train_app.callback()
def train() -> None:
    """Keep ``evidence`` a command of its own, for others will follow."""


@train_app.command("evidence")
def train_evidence_model(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Folder with training sets, .jsonl or .jsonl.gz.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the adapter; a run there is taken up again.")],
    epochs: Annotated[float, typer.Option(min=0.0, help="How often to go through the pairs.")] = 1.0,
    steps: Annotated[int | None, typer.Option(min=1, help="How many steps to take, whatever the epochs.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after so long; run again to go on.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the pairs, their order and the first weights.")] = 0,
    rows_per_set: Annotated[int | None, typer.Option(min=1, help="Most rows taken of a training set.")] = None,
) -> None:
    """Train the evidence model's adapter on the installed all-MiniLM-L6-v2, and calibrate it on held-out rows."""
    from rag_app.assembly import EVIDENCE_BASE
    from rag_app.errors import DataError
    from rag_app.models.catalogue import resolve_model
    from rag_app.training.calibration import calibrate
    from rag_app.training.evidence import TrainingOptions, train_evidence

    held_out = next(iter(sorted(data.glob("squad_v2_train_articles.jsonl*"))), None)
    if held_out is None:
        raise DataError(
            f"{data} lacks squad_v2_train_articles.jsonl or .jsonl.gz, whose last articles are kept out of training "
            f"to calibrate on. Put it there; its rows are like those of data/questions.jsonl, with a field 'article'."
        )
    base = resolve_model(EVIDENCE_BASE, kind="embedder", home=context.obj.home)
    options = TrainingOptions(epochs, steps, seed=seed, minutes=minutes, rows_per_set=rows_per_set)
    with console.status("Training…"):
        figures = train_evidence(data, base.folder, out, options)
    with console.status("Calibrating…"):
        calibration = calibrate(out, base, data)
    typer.echo(f"{out / 'adapter.safetensors'}: {figures}, {calibration}")
