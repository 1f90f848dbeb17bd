"""Fit probabilities to the evidence model's scores, on rows kept out of training.

Whether the best of several passages answers a question is fitted in the setting of use: each question meets the
paragraphs of its article that share most words with it, the best-scored one is taken, and the label says whether
that one truly answers. Questions are met three ways: as written, half of them unanswerable on purpose; with the
paragraph that answers taken away; and about new random tables and rules that training is kept from. Relevance is
fitted on the same rows' own and other paragraphs, and support on kept-out claims. All are logistic regressions (Platt
1999).
"""

import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from rag_app.models.catalogue import ModelSource
from rag_app.models.checksums import sha256_of
from rag_app.models.devices import choose_device, choose_dtype
from rag_app.models.evidence import Calibration, EvidenceModel, load_evidence
from rag_app.training.evidence_data import Pair, Row, Stance, held_out_articles, shared_words
from rag_app.training.evidence_mixture import CLAIM_SETS, held_out_pairs
from rag_app.training.policy_data import policy_pairs
from rag_app.training.table_data import table_pairs
from rag_app.training.training_sets import TrainingSets

CANDIDATES = 8
CLAIMS_AT_ONCE = 256
CALIBRATION_ROWS = "whose last articles are kept out of training to calibrate on"
MADE_SEED = 12345
"""Another one than training's, so that the tables are new; the rules are such as training is kept from."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Raw scores of a case, whether it is one, and how much it counts."""

    scores: tuple[float, ...]
    right: bool
    weight: float = 1.0


def calibrate(folder: Path, base: ModelSource, data: Path, *, made: int = 300, device: str = "cpu") -> Calibration:
    """Fit the calibration of the adapter in ``folder`` and write it beside the weights, in adapter.json.

    Args:
        folder: holds adapter.safetensors.
        base: the encoder that the adapter fits.
        data: the training sets, of which some rows were kept out.
        made: how many questions about random tables to add, and as many about kept-out rules.
        device: where to compute.

    Raises:
        DataError: the set whose last articles were kept out is not there.
    """
    sets = TrainingSets(data)
    rows = sets.required("squad_v2_train_articles", CALIBRATION_ROWS)
    digest = sha256_of(folder / "adapter.safetensors")[:8]
    name = f"evidence-{base.name}@{digest}"
    write_description(folder, name=name, base_sha256=base.sha256, calibration=Calibration())
    where = choose_device(device)
    model = load_evidence(base.folder, folder, device=where, dtype=choose_dtype(where))
    held = held_out_pairs(sets, seed=0)
    calibration = join_fits(
        answers=score_held_out(model, rows) + score_made(model, made_pairs(made, MADE_SEED)),
        relevance=score_relevance(model, [*held.get("reading", []), *held.get("search", [])]),
        support=[case for claims in CLAIM_SETS for case in score_claims(model, held.get(claims, []))],
    )
    write_description(folder, name=name, base_sha256=base.sha256, calibration=calibration)
    return calibration


def join_fits(*, answers: Sequence[Scored], relevance: Sequence[Scored], support: Sequence[Scored]) -> Calibration:
    """Fit each probability to its cases; what has no cases of both kinds is left as the model says it."""
    before = Calibration()
    answer = fit_logistic(answers) or (before.answerable_weight, before.span_weight, before.bias)
    topic = fit_logistic(relevance) or (before.relevance_weight, before.relevance_bias)
    borne_out = fit_logistic(support) or (before.support_weight, before.support_bias)
    return Calibration(*answer, *borne_out, *topic)


def score_held_out(model: EvidenceModel, rows: Sequence[Row]) -> list[Scored]:
    """Score each held-out question's best passage: (answer logit, span margin), and whether the passage answers."""
    held = held_out_articles(rows)
    paragraphs: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        paragraphs[row["article"]][row["passages"][0]["text"]] = None
    scored = []
    for row in (row for row in rows if row["article"] in held):
        own = row["passages"][0]["text"]
        others = [p for p in paragraphs[row["article"]] if p != own]
        others.sort(key=lambda p: -shared_words(row["question"], p))
        scored.append(_best(model, row, [own, *others[: CANDIDATES - 1]]))
        if row["answerable"] and others:
            scored.append(_best(model, row, others[:CANDIDATES]))
    return scored


