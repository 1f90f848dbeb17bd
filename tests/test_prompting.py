"""A prompt fits its budget: whole sources as long as they fit, then the best one, cut."""

from collections.abc import Sequence

from rag_app.answering.prompting import fitting_prompt
from rag_app.records import Message


def count_words(messages: Sequence[Message]) -> int:
    return sum(len(m.content.split()) for m in messages)


def build(budget: int, *texts: str) -> list[Message]:
    return fitting_prompt("Where is the key?", texts, count_tokens=count_words, budget_tokens=budget)[1]


EMPTY = count_words(build(10_000))


def test_the_question_and_every_source_that_fits_are_in_the_prompt() -> None:
    count, messages = fitting_prompt(
        "Where is the key?",
        ["The key is here.", "The door is blue."],
        count_tokens=count_words,
        budget_tokens=10_000,
    )
    assert count == 2
    last = messages[-1].content
    assert "[1] The key is here.\n\n[2] The door is blue." in last
    assert last.startswith("Question: Where is the key?\n")
    assert last.endswith("\nQuestion: Where is the key?")


def test_the_last_sources_are_left_out_first() -> None:
    last = build(EMPTY + 8, "The key is here.", "The door is blue and very heavy.")[-1].content
    assert "The key is here." in last
    assert "blue" not in last


def test_a_source_that_does_not_fit_alone_is_cut_at_its_end() -> None:
    messages = build(EMPTY + 40, "The key is here. " + "word " * 1000)
    assert "The key is here." in messages[-1].content
    assert count_words(messages) <= EMPTY + 40
    assert count_words(build(EMPTY - 1, "The key is here.")) == EMPTY
