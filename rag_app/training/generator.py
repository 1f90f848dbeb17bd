"""Train the generator's adapter on the whole mixture, and merge it into a model that is ready to be used."""

import shutil
from dataclasses import asdict
from pathlib import Path

import torch

from rag_app.models.catalogue import ModelSource
from rag_app.models.quiet import quietly
from rag_app.training.cards import write_generator_card
from rag_app.training.generator_data import build_mixture
from rag_app.training.language_model import LanguageTraining, Outcome, train_language_model
from rag_app.training.low_rank import load_merged
from rag_app.training.training_sets import TrainingSets

MODEL = "model"


def train_generator(
    data: Path, base: ModelSource, out: Path, options: LanguageTraining, *, rows_per_set: int | None = None
) -> Outcome:
    """Train on the sets in ``data`` and write to ``out`` the adapter, its card README.md, and the merged ``model``.

    A run found in ``out`` is taken up again.

    Raises:
        DataError: a set is not what it must be, there are none, or the checkpoint is of another run.
        ModelError: the base cannot be trained.
    """
    sets = TrainingSets(data, seed=options.seed, rows_per_set=rows_per_set)
    mixture = build_mixture(sets, options.seed)
    outcome = train_language_model(mixture.train, mixture.held, base.folder, out=out, options=options)
    write_merged(base.folder, out, out / MODEL)
    write_generator_card(
        out, base, sets=sets.names, counts=mixture.counts, options=asdict(options) | {"rows_per_set": rows_per_set},
        outcome=asdict(outcome),
    )  # fmt: skip
    return outcome


def write_merged(base: Path, adapter: Path, folder: Path) -> None:
    """Write the base with the adapter merged in, in bfloat16, to ``folder``, which it replaces when it is whole."""
    model, tokenizer = load_merged(base, adapter, device=torch.device("cpu"))
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    with quietly():
        model.to(torch.bfloat16).save_pretrained(draft)
        tokenizer.save_pretrained(draft)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
