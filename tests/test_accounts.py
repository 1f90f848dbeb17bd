"""A question how or why is answered with all that a passage says of it, any other with its one sentence."""

from collections.abc import Sequence

import pytest

from rag_app.answering.accounts import MOST_CHARACTERS, MOST_SENTENCES, account_around, asks_account
from rag_app.answering.assistant import ALL_PARTS, Assistant, Limits
from rag_app.answering.parts import Parts
from rag_app.models.evidence import Evidence
from rag_app.records import Answer, Passage
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages

RETURNS = (
    "Goods\n\nThe shop opens at nine. Goods may be returned within 30 days. "
    "After 14 days the returned goods cost a fee. Cut cables are no returned goods. Parking is free on Sundays."
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How do I return goods?", True),
        ("I lost my badge, how can I get a new one?", True),
        ("Why was the bridge closed?", True),
        ("What should I do if the alarm rings?", True),
        ("What happens to unused leave?", True),
        ("Explain the bonus.", True),
        ("What ratings are there in the review?", True),
        ("Who are the members of the board?", True),
        ("Which steps lead to a new contract?", True),
        ("How many days of leave are there?", False),
        ("How much does the hotel cost?", False),
        ("How long is the warranty?", False),
        ("When does the shop open?", False),
        ("Who approves overtime?", False),
        ("What is the per diem for Norway?", False),
        ("Is parking free?", False),
        ("Which date does the new policy take effect?", False),
        ("What per diem does the travel policy allow in Norway?", False),
    ],
)
def test_an_account_is_asked_for_by_the_form_of_the_question(question: str, expected: bool) -> None:
    assert asks_account(question) is expected


class Relevant:
    """Finds relevant what has a word in it."""

    def __init__(self, word: str) -> None:
        self.word = word

    def weigh(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Evidence]:
        return [Evidence(0.5, (), 0.0, 0.0, relevance=0.9 if self.word in text else 0.1) for _, text in passages]


def told(passage: Passage, answer: str, relevant: str = "eturn") -> list[str]:
    start = passage.chunk.text.index(answer)
    windows = account_around("How do I return goods?", passage, (start, start + len(answer)), Relevant(relevant))
    assert all(w.text == passage.chunk.text[w.start - passage.chunk.start :][: len(w.text)] for w in windows)
    return [window.text for window in windows]


def test_an_account_is_the_run_of_sentences_about_the_question_around_the_answer() -> None:
    (passage,) = make_passages(RETURNS)
    assert told(passage, "14 days") == [
        "Goods may be returned within 30 days.",
        "After 14 days the returned goods cost a fee.",
        "Cut cables are no returned goods.",
    ]
    assert told(passage, "14 days", "nothing") == ["After 14 days the returned goods cost a fee."]


def test_a_sentence_between_two_that_matter_is_told_and_a_heading_never() -> None:
    (passage,) = make_passages("Handbook\n\nReturn goods early. Ask Ann first. Then return them. Done.")
    assert told(passage, "early") == ["Return goods early.", "Ask Ann first.", "Then return them."]
    assert told(passage, "Handbook") == []


def test_a_list_is_told_with_its_items_and_an_account_has_its_bounds() -> None:
    (listed,) = make_passages("Goods are returned in these ways:\n\n- by post\n- by van\n- in person")
    assert told(listed, "Goods are") == ["Goods are returned in these ways:", "- by post", "- by van", "- in person"]
    (long,) = make_passages(" ".join(f"Return number {n} at once." for n in range(40)))
    assert len(told(long, "number 20")) == MOST_SENTENCES
    (wordy,) = make_passages(" ".join(f"Return {'w' * 300} {n}." for n in range(9)))
    assert sum(map(len, told(wordy, " 4."))) <= MOST_CHARACTERS


def ask(question: str, *lines: str, parts: Parts = ALL_PARTS) -> Answer:
    generator = ScriptedGenerator(*lines) if lines else None
    library = ListLibrary(make_passages(RETURNS, title="Shop"))
    limits = Limits(threshold=0.1)
    assistant = Assistant(
        library, FakeEmbedder(), evidence=WordEvidence(), generator=generator, limits=limits, parts=parts
    )
    return assistant.ask(question).answer


def test_an_account_is_quoted_in_its_order_each_sentence_with_its_own_citation() -> None:
    answer = ask("How are returned goods treated?")
    assert [s.text for s in answer.sentences] == [
        "Goods may be returned within 30 days.",
        "After 14 days the returned goods cost a fee.",
        "Cut cables are no returned goods.",
    ]
    assert [c.quote for c in answer.citations] == [s.text for s in answer.sentences]
    assert {s.status for s in answer.sentences} == {"quoted"}
    assert len(ask("How are returned goods treated?", parts=Parts(accounts=False)).sentences) == 1
    assert len(ask("Which returned goods cost a fee?").sentences) == 1


def test_what_the_generator_has_said_is_not_quoted_again() -> None:
    answer = ask("How are returned goods treated?", "30 days\nGoods may be returned within 30 days.")
    assert [(s.text, s.status) for s in answer.sentences] == [
        ("Goods may be returned within 30 days.", "supported"),
        ("After 14 days the returned goods cost a fee.", "quoted"),
        ("Cut cables are no returned goods.", "quoted"),
    ]


def test_an_account_that_begins_before_the_answer_is_told_in_the_order_of_the_text() -> None:
    answer = ask("How are returned goods treated?", "a fee\nAfter 14 days the returned goods cost a fee.")
    assert [(s.text, s.status) for s in answer.sentences] == [
        ("Goods may be returned within 30 days.", "quoted"),
        ("After 14 days the returned goods cost a fee.", "quoted"),
        ("Cut cables are no returned goods.", "quoted"),
    ]