def made_pairs(count: int, seed: int) -> list[Pair]:
    """Return ``count`` questions about random tables, and as many about rules that training is kept from."""
    return [*table_pairs(count, random.Random(seed)), *policy_pairs(count, random.Random(seed), held_out=True)]


def score_made(model: EvidenceModel, pairs: Sequence[Pair]) -> list[Scored]:
    """Score questions that come with a passage of their own likewise."""
    scored = []
    for pair in pairs:
        found = model.weigh(pair.first, [(pair.heading, pair.passage)])[0]
        scored.append(Scored((found.answerable_logit, found.span_margin), bool(pair.answerable)))
    return scored


def score_relevance(model: EvidenceModel, pairs: Sequence[Pair]) -> list[Scored]:
    """Score pairs whose relevance is known: its log odds. Both kinds count alike, however many there are."""
    known = [(pair, pair.relevant) for pair in pairs if pair.relevant is not None]
    found = [model.weigh(pair.first, [(pair.heading, pair.passage)])[0].relevance for pair, _ in known]
    return _balanced([(_log_odds(p), right) for p, (_, right) in zip(found, known, strict=True)])


def score_claims(model: EvidenceModel, pairs: Sequence[Pair]) -> list[Scored]:
    """Score the claims of one set: the log odds of support. Both kinds count alike, as do sets of any size."""
    texts = [(p.first, f"{p.heading}\n{p.passage}" if p.heading else p.passage) for p in pairs]
    found: list[float] = []
    for low in range(0, len(texts), CLAIMS_AT_ONCE):
        found += model.support(texts[low : low + CLAIMS_AT_ONCE])
    return _balanced([(_log_odds(p), q.stance is Stance.SUPPORTED) for p, q in zip(found, pairs, strict=True)])


def _balanced(cases: Sequence[tuple[float, bool]]) -> list[Scored]:
    count = Counter(right for _, right in cases)
    return [Scored((score,), right, weight=100 / count[right]) for score, right in cases]


def _best(model: EvidenceModel, row: Row, candidates: Sequence[str]) -> Scored:
    found = model.weigh(row["question"], [(row["passages"][0]["title"], text) for text in candidates])
    place = max(range(len(found)), key=lambda i: found[i].span_margin)
    answers = row["answerable"] and any(a in candidates[place] for a in row["answers"])
    return Scored((found[place].answerable_logit, found[place].span_margin), bool(answers))


def _log_odds(probability: float) -> float:
    held = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(held / (1 - held))


def fit_logistic(cases: Sequence[Scored]) -> tuple[float, ...] | None:
    """Return the weight of each score and the bias, by Newton's method with a little ridge; None for one class only."""
    if len({case.right for case in cases}) < 2:
        return None
    features = torch.tensor([[*case.scores, 1.0] for case in cases], dtype=torch.float64)
    labels = torch.tensor([float(case.right) for case in cases], dtype=torch.float64)
    counts = torch.tensor([case.weight for case in cases], dtype=torch.float64)
    weights = torch.zeros(features.shape[1], dtype=torch.float64)
    ridge = 1e-3 * torch.eye(features.shape[1], dtype=torch.float64)
    for _ in range(50):
        p = torch.sigmoid(features @ weights)
        gradient = features.T @ (counts * (p - labels)) + ridge @ weights
        hessian = (features * (counts * p * (1 - p))[:, None]).T @ features + ridge
        weights = weights - torch.linalg.solve(hessian, gradient)
    return tuple(float(w) for w in weights)


def write_description(folder: Path, *, name: str, base_sha256: str, calibration: Calibration) -> None:
    """Write adapter.json: the adapter's name, the base it fits and its calibration."""
    about = {"name": name, "base_sha256": base_sha256, "calibration": asdict(calibration)}
    (folder / "adapter.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
