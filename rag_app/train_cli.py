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
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to train, by the clock.")] = 90.0,
    seed: Annotated[int, typer.Option(help="Seed of the order of rows and of the first weights.")] = 0,
    squad_rows: Annotated[int, typer.Option(min=1, help="Rows taken of squad_v1_train.")] = 60_000,
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
    options = TrainingOptions(minutes=minutes, seed=seed, squad_rows=squad_rows)
    with console.status("Training…"):
        figures = train_evidence(data, base.folder, out, options)
    with console.status("Calibrating…"):
        calibration = calibrate(out, base, held_out)
    typer.echo(f"{out / 'adapter.safetensors'}: {figures}, {calibration}")
