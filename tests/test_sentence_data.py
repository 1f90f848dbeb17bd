"""Full sentences to be taught: what is composed says the answer, and nothing that the evidence does not say."""

from dataclasses import replace

import pytest

from rag_app.training.sentence_data import compose_sentence, is_fit, sentence_with, state_by_rule
from rag_app.training.sentence_writing import EXAMPLES, INSTRUCTION, Order, sentence_orders, writing_prompt
from tests.tiny_training import reading_rows

QUESTION, ANSWER = "When does the library open on Tuesdays?", "9:00"
EVIDENCE = "On Tuesdays the library, which Anna Berg runs, does not close before 18:00 and opens at 9:00."


def test_a_sentence_that_says_the_answer_in_the_words_of_the_evidence_is_fit() -> None:
    assert is_fit("On Tuesdays the library does not open before 9:00.", QUESTION, ANSWER, EVIDENCE)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("lacks the answer", "The library does not open early on Tuesdays."),
        ("has another number", "The library does not open on Tuesdays at 9:00 but at 8:00."),
        ("has a word of its own", "The magnificent library does not open before 9:00 on Tuesdays, surprisingly."),
        ("has another name", "Clara Holm does not open the library before 9:00 on Tuesdays."),
        ("lacks the negation", "The library opens at 9:00 on Tuesdays."),
        ("is about itself", "The short answer is that the library does not open before 9:00 on Tuesdays."),
        ("has no end", "On Tuesdays the library does not open before 9:00"),
        ("is two sentences", "The library does not close before 18:00. It opens at 9:00 on Tuesdays."),
        ("is too short", "Not before 9:00."),
        ("says nothing of what was asked", "It does not close before 9:00, which Anna runs."),
    ],
)
def test_a_sentence_is_not_fit_if_it(fault: str, sentence: str) -> None:
    assert not is_fit(sentence, QUESTION, ANSWER, EVIDENCE), fault


def test_the_written_sentence_goes_before_the_rule_and_that_before_the_quote() -> None:
    question, evidence = "What is the capital of Norway?", "Oslo is the capital of Norway, and its seat of government."
    written = "oslo is the capital of Norway."
    assert compose_sentence(question, "Oslo", evidence, written) == "Oslo is the capital of Norway."
    assert compose_sentence(question, "Oslo", evidence, "Bergen is it.") == "The capital of Norway is Oslo."
    assert compose_sentence("Where do I go?", "Oslo", evidence, None) == evidence
    assert compose_sentence("Where do I go?", "Oslo", f"{evidence} " * 20, None) is None


@pytest.mark.parametrize(
    ("question", "stated"),
    [
        ("What is the capital of Norway?", "The capital of Norway is Oslo."),
        ("who was the first of the guests?", "The first of the guests was Oslo."),
        ("What is the town that it was named by?", None),
        ("When was it built?", None),
    ],
)
def test_the_rule_states_plain_questions_only(question: str, stated: str | None) -> None:
    assert state_by_rule(question, "Oslo") == stated


def test_the_sentences_that_a_span_touches_are_taken_whole() -> None:
    text = "One is here. Two is there. Three is gone."
    assert sentence_with(text, (13, 16)) == "Two is there."
    assert sentence_with(text, (5, 16)) == "One is here. Two is there."


def test_a_sentence_is_asked_for_as_the_examples_show() -> None:
    order = Order("1", "Who?", "Anna", "Anna did it.", "House")
    system, *turns, asked = writing_prompt(order)
    assert system.content == INSTRUCTION
    assert [turn.role for turn in turns] == ["user", "assistant"] * 3
    assert turns[1].content == EXAMPLES[0][3]
    assert asked.content == "Text: House: Anna did it.\nQuestion: Who?\nShort answer: Anna"
    assert writing_prompt(replace(order, title=""))[-1].content.startswith("Text: Anna did it.\n")


def test_only_answerable_rows_with_an_id_and_a_short_answer_are_written_about() -> None:
    rows = reading_rows()[:3]
    answerable, other, unanswerable = rows
    long = answerable | {"passages": [{"title": "", "text": f"In 1901 {'very ' * 120}old."}]}
    nameless = {name: value for name, value in other.items() if name != "id"}
    orders = list(sentence_orders([answerable, unanswerable, long, nameless]))
    assert [(order.id, order.answer) for order in orders] == [("Alba0", "1901")]
    assert orders[0].evidence == "The library of Alba was opened in 1901 by Anna Berg."
