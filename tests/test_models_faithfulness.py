"""Which words a text may hold, given its sources."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.models.faithfulness import FUNCTION_WORDS, Faithful, Lexicon, allowed_words

SOURCES = "Ada Lindgren founded the library in 1923. It holds 1,200.50 EUR, opens at 9:30 and closes 10-12 % earlier."
COMMON = Lexicon(FUNCTION_WORDS | {"library"})


def permits(text: str, sources: str = SOURCES) -> bool:
    return Faithful(sources, COMMON).permits(text)


@pytest.mark.parametrize(
    "text",
    [
        "It opens at 9:30.",
        "Lindgren, Ada founded it.",
        "ADA did.",
        "The library. The end? In it! I do.",
        'He said: "The library',
        "any ordinary wording, however invented",
        "In 1923. [1] The",
        "[12] Some",
        "in 1923, 1923. 1923: 9:30",
    ],
)
def test_what_the_sources_hold_may_be_written_as_may_any_ordinary_word(text: str) -> None:
    assert permits(text)


@pytest.mark.parametrize(
    "text",
    [
        "in 1924 ",
        "in 192 ",
        "in 1923.5 ",
        "19231",
        "1923rd",
        "1923%",
        "by Frank ",
        "the Lib ",
        "Frank did",
        "the Or ",
        "seven books",
        "on Monday",
        "on monday ",
        "[1924",
        "[0] ",
        "[123]",
        "½ of",
        "٣ of",
        "iPhone",
        "covid19",
    ],
)
def test_a_number_date_or_name_that_the_sources_lack_may_not(text: str) -> None:
    assert not permits(text)


@pytest.mark.parametrize(("begun", "whole"), [("192", "1923"), ("Lind", "Lindgren"), ("9:", "9:30"), ("Th", "The")])
def test_what_is_allowed_may_grow_letter_by_letter_but_not_end_early(begun: str, whole: str) -> None:
    assert permits(begun) and permits(f"{whole} ")
    assert not permits(f"{begun} ")


@pytest.mark.parametrize(
    ("sources", "form"),
    [
        ("1,200 books", "1200"),
        ("1200 books", "1,200"),
        ("10 % of it", "10%"),
        ("10 percent", "10%"),
        ("10%", "10"),
        ("two days", "2"),
        ("2 days", "two"),
        ("the 3rd floor", "third"),
        ("the third floor", "3rd"),
        ("the 21st century", "21"),
        ("from 10 to 12 days", "10-12"),
        ("10–12 days", "12"),
        ("on 2024-01-05", "5"),
        ("at 09:00", "9"),
        ("at 10am", "10"),
        ("twenty-five days", "25"),
    ],
)
def test_a_number_may_take_another_form_of_the_same_value(sources: str, form: str) -> None:
    assert form in allowed_words(sources)


@pytest.mark.parametrize(("sources", "other"), [("10.5 km", "10"), ("9:30", "9"), ("1,200", "200"), ("12 km", "12%")])
def test_a_number_may_not_take_the_form_of_another_value(sources: str, other: str) -> None:
    assert other not in allowed_words(sources)


@given(st.text(max_size=60))
def test_any_text_is_faithful_to_itself(text: str) -> None:
    assert permits(text, text)


@given(st.text("aB1.,% 9-[]:\n", max_size=30), st.text("aB1.,% 9-[]:\n", max_size=15))
def test_a_faithful_text_was_so_all_along(sources: str, text: str) -> None:
    if permits(text, sources):
        assert all(permits(text[:end], sources) for end in range(len(text)))


@given(st.text("19.,:- a%", max_size=12), st.text("19.,:- a%", max_size=12))
def test_no_digits_are_faithful_to_sources_without_digits(text: str, sources: str) -> None:
    digits = re.search(r"\d", text)
    assert permits(text, re.sub(r"\d", "", sources)) is (digits is None)


def test_a_lexicon_finds_words_by_how_they_begin() -> None:
    lexicon = Lexicon(["ten", "tenant", "two"])
    assert lexicon.beginning_with("ten") == ["ten", "tenant"]
    assert (lexicon.has_beginning("tena"), lexicon.has_beginning("tens"), lexicon.has_beginning("")) == (
        True, False, True,
    )  # fmt: skip


def test_a_number_as_long_as_a_document_is_read_in_passing() -> None:
    # Trying every start to its end would take a quarter of an hour.
    digits = "1" * 200_000
    assert allowed_words(f"{digits} 10 to 12") == {digits, "10", "ten", "to", "12", "twelve", "10-12", "10–12"}
