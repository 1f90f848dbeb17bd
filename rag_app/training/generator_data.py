"""What the generator is taught: answering from numbered sources, being silent, and making follow-ups stand alone."""

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag_app.errors import DataError
from rag_app.training.evidence_data import Row, held_out_articles
from rag_app.training.generator_reading import Shares, reading_examples, table_examples
from rag_app.training.generator_tasks import (
    faq_examples,
    rewriting_examples,
    rule_examples,
    several_source_examples,
    study_examples,
    whether_examples,
)
from rag_app.training.language_tokens import Example
from rag_app.training.policy_data import policy_questions
from rag_app.training.table_data import table_pairs
from rag_app.training.training_sets import TrainingSets

KEPT = 100
"""One prompt in so many is kept out of training."""
MOST_HELD = 600
MOST_TABLES = 8000
MOST_RULES = 6000
READING_PARTS = {
    "squad": ("squad_v1_train", Shares(spoiled=0.15, missing=0.15, removed=0.05)),
    "adversarial": ("squad_v2_train_articles", Shares(answered=3.0, missing=0.3)),
    "generated": ("unanswerable_questions", Shares()),
    "search": ("nq_qed_train", Shares(answered=1.5, spoiled=0.3, missing=0.5)),
    "policy": ("policyqa_train", Shares(answered=1.0, spoiled=0.1)),
    "sentence": ("qamr_devtest", Shares(answered=0.25, spoiled=0.06)),
    "own": ("own_questions", Shares(answered=3.0, spoiled=0.3, missing=0.6)),
}
TASK_SETS = {
    "faq": ("dstc9_faq_grounded",),
    "study": ("pubmedqa_train",),
    "several hops": ("2wiki_train500_migres", "hotpot_train100_hippo", "musique_train100_hippo"),
    "whether": ("fm2_train", "climate_fever", "healthver_train"),
    "tables": (),
    "rules": (),
    "rewriting": ("canard_dev_rewrite",),
}
PART_SETS = {part: (name,) for part, (name, _) in READING_PARTS.items()} | TASK_SETS
"""The training sets that each part of the mixture is made of."""
Make = Callable[[list[Row], random.Random], Iterator[Example]]


@dataclass(frozen=True, slots=True)
class Mixture:
    """What is learned, in random order, and what is kept out; ``counts`` are the training examples of each part."""

    train: list[Example]
    held: list[Example]
    counts: dict[str, int]


def build_mixture(sets: TrainingSets, seed: int) -> Mixture:
    """Make the training examples of all sets that are there, and those that are held out.

    ``unanswerable_questions`` and ``written_sentences``, which language models wrote, are used if they are there.

    Raises:
        DataError: a set is not what it must be, or there are none.
    """
    written = {row["id"]: row["text"] for row in sets.read("written_sentences")}
    train: list[Example] = []
    held: list[Example] = []
    counts: dict[str, int] = {}
    for part in PART_SETS:
        found = list(_make_part(part, sets, random.Random(f"{seed} {part}"), written))
        kept = [example for example in found if not is_held_out(example)]
        held += [example for example in found if is_held_out(example)]
        train += kept
        counts[part] = len(kept)
    if not train:
        raise DataError(
            f"{sets.folder} holds no training sets. Put some there, such as squad_v1_train.jsonl.gz, or questions of "
            "your own in the format of data/questions.jsonl as own_questions.jsonl."
        )
    rng = random.Random(seed)
    rng.shuffle(train)
    return Mixture(train, rng.sample(held, min(len(held), MOST_HELD)), {n: c for n, c in counts.items() if c})


def is_held_out(example: Example) -> bool:
    """Tell whether an example is kept out of training, by its prompt."""
    return zlib.crc32(example.messages[-1].content.encode()) % KEPT == 0


def _make_part(part: str, sets: TrainingSets, rng: random.Random, written: dict[str, str]) -> Iterator[Example]:
    if part in READING_PARTS:
        name, shares = READING_PARTS[part]
        rows = sets.read(name)
        if name == "squad_v2_train_articles":
            out = held_out_articles(rows)
            rows = [row for row in rows if row["article"] not in out]
        return reading_examples(rows, rng, shares, written=written)
    if part == "tables":
        # Their share is that of the full mixture, where there is less to read too.
        count = min(MOST_TABLES, sum(len(sets.read(name)) for name, _ in READING_PARTS.values()) // 10)
        return table_examples(table_pairs(count, rng), rng)
    if part == "rules":
        count = min(MOST_RULES, sum(len(sets.read(name)) for name, _ in READING_PARTS.values()) // 15)
        return rule_examples(policy_questions(count, rng), rng)
    makers: dict[str, Make] = {
        "faq": faq_examples,
        "study": study_examples,
        "several hops": several_source_examples,
        "whether": whether_examples,
        "rewriting": rewriting_examples,
    }
    return makers[part]([row for name in TASK_SETS[part] for row in sets.read(name)], rng)
