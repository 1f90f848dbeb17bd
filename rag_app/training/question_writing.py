"""Train a writer of unanswerable questions, and let it write them."""

import random
from dataclasses import dataclass
from pathlib import Path

from rag_app.errors import DataError
from rag_app.json_lines import write_json_lines
from rag_app.training.language_model import LanguageTraining, Outcome, train_language_model
from rag_app.training.low_rank import load_merged
from rag_app.training.optimisation import training_device
from rag_app.training.sampling import Sampling, write_texts
from rag_app.training.training_sets import TrainingSets
from rag_app.training.unanswerable import sample_rows, unanswerable_rows, writing_examples, writing_prompt

KEPT = 20
"""One example in so many is kept out of the writer's training."""
WRITER = LanguageTraining(epochs=3, rank=64, alpha=64, peak_rate=6e-4, batch_tokens=4096)
WRITING = Sampling(new_tokens=40, temperature=0.8, nucleus=0.92)


@dataclass(frozen=True, slots=True)
class Written:
    """How many questions were written, how many of them ``passed`` the checks, and how the writer's training went."""

    asked: int
    passed: int
    writer: Outcome


def write_questions(
    data: Path, base: Path, out: Path, *, rows: int, training: LanguageTraining = WRITER, sampling: Sampling = WRITING
) -> Written:
    """Train a writer on squad_v2_train_articles, let it change ``rows`` questions of squad_v1_train, and keep the fit.

    The writer's adapter lies in a folder beside ``out``; a call that was ended goes on from its checkpoint, or from
    the drafts of its questions.

    Raises:
        DataError: a set is missing, or ``out`` cannot be written.
        ModelError: the language model in ``base`` cannot be trained.
    """
    sets = TrainingSets(data)
    real = sets.required("squad_v2_train_articles", "whose unanswerable questions the writer learns from")
    asked = [r for r in sets.required("squad_v1_train", "whose questions are changed") if r["answerable"]]
    examples = writing_examples(real)
    if not examples:
        raise DataError(
            f"{data} has no unanswerable question in squad_v2_train_articles that is like an answerable one of its "
            "passage, and of an article before the last two by name. Add such rows."
        )
    random.Random(training.seed).shuffle(examples)
    kept = len(examples) // KEPT
    folder = out.with_name(f"{out.name}.writer")
    outcome = train_language_model(examples[kept:], examples[:kept], base, out=folder, options=training)
    model, tokenizer = load_merged(base, folder, device=training_device(training.device))
    chosen = sample_rows(asked, rows, sampling.seed)
    prompts = [writing_prompt(row["question"], row["passages"][0]["text"]) for row in chosen]
    drafts = out.with_name(f"{out.name}.drafts")
    texts = write_texts(model.eval(), tokenizer, prompts, sampling=sampling, drafts=drafts)
    passed = write_json_lines(out, unanswerable_rows(chosen, texts, known=asked))
    drafts.unlink()
    return Written(len(chosen), passed, outcome)
