"""Follow-up questions are joined to what they lean on, and only then."""

from rag_app.answering.conversation import needs_history
from rag_app.answering.rewriting import standalone_question
from rag_app.records import Message

HISTORY = [
    Message("user", "How many days of annual leave do employees have?"),
    Message("assistant", "25 days."),
    Message("user", "And do they expire?"),
    Message("assistant", "Yes, on 31 March."),
]


def test_a_question_that_stands_alone_is_left_alone() -> None:
    question = "Where is the Tromsø office located in the city?"
    assert standalone_question(question, HISTORY) == question


def test_a_follow_up_is_joined_to_the_last_question_that_stood_alone() -> None:
    expected = "How many days of annual leave do employees have? Can they be sold back to the company?"
    assert standalone_question("Can they be sold back to the company?", HISTORY) == expected


def test_without_a_history_nothing_is_added() -> None:
    assert standalone_question("And then?", []) == "And then?"


def test_short_and_pronominal_questions_need_the_history() -> None:
    assert needs_history("Since when?")
    assert needs_history("Who approved it before the summer break?")
    assert not needs_history("Who approves overtime in the laboratory?")
