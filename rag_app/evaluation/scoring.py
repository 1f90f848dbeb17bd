"""Score answers: SQuAD's exact match and F1, containment, percentiles and bootstrap intervals."""

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower the case and drop punctuation, articles and spare blanks, as SQuAD's evaluation does."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """Return 1.0 if the prediction equals any of the answers once normalised."""
    return float(any(normalise(prediction) == normalise(a) for a in answers))


def f1(prediction: str, answers: Sequence[str]) -> float:
    """Return the best F1 of shared words between the prediction and any of the answers."""
    return max((_f1(normalise(prediction).split(), normalise(a).split()) for a in answers), default=0.0)


def contains(text: str, answers: Sequence[str]) -> float:
    """Return 1.0 if any of the answers stands, as whole words, in the text."""
    inside = f" {normalise(text)} "
    return float(any(normalise(a) and f" {normalise(a)} " in inside for a in answers))


def _f1(predicted: list[str], gold: list[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    shared = sum((Counter(predicted) & Counter(gold)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, or None of nothing."""
    return float(np.mean(values)) if len(values) else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which ``share`` percent of the values lie, or None of nothing."""
    return float(np.percentile(values, share)) if len(values) else None


def bootstrap_interval(
    numerators: Sequence[float], denominators: Sequence[float], *, seed: int, resamples: int = 2000
) -> tuple[float, float] | None:
    """Return the 95 % percentile-bootstrap interval of sum(numerators) / sum(denominators) over rows.

    A plain mean has denominators of 1; a share of citations has each row's number of citations.
    """
    top, bottom = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    if not len(top) or not bottom.sum():
        return None
    drawn = np.random.default_rng(seed).integers(0, len(top), size=(resamples, len(top)))
    totals = bottom[drawn].sum(axis=1)
    ratios = top[drawn].sum(axis=1)[totals > 0] / totals[totals > 0]
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(low), float(high)
