"""The literal checks catch what a small language model changes when it invents."""

import pytest

from rag_app.answering.wording import (
    content_stems,
    coverage,
    names_agree,
    negation_agrees,
    numbers_agree,
)


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("You may carry over ten days.", "Up to 10 days may be carried over."),
        ("It costs 1200 EUR.", "The price is €1,200.00."),
        ("It starts at 9:00.", "Doors open at 09:00 and close at 17:30."),
        ("The rate is 15 percent.", "The rate is 15%."),
    ],
)
def test_the_same_number_written_otherwise_agrees(claim: str, evidence: str) -> None:
    assert numbers_agree(claim, evidence)


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("You may carry over 12 days.", "Up to 10 days may be carried over."),
        ("You may carry over 10 weeks.", "Up to 10 days may be carried over."),
        ("It costs $40.", "It costs €40."),
        ("It is due in 2024.", "It is due in 2025."),
    ],
)
def test_another_number_or_unit_does_not_agree(claim: str, evidence: str) -> None:
    assert not numbers_agree(claim, evidence)


def test_a_name_that_the_evidence_lacks_does_not_agree() -> None:
    assert names_agree("The head of finance is Anna Berg.", "Anna Berg, head of finance")
    assert not names_agree("The head of finance is Olav Berg.", "Anna Berg, head of finance")


def test_the_first_word_of_a_sentence_is_not_taken_for_a_name() -> None:
    assert names_agree("Visitors sign in.", "all visitors must sign in")
    assert names_agree("Guests sign in.", "people sign in")


@pytest.mark.parametrize("claim", ["Food is not allowed.", "Food isn't allowed.", "Food isn’t allowed."])
def test_a_negation_on_one_side_only_does_not_agree(claim: str) -> None:
    assert not negation_agrees(claim, "Food is allowed.")
    assert negation_agrees(claim, "Food is never allowed.")


def test_coverage_counts_content_words_by_their_stems() -> None:
    assert coverage("Employees are carrying days over", "an employee carries a day") == 1.0
    assert coverage("wifi password", "the wifi name") == 0.5
    assert coverage("the of and", "nothing") == 1.0
    assert content_stems("the days") == content_stems("a day")
