"""Put the training sets together: which are used, how many pairs of each, and what is kept out."""

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from rag_app.training.evidence_claims import answer_pairs, sentence_pairs, set_pairs, whether_pairs
from rag_app.training.evidence_data import Pair, Row, held_out_articles, times
from rag_app.training.evidence_passages import Articles, article_of
from rag_app.training.evidence_reading import (
    Shares,
    faq_pairs,
    opinion_pairs,
    reading_pairs,
    several_hop_pairs,
    swapped_pairs,
    topic_pairs,
)
from rag_app.training.policy_data import policy_pairs
from rag_app.training.table_data import table_pairs
from rag_app.training.training_sets import TrainingSets

CLAIM_SETS = {
    "climate_fever": 2.0, "covidfact": 2.0, "fm2_train": 4.0, "healthver_train": 4.0, "begin_train": 2.0,
    "summedits": 1.0, "rte": 2.0, "halueval_qa_sample": 2.0,
}  # fmt: skip
"""Each with how often it is gone through: the fewer the rows, and the more they are like the product's, the more."""
SEVERAL_HOPS = ("2wiki_train500_migres", "hotpot_train100_hippo", "musique_train100_hippo")
CLAIMS_KEPT, READING_KEPT = 10, 50
"""One in so many rows is kept out of training."""
RULES_HELD = 400
SQUAD_PARTS = 16
SQUAD = Shares(positives=1.4, near=0.6, far=0.2, spoiled=0.45, kept=0.15, removed=0.15)
ADVERSARIAL = Shares(positives=3.0, near=0.9, far=0.2, spoiled=0.4, kept=0.3)
GENERATED = Shares(positives=1.0)
SEARCH = Shares(positives=2.0, far=1.0, spoiled=0.5, kept=0.2)
POLICY = Shares(positives=2.0)
OWN = Shares(positives=3.0, near=1.0, far=0.5, spoiled=0.4, kept=0.2)
SENTENCE = Shares(positives=0.5, far=0.1)
Make = Callable[[TrainingSets, random.Random], Iterator[Pair]]


def training_rows(sets: TrainingSets, name: str, every: int) -> list[Row]:
    """Return the rows of a set of which one in ``every`` is kept out."""
    return [row for row in sets.read(name) if not is_held_out(row, every)]


def held_out_rows(sets: TrainingSets, name: str, every: int) -> list[Row]:
    """Return the rows that ``training_rows`` keeps out."""
    return [row for row in sets.read(name) if is_held_out(row, every)]


def is_held_out(row: Row, every: int) -> bool:
    """Tell whether a row is kept out of training: by its question, so that a claim's evidence stays together."""
    return zlib.crc32(row["question"].encode()) % every == 0


def part_names() -> list[str]:
    """Return the names of the parts that the training pairs are made in; any may be made alone, in any process."""
    return list(_recipe())


def make_part(sets: TrainingSets, name: str, seed: int) -> list[Pair]:
    """Return the training pairs of one part. The same seed gives the same, whatever other parts there are."""
    return list(_recipe()[name](sets, random.Random(f"{seed} {name}")))


