"""Measure the check of claims: is what a passage supports told from what it does not?

A claim is judged as the sentences of an answer are: against every sentence of its passages and every two neighbours,
each with its title, and here against each whole passage as well, since a claim of a public set may rest on all of it.
The best of these scores is the claim's. The literal checks of numbers and names that an answer's sentence must also
pass are not part of this.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from rag_app.answering.grounding import SupportModel
from rag_app.answering.sentences import split_sentences
from rag_app.errors import DataError
from rag_app.evaluation.scoring import percentile
from rag_app.json_lines import read_json_lines

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, the (title, text) passages that it is held against, and whether they support it."""

    id: str
    text: str
    passages: tuple[tuple[str, str], ...]
    supported: bool


def read_claims(file: Path, *, limit: int | None = None, seed: int = 0, split: str | None = None) -> list[Claim]:
    """Read claims, or a random sample of ``limit`` of them.

    Raises:
        DataError: the file is missing or not in its format, or one of the two classes is missing.
    """
    claims = []
    for number, row in read_json_lines(file):
        if split is not None and row.get("split") != split:
            continue
        try:
            passages = tuple((str(p.get("title") or ""), str(p["text"])) for p in row["passages"])
            claims.append(Claim(str(row["id"]), str(row["question"]), passages, _truth(row["supported"])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{file}, line {number}: {error}. A line is an object with id, question (the claim), passages "
                f"[{{title, text}}] and supported (true or false)."
            ) from error
    if limit is not None and limit < len(claims):
        chosen = sorted(random.Random(seed).sample(range(len(claims)), limit))
        claims = [claims[i] for i in chosen]
    if len({c.supported for c in claims}) < 2:
        raise DataError(f"{file} must hold claims that are supported and claims that are not; take more rows.")
    return claims


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"supported is {value!r}")  # noqa: TRY004 - bad data, not misuse
    return value


def evidence_texts(passages: Sequence[tuple[str, str]]) -> list[str]:
    """Return what a claim is held against: sentences, pairs of neighbours and whole passages, each with its title."""
    texts = []
    for title, text in passages:
        spans = split_sentences(text)
        windows = [text[low:high] for low, high in spans]
        windows += [text[a[0] : b[1]] for a, b in pairwise(spans)]
        texts += [f"{title}: {w}" if title else w for w in dict.fromkeys([*windows, text.strip()]) if w]
    return texts


def score_claim(claim: Claim, model: SupportModel) -> float:
    """Return the probability that some of the evidence supports the claim; 0 where there is no evidence."""
    return max(model.support([(claim.text, text) for text in evidence_texts(claim.passages)]), default=0.0)


def run_claims(
    claims: Sequence[Claim],
    model: SupportModel,
    *,
    threshold: float,
    seed: int = 0,
    on_claim: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Judge every claim and return the figures, with 95 % bootstrap intervals over claims."""
    scores = []
    for claim in claims:
        scores.append(score_claim(claim, model))
        on_claim()
    truth, values = np.array([c.supported for c in claims]), np.array(scores)
    figures = figures_of(truth, values, threshold)
    drawn: dict[str, list[float]] = {name: [] for name in figures}
    choose = np.random.default_rng(seed)
    for _ in range(RESAMPLES):
        rows = choose.integers(0, len(truth), size=len(truth))
        if truth[rows].any() and not truth[rows].all():
            for name, value in figures_of(truth[rows], values[rows], threshold).items():
                drawn[name].append(value)
    return {
        "n": len(claims),
        "supported": int(truth.sum()),
        "unsupported": int((~truth).sum()),
        "seed": seed,
        "threshold": threshold,
        **figures,
        "intervals_95": {name: (percentile(v, 2.5), percentile(v, 97.5)) for name, v in drawn.items()},
    }


def figures_of(truth: NDArray[np.bool_], scores: NDArray[np.float64], threshold: float) -> dict[str, float]:
    """Return balanced accuracy at the threshold with its two halves, and AUROC; both classes must be there."""
    called = scores >= threshold
    return {
        "balanced_accuracy": float(balanced_accuracy_score(truth, called)),
        "supported_found": float(called[truth].mean()),
        "unsupported_refused": float((~called[~truth]).mean()),
        "auroc": float(roc_auc_score(truth, scores)),
    }
