"""Questions that look answerable and are not: what their writer learns from, and which of its questions are kept."""

import pytest

from rag_app.training.unanswerable import likeness, sample_rows, unanswerable_rows, writing_examples
from tests.tiny_training import TOWNS, reading_rows


def test_the_writer_learns_from_the_likest_answerable_question_of_the_same_passage() -> None:
    examples = writing_examples(reading_rows())
    # The last two articles are kept out of training.
    assert len(examples) == len(TOWNS) - 2
    for town, example in zip(TOWNS, examples, strict=False):
        assert example.completion == f"When was the library of {town} burned?"
        assert example.messages[-1].content.startswith(f"Passage: The library of {town} was opened in ")
        assert example.messages[-1].content.endswith(f"\nQuestion: When was the library of {town} opened?")


def test_an_unanswerable_question_that_is_like_no_other_is_not_learned_from() -> None:
    rows = [row if row["answerable"] else row | {"question": "Why?"} for row in reading_rows()]
    assert writing_examples(rows) == []


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("When was the library of Alba closed?\nAnd more.", "When was the library of Alba closed?"),
        ("When was the library of Alba closed", None),
        ("Who opened the library of Alba?", None),
        ("opened was the library, when, of Alba?", None),
        ("What do bees eat in summer?", None),
        ("", None),
    ],
    ids=["like the real one", "no question", "another real one", "the same words", "nothing in common", "nothing"],
)
def test_a_written_question_is_kept_if_it_is_a_new_one_like_the_real_one(written: str, kept: str | None) -> None:
    real, other, _ = reading_rows()[:3]
    found = list(unanswerable_rows([real, other], [written, "nonsense"]))
    assert [row["question"] for row in found] == ([kept] if kept else [])
    for row in found:
        assert row["id"] == "Alba0-unanswerable"
        assert (row["passages"], row["answers"], row["answerable"]) == (real["passages"], [], False)
        assert row["article"] == "Alba"


def test_a_written_question_that_repeats_one_that_was_not_to_be_changed_is_left_out() -> None:
    real, other, _ = reading_rows()[:3]
    assert list(unanswerable_rows([real], ["Who opened the library of Alba?"]))
    assert list(unanswerable_rows([real], ["Who opened the library of Alba?"], known=[other])) == []


def test_likeness_counts_shared_words() -> None:
    assert likeness("When was it built?", "when WAS it sold") == 3 / 5
    assert likeness("", "") == 0


def test_rows_are_drawn_by_the_seed_in_their_order() -> None:
    rows = reading_rows()
    drawn = sample_rows(rows, 6, 1)
    assert drawn == sorted(drawn, key=rows.index)
    assert len(drawn) == 6
    assert sample_rows(rows, 6, 1) == drawn != sample_rows(rows, 6, 2)
    assert sample_rows(rows, 10_000, 1) == rows