def _recipe() -> dict[str, Make]:
    recipe: dict[str, Make] = {f"squad {i}": partial(_squad, part=i) for i in range(SQUAD_PARTS)}
    recipe |= {
        "adversarial": _adversarial,
        "generated": lambda sets, rng: reading_pairs(sets.read("unanswerable_questions"), rng, GENERATED),
        "search": lambda sets, rng: reading_pairs(
            training_rows(sets, "nq_qed_train", READING_KEPT), rng, SEARCH, styled=False
        ),
        "policy": lambda sets, rng: reading_pairs(training_rows(sets, "policyqa_train", READING_KEPT), rng, POLICY),
        "own": lambda sets, rng: reading_pairs(list(_with_gold_first(sets.read("own_questions"))), rng, OWN),
        "sentence": lambda sets, rng: reading_pairs(sets.read("qamr_devtest"), rng, SENTENCE),
        "swapped": lambda sets, rng: swapped_pairs(sets.read("qamr_devtest"), rng, 0.25),
        "faq": lambda sets, rng: faq_pairs(sets.read("dstc9_faq_grounded"), rng),
        "opinion": lambda sets, rng: opinion_pairs(sets.read("subjqa_train"), rng),
        "topic": lambda sets, rng: topic_pairs(sets.read("pubmedqa_train"), rng),
        "tables": lambda sets, rng: table_pairs(len(sets.read("squad_v1_train")) // 2, rng),
        "rules": lambda sets, rng: policy_pairs(len(sets.read("squad_v1_train")) // 4, rng),
    }
    recipe |= {name: partial(_several_hops, name=name) for name in SEVERAL_HOPS}
    return recipe | {name: partial(_claims, name=name) for name in CLAIM_SETS}


def _with_gold_first(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield rows with the passage that answers before the others, for the first one is read."""
    for row in rows:
        gold = set(row.get("gold_passages") or [0])
        order = sorted(range(len(row["passages"])), key=lambda i: i not in gold)
        yield {**row, "passages": [row["passages"][i] for i in order]}


def _squad(sets: TrainingSets, rng: random.Random, *, part: int) -> Iterator[Pair]:
    rows = sets.read("squad_v1_train")
    own = set(sorted({article_of(row) for row in rows})[part::SQUAD_PARTS])
    rows = [row for row in rows if article_of(row) in own]
    yield from reading_pairs(rows, rng, SQUAD)
    yield from answer_pairs(rows, rng, each=0.4)
    yield from sentence_pairs(Articles(rows), rng, each=4.0)
    yield from whether_pairs(Articles(rows), rng, each=6.0)


def _adversarial(sets: TrainingSets, rng: random.Random) -> Iterator[Pair]:
    rows = sets.read("squad_v2_train_articles")
    held = held_out_articles(rows)
    yield from reading_pairs([row for row in rows if row["article"] not in held], rng, ADVERSARIAL)


def _several_hops(sets: TrainingSets, rng: random.Random, *, name: str) -> Iterator[Pair]:
    yield from several_hop_pairs(sets.read(name), rng)


def _claims(sets: TrainingSets, rng: random.Random, *, name: str) -> Iterator[Pair]:
    rows = training_rows(sets, name, CLAIMS_KEPT)
    for _ in times(CLAIM_SETS[name], rng):
        yield from set_pairs(rows, rng)


def held_out_pairs(sets: TrainingSets, seed: int) -> dict[str, list[Pair]]:
    """Return the pairs that training never sees, by kind: they choose nothing but the calibration.

    They are the whole last articles of squad_v2_train_articles, a tenth of the claims of every set, a fiftieth of the
    search and policy questions, and questions about the made-up rules that are kept out.
    """
    rng = random.Random(seed)
    v2 = sets.read("squad_v2_train_articles")
    held = held_out_articles(v2)
    reading = [row for row in v2 if row["article"] in held]
    search = [row for name in ("nq_qed_train", "policyqa_train") for row in held_out_rows(sets, name, READING_KEPT)]
    kinds = {
        "reading": list(reading_pairs(reading, rng, Shares(near=0.5), styled=False)),
        "search": list(reading_pairs(search, rng, Shares(far=1.0), styled=False)),
        **{name: list(held_out_claims(sets, name, rng)) for name in CLAIM_SETS},
        "rules": list(policy_pairs(RULES_HELD, rng, held_out=True)),
    }
    return {name: pairs for name, pairs in kinds.items() if pairs}


def held_out_claims(sets: TrainingSets, name: str, rng: random.Random) -> Iterator[Pair]:
    """Yield the kept-out claims of a set, each with its own evidence."""
    rows = [row for row in held_out_rows(sets, name, CLAIMS_KEPT) if row["passages"]]
    # With another's evidence a pair is not relevant.
    yield from (p for p in set_pairs(rows, rng) if p.stance is not None and p.relevant is not False)
