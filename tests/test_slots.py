"""A value goes into the question before only where its place is obvious."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.answering.slots import fill_slot


@pytest.mark.parametrize(
    ("follow_up", "question", "expected"),
    [
        ("And on dinner?", "How much may I spend on lunch?", "How much may I spend on dinner?"),
        ("And to Marrowby?", "How far is it from Oslo to Bergen?", "How far is it from Oslo to Marrowby?"),
        ("And for P2?", "How quickly is a P1 answered in Oslo?", "How quickly is a P2 answered in Oslo?"),
        (
            "What about part-time employees?",
            "How much leave do full-time employees have?",
            "How much leave do part-time employees have?",
        ),
    ],
)  # fmt: skip
def test_the_place_is_that_of_the_same_preposition_noun_or_kind(follow_up: str, question: str, expected: str) -> None:
    assert fill_slot(follow_up, question) == expected


@pytest.mark.parametrize(
    ("follow_up", "question"),
    [
        ("What about Italy?", "How far is Oslo from Bergen?"),
        ("What about dinner?", "How much may I spend on lunch?"),
        ("And do they expire?", "How many days of leave are there?"),
        ("And their names?", "Who are the managers?"),
        ("And 10?", "Who is the head of finance?"),
        ("What about the rules for guests who stay for more than one night?", "Who may stay at the lodge?"),
        ("And?", "Who may stay at the lodge?"),
    ],
)
def test_without_an_obvious_place_nothing_is_put_anywhere(follow_up: str, question: str) -> None:
    assert fill_slot(follow_up, question) is None


@given(st.text(max_size=40), st.text(max_size=60))
def test_any_text_can_be_tried(follow_up: str, question: str) -> None:
    filled = fill_slot(follow_up, question)
    assert filled is None or filled.endswith("?")
