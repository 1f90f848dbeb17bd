"""The figures are SQuAD's, and the intervals hold what they should."""

import pytest

from rag_app.evaluation.scoring import (
    bootstrap_interval,
    contains,
    exact_match,
    f1,
    normalise,
    percentile,
)


def test_normalisation_drops_case_articles_and_punctuation() -> None:
    assert normalise("The  Cat, a dog!") == "cat dog"


def test_exact_match_takes_the_best_of_several_answers() -> None:
    assert exact_match("the 10 days.", ["ten days", "10 days"]) == 1.0
    assert exact_match("11 days", ["ten days", "10 days"]) == 0.0


def test_f1_counts_shared_words() -> None:
    assert f1("10 working days", ["10 days"]) == pytest.approx(0.8)
    assert f1("nothing", ["10 days"]) == 0.0
    assert f1("", ["10 days"]) == 0.0


def test_contains_needs_whole_words() -> None:
    assert contains("It takes 110 days", ["10 days"]) == 0.0
    assert contains("It takes 10 days.", ["10 days"]) == 1.0
    assert contains("anything", ["the"]) == 0.0


def test_the_interval_is_narrower_with_more_rows_and_holds_the_mean() -> None:
    few = bootstrap_interval([1.0, 0.0] * 10, [1.0] * 20, seed=1)
    many = bootstrap_interval([1.0, 0.0] * 500, [1.0] * 1000, seed=1)
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 0.5 < many[1] < few[1]


def test_a_ratio_without_a_denominator_has_no_interval() -> None:
    assert bootstrap_interval([0.0], [0.0], seed=1) is None
    assert bootstrap_interval([], [], seed=1) is None
    assert percentile([], 50) is None
