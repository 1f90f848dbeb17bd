"""A confidence is judged by the share of answers that are right, and by what every threshold would give."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.evaluation.datasets import Question
from rag_app.evaluation.evaluate import Scored
from rag_app.evaluation.risk import (
    area_under,
    by_threshold,
    calibration_error,
    coverage_at,
    describe_confidence,
    judged_answers,
    reliability,
    risk_coverage,
)

JUDGED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)
OUTCOMES = st.lists(st.booleans(), min_size=1, max_size=60)


def scored(confidence: float | None, *, well: float | None, abstained: bool = False) -> Scored:
    """A scored question: unanswerable where ``well`` is None, impossible to ask where ``confidence`` is."""
    question = Question("q", "q", (), (), answerable=well is not None)
    ratios = {} if well is None else {"answered_well": (well, 1.0)}
    reply: dict[str, Any] | None = None if confidence is None else {"confidence": confidence, "abstained": abstained}
    return Scored(question, "ours", "open", 1.0, ratios, reply)


def test_only_answers_that_were_given_are_judged_and_those_to_the_unanswerable_are_wrong() -> None:
    rows = [scored(0.9, well=1.0), scored(0.8, well=0.0), scored(0.7, well=None), scored(None, well=1.0)]
    rows.append(scored(0.1, well=0.0, abstained=True))
    assert judged_answers(rows) == [(0.9, True), (0.8, False), (0.7, False)]


def test_bins_hold_the_mean_confidence_and_the_share_that_is_right() -> None:
    bins = reliability([(0.91, True), (0.99, False), (1.0, True), (0.05, False)])
    assert [(round(b.confidence, 3), round(b.right, 3), b.n) for b in bins] == [(0.05, 0.0, 1), (0.967, 0.667, 3)]
    assert calibration_error(bins) == pytest.approx((0.05 + 3 * 0.3) / 4)
    assert calibration_error([]) is None


def test_a_lower_threshold_answers_more_and_equal_confidences_stand_or_fall_together() -> None:
    points = risk_coverage([(0.9, True), (0.5, False), (0.5, True), (0.2, False)], 8)
    assert [(p.threshold, p.coverage, p.risk) for p in points] == [
        (0.9, 0.125, 0.0),
        (0.5, 0.375, pytest.approx(1 / 3)),
        (0.2, 0.5, 0.5),
    ]
    assert coverage_at(points, 0.1) == 0.125
    assert coverage_at(points, 0.35) == 0.375
    assert area_under(points) == pytest.approx((0.125 * 0 + 0.25 / 3 + 0.125 * 0.5) / 0.5)
    assert area_under([]) is None


@given(JUDGED)
def test_the_curve_grows_and_ends_with_every_answer(judged: list[tuple[float, bool]]) -> None:
    points = risk_coverage(judged, len(judged))
    assert [p.coverage for p in points] == sorted({p.coverage for p in points})
    assert points[-1].coverage == pytest.approx(1.0)
    assert points[-1].risk == pytest.approx(sum(not right for _, right in judged) / len(judged))


@given(OUTCOMES)
def test_the_better_a_confidence_orders_the_less_area_there_is(outcomes: list[bool]) -> None:
    def area(order: list[bool]) -> float:
        found = area_under(risk_coverage([(1 - i / 100, right) for i, right in enumerate(order)], len(order)))
        assert found is not None
        return found

    best, worst = sorted(outcomes, reverse=True), sorted(outcomes)
    assert area(best) <= area(outcomes) + 1e-9
    assert area(outcomes) <= area(worst) + 1e-9


def test_the_description_marks_the_point_at_the_threshold() -> None:
    rows = [scored(0.9, well=1.0), scored(0.6, well=0.0), scored(0.2, well=1.0), scored(0.1, well=None)]
    described = describe_confidence(rows, 0.5)
    assert described["at_threshold"] == {"coverage": 0.5, "risk": 0.5}
    assert (described["n"], described["answers"]) == (4, 4)
    assert describe_confidence([], 0.5)["at_threshold"] is None


def test_each_threshold_counts_what_is_shown_wrong_and_answered() -> None:
    rows = [scored(0.9, well=1.0), scored(0.5, well=0.0), scored(0.3, well=None), scored(None, well=1.0)]
    points = by_threshold(rows, steps=2)
    assert [(p["threshold"], p["shown"], p["wrong"], p["answered"], p["answerable"]) for p in points] == [
        (0.0, 3, 2, 2, 3),
        (0.5, 2, 1, 2, 3),
        (1.0, 0, 0, 0, 3),
    ]
