"""What a confidence is worth: is it the share of answers that are right, and does it tell right from wrong?

Both are read off answers that were given however low their confidence, so that every threshold can be judged from
one run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rag_app.evaluation.evaluate import Scored

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like confidence: its mean, the share of them that is right, and how many they are."""

    confidence: float
    right: float
    n: int


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold gives: the share of all questions that are answered, and the share of answers that are wrong."""

    threshold: float
    coverage: float
    risk: float


def judged_answers(scored: Sequence[Scored]) -> list[tuple[float, bool]]:
    """Return (confidence, whether it is right) of every answer that was given.

    An answer is right if the question is answerable and it was answered well: it contains a gold answer or has an F1
    of at least a half with one.
    """
    return [
        (float(row.reply["confidence"]), row.ratios.get("answered_well", (0.0, 1.0))[0] > 0)
        for row in _answered(scored)
        if row.reply is not None
    ]


def _answered(scored: Sequence[Scored]) -> list[Scored]:
    return [row for row in scored if row.reply is not None and not row.reply["abstained"]]


def judged_signals(scored: Sequence[Scored]) -> list[tuple[dict[str, float], bool]]:
    """Return (signals, whether it is right) of every answer that was given; see ``judged_answers``."""
    return [
        (dict(row.reply["signals"]), right)
        for row, (_, right) in zip(_answered(scored), judged_answers(scored), strict=True)
        if row.reply is not None
    ]


def reliability(judged: Sequence[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Return the answers in bins of equal width, lowest first; empty bins are left out."""
    groups: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in judged:
        groups.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, right))
    return [
        Bin(sum(c for c, _ in rows) / len(rows), sum(r for _, r in rows) / len(rows), len(rows))
        for _, rows in sorted(groups.items())
    ]


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error (Naeini, Cooper and Hauskrecht 2015): the mean gap, by size of bin."""
    total = sum(b.n for b in bins)
    return sum(b.n * abs(b.confidence - b.right) for b in bins) / total if total else None


def risk_coverage(judged: Sequence[tuple[float, bool]], questions: int) -> list[Point]:
    """Return what every threshold gives, highest first. Answers of equal confidence are given or withheld together."""
    points, shown, wrong = [], 0, 0
    for confidence, rows in groupby(sorted(judged, key=lambda row: -row[0]), key=lambda row: row[0]):
        outcomes = [right for _, right in rows]
        shown += len(outcomes)
        wrong += outcomes.count(False)
        points.append(Point(confidence, shown / questions, wrong / shown))
    return points


def area_under(points: Sequence[Point]) -> float | None:
    """Return the mean risk over all coverages that were reached (AURC; Geifman and El-Yaniv 2017): lower is better."""
    if not points:
        return None
    before = [0.0, *(p.coverage for p in points)]
    area = sum(p.risk * (p.coverage - low) for p, low in zip(points, before, strict=False))
    return area / points[-1].coverage


def coverage_at(points: Sequence[Point], risk: float) -> float:
    """Return the largest share of questions that can be answered with at most this share of wrong answers."""
    return max((p.coverage for p in points if p.risk <= risk), default=0.0)


def by_threshold(scored: Sequence[Scored], steps: int = 20) -> list[dict[str, Any]]:
    """Return what thresholds from 0 to 1 give, from the run of a system that answers however low its confidence.

    Each is counted: the answers ``shown``, those of them that are ``wrong``, and of the ``answerable`` questions those
    that are ``answered``, rightly or not.
    """
    given = list(zip(_answered(scored), judged_answers(scored), strict=True))
    answerable = sum(row.question.answerable for row in scored)
    points = []
    for step in range(steps + 1):
        shown = [(row.question.answerable, right) for row, (confidence, right) in given if confidence >= step / steps]
        points.append(
            {
                "threshold": round(step / steps, 4),
                "shown": len(shown),
                "wrong": sum(not right for _, right in shown),
                "answerable": answerable,
                "answered": sum(could for could, _ in shown),
            }
        )
    return points


def describe_confidence(scored: Sequence[Scored], threshold: float) -> dict[str, Any]:
    """Return all of this of one system's run without a threshold, with the point at ``threshold`` marked."""
    judged = judged_answers(scored)
    bins, points = reliability(judged), risk_coverage(judged, max(len(scored), 1))
    reached = [p for p in points if p.threshold >= threshold]
    return {
        "n": len(scored),
        "answers": len(judged),
        "ece": calibration_error(bins),
        "aurc": area_under(points),
        "coverage_at_risk": {str(risk): coverage_at(points, risk) for risk in (0.05, 0.1, 0.2)},
        "threshold": threshold,
        "at_threshold": {"coverage": reached[-1].coverage, "risk": reached[-1].risk} if reached else None,
        "bins": [{"confidence": b.confidence, "right": b.right, "n": b.n} for b in bins],
        "points": [{"threshold": p.threshold, "coverage": p.coverage, "risk": p.risk} for p in points],
    }
