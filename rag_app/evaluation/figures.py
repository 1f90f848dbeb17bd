"""Turn scored answers into the figures of a report, each with a 95 % bootstrap interval over questions."""

from collections.abc import Mapping, Sequence
from typing import Any

from rag_app.evaluation.evaluate import Mode, Scored
from rag_app.evaluation.scoring import bootstrap_interval, mean, percentile

ANSWERABLE = (
    "exact_match", "f1", "contains", "answered_well", "abstained", "recall_at_1", "recall_at_5", "citation_precision",
)  # fmt: skip
OVERALL = ("unsupported_sentences", "answered", "false_answers")
"""``answered``: of all questions, the share that got an answer; ``false_answers``: of those answers, the share that
is wrong or to a question without one."""

SIDE_BY_SIDE = (
    ("contains the answer", "answerable", "contains"),
    ("answered well", "answerable", "answered_well"),
    ("F1, right silence being 1", "", "overall_f1"),
    ("declined, unanswerable", "unanswerable", "abstained"),
    ("declined, answerable", "answerable", "abstained"),
    ("false answers", "", "false_answers"),
    ("citation precision", "answerable", "citation_precision"),
    ("unsupported sentences", "", "unsupported_sentences"),
)
"""What systems are compared by: a heading, the group that a figure is in ("" for all questions), its name there."""


def report(dataset: str, mode: Mode, scored: Sequence[Scored], *, seed: int) -> dict[str, Any]:
    """Return the report of one system's run."""
    groups = {
        "answerable": [s for s in scored if s.question.answerable],
        "unanswerable": [s for s in scored if not s.question.answerable],
    }
    figures: dict[str, dict[str, Any]] = {}
    intervals: dict[str, Any] = {}
    for group, rows in groups.items():
        figures[group] = {"n": len(rows)}
        for name in ANSWERABLE if group == "answerable" else ("abstained",):
            figures[group][name], intervals[f"{group}.{name}"] = _figure(rows, name, seed)
    overall: dict[str, Any] = {}
    for name in OVERALL:
        overall[name], intervals[name] = _figure(scored, name, seed)
    # SQuAD 2.0's F1 over all: an unanswerable question scores 1 when nothing is answered.
    f1s = [s.ratios["f1"][0] if s.question.answerable else s.ratios["abstained"][0] for s in scored]
    intervals["overall_f1"] = bootstrap_interval(f1s, [1.0] * len(f1s), seed=seed)
    failures = [{"id": s.question.id, "reason": s.failure} for s in scored if s.failure is not None]
    latencies = [s.latency_ms for s in scored if s.failure is None]
    return {
        "dataset": dataset,
        "mode": mode,
        "system": scored[0].system if scored else None,
        "n": len(scored),
        "seed": seed,
        "models": next((s.reply["models"] for s in scored if s.reply), {}),
        **figures,
        "overall_f1": mean(f1s),
        **overall,
        "latency_ms": {"p50": percentile(latencies, 50), "p95": percentile(latencies, 95)},
        "failed": {"n": len(failures), "questions": failures},
        "intervals_95": intervals,
    }


def figure_of(report: Mapping[str, Any], group: str, name: str) -> tuple[float | None, Sequence[float] | None]:
    """Return a figure of a report and its interval; the group is "" for a figure over all questions."""
    holder = report[group] if group else report
    return holder[name], report["intervals_95"].get(f"{group}.{name}" if group else name)


def _figure(rows: Sequence[Scored], name: str, seed: int) -> tuple[float | None, tuple[float, float] | None]:
    pairs = [s.ratios[name] for s in rows if name in s.ratios]
    tops, bottoms = [p[0] for p in pairs], [p[1] for p in pairs]
    value = sum(tops) / sum(bottoms) if sum(bottoms) else None
    return value, bootstrap_interval(tops, bottoms, seed=seed)
