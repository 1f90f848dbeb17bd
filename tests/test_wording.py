"""The literal checks catch what a small language model changes when it invents."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag_app.answering.wording import (
    cells_agree,
    content_stems,
    coverage,
    invented_words,
    measures_agree,
    names_agree,
    negation_agrees,
    numbers_agree,
    opposites_agree,
    stem,
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


def test_the_first_word_of_a_sentence_is_a_name_where_the_question_names_it() -> None:
    question, evidence = "What is the per diem for Sweden?", "Country: Norway; Per diem: 54 EUR"
    assert not names_agree("Sweden's per diem is 54 EUR.", evidence, question=question)
    assert names_agree("Norway's per diem is 54 EUR.", evidence, question="What is the per diem for Norway?")


def test_a_measure_agrees_with_the_same_number_in_its_unit_or_in_none() -> None:
    assert measures_agree("It lasts 3 days.", "Days: 3")
    assert measures_agree("It lasts 3 days.", "It lasts three days.")
    assert not measures_agree("It lasts 3 days.", "It lasts 3 weeks.")
    assert measures_agree("See room 3.", "See the room.")


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("Hand claims in after 5 March.", "Claims must be handed in before 5 March."),
        ("Give at least 10 days of notice.", "Up to 10 days of notice are asked for."),
        ("At most 3 people may enter.", "At least 3 people may enter."),
        ("The maximum is 40.", "The minimum is 40."),
        ("Visitors must sign in.", "Visitors may sign in."),
    ],
)
def test_an_opposite_does_not_agree(claim: str, evidence: str) -> None:
    assert not opposites_agree(claim, evidence)
    assert opposites_agree(claim, f"{claim} {evidence}")
    assert opposites_agree(claim, "Nothing of the kind.")


def test_only_agrees_with_only() -> None:
    assert not opposites_agree("Only managers approve travel.", "Managers and team leads approve travel.")
    assert opposites_agree("Only managers approve travel.", "Travel is approved by managers only.")
    # Who reads that dogs are allowed in the yard takes them elsewhere, too.
    assert not opposites_agree("Dogs are allowed in the yard.", "Dogs are allowed only in the yard.")


def test_a_number_agrees_with_a_cell_only_under_its_label() -> None:
    row = "Country: Norway; Per diem: 54 EUR; Hotel: 190 EUR"
    assert cells_agree("The per diem for Norway is 54 EUR.", row)
    assert not cells_agree("The per diem for Norway is 190 EUR.", row)
    assert not cells_agree("The hotel limit for Norway is 54 EUR.", row)
    assert cells_agree("It costs 54 EUR.", "Price: 54 EUR")
    assert cells_agree("It costs 54 EUR.", "It costs 54 EUR; that is all.")


@pytest.mark.parametrize("claim", ["Food is not allowed.", "Food isn't allowed.", "Food isn’t allowed."])
def test_a_negation_on_one_side_only_does_not_agree(claim: str) -> None:
    assert not negation_agrees(claim, "Food is allowed.")
    assert negation_agrees(claim, "Food is never allowed.")


def test_coverage_counts_content_words_by_their_stems() -> None:
    assert coverage("Employees are carrying days over", "an employee carries a day") == 1.0
    assert coverage("wifi password", "the wifi name") == 0.5
    assert coverage("the of and", "nothing") == 1.0
    assert content_stems("the days") == content_stems("a day")


def test_a_word_that_stands_nowhere_is_invented_unless_any_sentence_may_need_it() -> None:
    known = "The nurse is in Bergen on Fridays. When is the nurse there?"
    assert invented_words("The warden is in Bergen on Fridays.", known) == {"warden"}
    assert invented_words("The nurse can be called in Bergen on Fridays.", known) == frozenset()


def test_several_threads_may_ask_for_stems_at_once() -> None:
    words = [f"{beginning}{ending}" for beginning in ("walk", "relat", "run") for ending in ("ing", "ional", "s", "ed")]
    alone = {word: stem(word) for word in words}
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda word: (word, stem.__wrapped__(word)), words * 200))
    finally:
        sys.setswitchinterval(interval)
    assert all(alone[word] == stemmed for word, stemmed in found)
