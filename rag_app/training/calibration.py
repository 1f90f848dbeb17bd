"""Fit the probability that the best of several passages answers a question, on rows kept out of training.

The setting is that of use: each question meets the paragraphs of its article that share most words with it, the
best-scored one is taken, and the label says whether that one truly answers. Questions are met three ways: as
written, half of them unanswerable on purpose; with the paragraph that answers taken away; and about new random
tables. A logistic regression on the answer head's logit and the span margin (Platt 1999) gives the probability.
"""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from rag_app.json_lines import read_json_lines
from rag_app.models.catalogue import ModelSource
from rag_app.models.checksums import sha256_of
from rag_app.models.devices import choose_device, choose_dtype
from rag_app.models.evidence import Calibration, EvidenceModel, load_evidence
from rag_app.training.evidence_data import Row, held_out_articles, shared_words
from rag_app.training.table_data import table_pairs

CANDIDATES = 8
TABLE_SEED = 12345
"""Another one than training's, so that the tables are new."""
Scored = tuple[float, float, bool]


def calibrate(folder: Path, base: ModelSource, held_out: Path, *, tables: int = 300) -> Calibration:
    """Fit the calibration of the adapter in ``folder`` and write it beside the weights, in adapter.json.

    Args:
        folder: holds adapter.safetensors.
        base: the encoder that the adapter fits.
        held_out: squad_v2_train_articles, whose last articles were kept out of training.
        tables: how many questions about random tables to add.
    """
    digest = sha256_of(folder / "adapter.safetensors")[:8]
    name = f"evidence-{base.name}@{digest}"
    write_description(folder, name=name, base_sha256=base.sha256, calibration=Calibration())
    device = choose_device("cpu")
    model = load_evidence(base.folder, folder, device=device, dtype=choose_dtype(device))
    calibration = fit_calibration(score_held_out(model, held_out) + score_tables(model, tables, TABLE_SEED))
    write_description(folder, name=name, base_sha256=base.sha256, calibration=calibration)
    return calibration


def score_held_out(model: EvidenceModel, file: Path) -> list[Scored]:
    """Return (answer logit, span margin, whether the passage answers) of each held-out question's best passage."""
    rows = [row for _, row in read_json_lines(file)]
    held = held_out_articles(rows)
    paragraphs: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["passages"][0]["text"] not in paragraphs[row["article"]]:
            paragraphs[row["article"]].append(row["passages"][0]["text"])
    scored = []
    for row in (row for row in rows if row["article"] in held):
        own = row["passages"][0]["text"]
        others = [p for p in paragraphs[row["article"]] if p != own]
        others.sort(key=lambda p: -shared_words(row["question"], p))
        scored.append(_best(model, row, [own, *others[: CANDIDATES - 1]]))
        if row["answerable"] and others:
            scored.append(_best(model, row, others[:CANDIDATES]))
    return scored


def score_tables(model: EvidenceModel, count: int, seed: int) -> list[Scored]:
    """Return the same of ``count`` questions about random tables."""
    scored = []
    for pair in table_pairs(count, random.Random(seed)):
        found = model.weigh(pair.first, [(pair.heading, pair.passage)])[0]
        scored.append((found.answerable_logit, found.span_margin, bool(pair.answerable)))
    return scored


def _best(model: EvidenceModel, row: Row, candidates: Sequence[str]) -> Scored:
    found = model.weigh(row["question"], [(row["passages"][0]["title"], text) for text in candidates])
    place = max(range(len(found)), key=lambda i: found[i].span_margin)
    answers = row["answerable"] and any(a in candidates[place] for a in row["answers"])
    return found[place].answerable_logit, found[place].span_margin, bool(answers)


def fit_calibration(scored: Sequence[Scored]) -> Calibration:
    """Fit a logistic regression by Newton's method in float64, with a little ridge for stability."""
    features = torch.tensor([[logit, margin, 1.0] for logit, margin, _ in scored], dtype=torch.float64)
    labels = torch.tensor([float(right) for _, _, right in scored], dtype=torch.float64)
    weights = torch.zeros(3, dtype=torch.float64)
    ridge = 1e-3 * torch.eye(3, dtype=torch.float64)
    for _ in range(50):
        p = torch.sigmoid(features @ weights)
        gradient = features.T @ (p - labels) + ridge @ weights
        hessian = (features * (p * (1 - p))[:, None]).T @ features + ridge
        weights = weights - torch.linalg.solve(hessian, gradient)
    return Calibration(*(float(w) for w in weights))


def write_description(folder: Path, *, name: str, base_sha256: str, calibration: Calibration) -> None:
    """Write adapter.json: the adapter's name, the base it fits and its calibration."""
    about = {"name": name, "base_sha256": base_sha256, "calibration": asdict(calibration)}
    (folder / "adapter.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
