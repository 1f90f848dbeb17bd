"""Put the training sets together: which are used, how many rows of each, and what is kept out."""

import random
from pathlib import Path

from rag_app.json_lines import read_json_lines
from rag_app.training.evidence_data import (
    Pair,
    Row,
    claim_pairs,
    extractive_pairs,
    faq_pairs,
    held_out_articles,
)
from rag_app.training.table_data import table_pairs

CLAIM_SETS = (
    "climate_fever", "covidfact", "fm2_train", "healthver_train", "begin_train", "summedits", "rte",
    "halueval_qa_sample",
)  # fmt: skip


def build_pairs(folder: Path, seed: int, *, squad_rows: int) -> tuple[list[Pair], list[Pair]]:
    """Read the training sets in ``folder`` and return (training pairs, held-out pairs).

    The held-out pairs are the whole last articles of squad_v2_train_articles: they choose nothing but the
    calibration and the printed progress.
    """
    rng = random.Random(seed)
    load = {p.name.split(".")[0]: p for p in sorted(folder.glob("*.jsonl*"))}

    def rows(name: str) -> list[Row]:
        return [row for _, row in read_json_lines(load[name])] if name in load else []

    v2 = rows("squad_v2_train_articles")
    held = held_out_articles(v2)
    held_rows = [r for r in v2 if r["article"] in held]
    v2_rows = [r for r in v2 if r["article"] not in held]
    pairs: list[Pair] = []
    squad = rows("squad_v1_train")
    kept = set(rng.sample(range(len(squad)), min(squad_rows, len(squad))))
    pairs += extractive_pairs([r for i, r in enumerate(squad) if i in kept], rng, negatives=0.45, swaps=0.4)
    for _ in range(3):
        pairs += extractive_pairs(v2_rows, rng, negatives=0.3, swaps=0.2)
    pairs += extractive_pairs(rows("nq_qed_train"), rng, negatives=0.0, swaps=0.3)
    qamr = rows("qamr_devtest")
    pairs += extractive_pairs(rng.sample(qamr, min(6000, len(qamr))), rng, negatives=0.0, swaps=0.4)
    policy = rows("policyqa_train")
    pairs += extractive_pairs(rng.sample(policy, min(1500, len(policy))), rng, negatives=0.0, swaps=0.2)
    pairs += faq_pairs(rows("dstc9_faq_grounded"), rng)
    for name in CLAIM_SETS:
        found = list(claim_pairs(rows(name)))
        pairs += rng.sample(found, min(4000, len(found)))
    pairs += table_pairs(len(pairs) // 12, rng)
    rng.shuffle(pairs)
    held_pairs = list(extractive_pairs(held_rows, random.Random(seed), negatives=0.0, swaps=0.0))
    return pairs, held_pairs
