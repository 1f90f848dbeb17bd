"""What small models drop or make up on the way from a passage to a sentence, and what is shown instead."""

import pytest

from rag_app.answering.assistant import SUPERSEDED_NOTE, Assistant, Limits
from rag_app.answering.grounding import lengthen_quote, quote_around
from rag_app.answering.weighing import asks_for_old
from rag_app.answering.wording import bounds_agree, numbers_agree, opposites_agree, quantities
from rag_app.answering.writing import goes_round
from rag_app.records import Answer
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages


def ask(question: str, passage: str, *lines: str, title: str = "Manual") -> Answer:
    library = ListLibrary(make_passages(passage, title=title))
    generator = ScriptedGenerator(*lines) if lines else None
    limits = Limits(threshold=0.1)
    return (
        Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=generator, limits=limits)
        .ask(question)
        .answer
    )


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("down to -25 °C", ["-25"]),
        ("down to \u221225 °C", ["-25"]),
        ("minus 5 degrees", ["-5"]),
        ("(-40 to 85 °C)", ["-40", "85"]),
        ("the OT-3 and the OT3-5", ["3", "5"]),
        ("5\u201310 days", ["5", "10"]),
        ("- 5 days", ["5"]),
        ("from 5 - 10", ["5", "10"]),
        ("xz -0", ["-0"]),
    ],
)
def test_a_minus_belongs_to_its_number(text: str, numbers: list[str]) -> None:
    found = [q.number for q in quantities(text)]
    assert [n for n in found if n in numbers] == numbers


def test_a_lost_minus_is_a_wrong_number_and_is_not_shown() -> None:
    assert not numbers_agree("It works down to 25 °C.", "It works down to -25 °C.")
    assert numbers_agree("It works down to -25 °C.", "It works down to \u221225 °C.")
    question = "What is the lowest temperature for the display?"
    source = "The lowest temperature for the display is -25 °C."
    answer = ask(question, source, "-25 °C\n-25 °C is the lowest temperature for the display.")
    assert [s.text for s in answer.sentences] == ["-25 °C is the lowest temperature for the display."]
    answer = ask(question, source, "-25 °C\n25 °C is the lowest temperature for the display.")
    assert [(s.text, s.status) for s in answer.sentences] == [(source, "quoted")]


@pytest.mark.parametrize("word", ["only", "unless", "except"])
def test_what_restricts_a_rule_may_not_be_dropped(word: str) -> None:
    whole = f"Dogs are allowed {word} in the yard."
    assert not opposites_agree("Dogs are allowed in the yard.", whole)
    assert opposites_agree(whole, whole)
    answer = ask("Where are dogs allowed?", whole, "in the yard\nDogs are allowed in the yard.")
    assert [(s.text, s.status) for s in answer.sentences] == [(whole, "quoted")]


@pytest.mark.parametrize(
    ("claim", "evidence", "agree"),
    [
        ("6 days may be carried over.", "Up to 6 days may be carried over.", False),
        ("Up to six days may be carried over.", "Up to 6 days may be carried over.", True),
        ("At most 6 days may be carried over.", "Up to 6 days may be carried over.", True),
        ("The maximum is 6 days.", "Up to 6 days may be carried over.", True),
        ("At least 6 days may be carried over.", "Up to 6 days may be carried over.", False),
        ("It takes 5 days.", "It takes at least 5 days.", False),
        ("It costs 20 euros.", "It costs about 20 euros.", False),
        ("It costs about 20 euros.", "It costs 20 euros.", False),
        ("No more than 6 days.", "Up to 6 days.", True),
        ("More than 6 days.", "Up to 6 days.", False),
        ("It takes 5 days.", "It takes 5 days, or at least 7 if posted.", True),
    ],
)
def test_what_bounds_a_number_stays_with_it(claim: str, evidence: str, agree: bool) -> None:
    assert bounds_agree(claim, evidence) is agree


@pytest.mark.parametrize(
    ("sentence", "round_"),
    [
        ("The 180 pounds is 180 pounds.", True),
        ("Profile dev build profile dev build profile dev build is set in the file of the workspace.", True),
        ("The warranty of the Heron 20 is two years, that of the Heron 40 three.", False),
        ("Employees have 27 days of annual leave in each calendar year.", False),
        ("The rules of the house and the rules of the yard are in the handbook of the house.", False),
    ],
)
def test_a_sentence_that_goes_round_is_told(sentence: str, round_: bool) -> None:
    assert goes_round(sentence) is round_


def test_a_sentence_that_goes_round_is_not_shown() -> None:
    source = "Express repair costs 180 pounds more."
    answer = ask("How much does express repair cost?", source, "180 pounds\nThe 180 pounds is 180 pounds.")
    assert [(s.text, s.status) for s in answer.sentences] == [(source, "quoted")]


def test_a_row_copied_in_halves_is_shown_whole() -> None:
    row = "Model: Otter 3; List price (GBP): 3460; Lead time (weeks): 5"
    answer = ask(
        "What is the list price of the Otter 3?", row, "3460\nOtter 3; list price (GBP): 3460; lead time (weeks): 5."
    )
    assert [(s.text, s.status) for s in answer.sentences] == [(row, "quoted")]


def test_what_sets_two_things_apart_is_quoted() -> None:
    source = "The Heron 20 measures to 20 metres and the Heron 40 to 40 metres."
    written = "40 metres\nThe difference between the Heron 20 and the Heron 40 is 40 metres."
    answer = ask("What is the difference between the Heron 20 and the Heron 40?", source, written)
    assert [s.status for s in answer.sentences] == ["quoted"]


def test_a_heading_is_not_what_the_generator_may_choose() -> None:
    source = "Parking\n\nVisitors park free of charge in the yard."
    answer = ask("Who parks free of charge?", source, "Parking\nParking is free of charge for visitors.")
    assert answer.short_answer != "Parking"


def test_a_quote_of_a_word_goes_on_to_the_next_sentence_of_its_paragraph() -> None:
    (passage,) = make_passages("Does it measure snow? No. It counts rain alone.\n\nOrders are taken by Ann.")
    low = passage.chunk.text.index("No.")
    assert lengthen_quote(quote_around(passage, (low, low + 3))).text == "No. It counts rain alone."
    (alone,) = make_passages("Snow is not measured by it. No.\n\nOrders are taken by Ann.")
    low = alone.chunk.text.index("No.")
    assert lengthen_quote(quote_around(alone, (low, low + 3))).text == "No."


def test_what_follows_a_colon_ends_with_its_paragraph_or_its_list() -> None:
    (passage,) = make_passages("Run this:\n\ncargo publish\n\nIt packs the crate. Then it uploads the crate.")
    assert quote_around(passage, (0, 8)).text == "Run this:\n\ncargo publish"
    (listed,) = make_passages("Bring these:\n\n- a pen\n- a map\n\nThe tour is long.")
    assert quote_around(listed, (0, 5)).text == "Bring these:\n\n- a pen\n- a map"


def test_a_superseded_document_says_so_when_it_answers_alone() -> None:
    source = "Passwords are changed every 90 days."
    answer = ask("How often are passwords changed?", source, title="Password rules 2021 (superseded)")
    assert answer.note == SUPERSEDED_NOTE
    assert answer.text.startswith(SUPERSEDED_NOTE)
    assert ask("How often are passwords changed?", source, title="Password rules").note is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What was the per diem for Norway?", True),
        ("How many days of leave were allowed?", True),
        ("What was allowed in the old rules?", True),
        ("What is the limit in the 2019 policy?", True),
        ("I was told that unused leave can be carried over, how many days is it?", False),
        ("What if I was ill?", False),
        ("What do I get if you were late?", False),
        ("How many days of leave are there in 2999?", False),
        ("Where can I park?", False),
    ],
)
def test_what_is_over_is_asked_for_by_its_words_or_its_year(question: str, expected: bool) -> None:
    assert asks_for_old(question) is expected
