"""Questions are made of sentences by rules, and none is made where no rule fits whole."""

import pytest

from rag_app.answering.suggesting import question_of, questions_from, too_like


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Up to 6 unused days may be carried over into the next year.",
         "How many unused days may be carried over into the next year?"),
        ("Full-time employees have 27 days of annual leave in each calendar year, in addition to public holidays.",
         "How many days of annual leave do full-time employees have in each calendar year?"),
        ("You may buy up to 5 additional days a year, or sell up to 3 days.",
         "How many additional days a year may I buy?"),
        ("Probation lasts six months.", None),  # A name or not: nothing tells.
        ("The usual repair takes 5 working days.", "How long does the usual repair take?"),
        ("The Skerryhaven factory closes from 24 December to 1 January.", "When does the Skerryhaven factory close?"),
        ("Expenses must be claimed within 60 days.", "When must expenses be claimed?"),
        ("The certificate is valid until 14 June 2028.", "Until when is the certificate valid?"),
        ("Signing keys for firmware are kept in two hardware modules.", "Where are signing keys for firmware kept?"),
        ("A parking space in Marrowby costs 40 euros a month.", "How much does a parking space in Marrowby cost?"),
        ("The head of department approves purchases above 5,000 pounds.", "Who approves purchases above 5,000 pounds?"),
        ("If you are not satisfied, write to the owner.", "What should I do if I am not satisfied?"),
        ("If you fall ill on holiday and report it at once, the days are credited back.",
         "What happens if I fall ill on holiday?"),
    ],
)  # fmt: skip
def test_a_sentence_becomes_the_question_that_it_answers(sentence: str, question: str | None) -> None:
    assert question_of(sentence, "Employees; claims; expenses; probations.") == question


@pytest.mark.parametrize(
    "sentence",
    [
        "They must be taken by 31 March, otherwise they lapse.",
        "In Lindhafen the working week has 38 hours.",
        "Ask what changed in the last 24 hours.",
        "The limit is 105 pounds a night.",
        "Every document has one of four classes.",
        "Three hundred refugees were granted asylum at the court.",
        "If you choose to do so, we will forward it.",
        "<b>Up to 6 unused days</b> may be carried over.",
        "The heated version would cost 90,000 pounds more.",
        "Leave.",
    ],
)
def test_where_no_rule_fits_whole_nothing_is_asked(sentence: str) -> None:
    assert question_of(sentence) is None


def test_a_name_keeps_its_capital() -> None:
    sentence = "Brackwater employees have 27 days of annual leave."
    assert question_of(sentence, f"{sentence} Work at Brackwater is varied.") == (
        "How many days of annual leave do Brackwater employees have?"
    )


def test_the_questions_of_a_text_tell_where_their_sentences_stand() -> None:
    text = "Leave is granted.\n\nUp to 6 unused days may be carried over.\n\nThe canteen opens at 11:30 every day."
    found = list(questions_from(text))
    assert [made.question for made in found] == ["How many unused days may be carried over?",
                                                 "When does the canteen open?"]  # fmt: skip
    assert [text[made.start : made.end] for made in found] == [
        "Up to 6 unused days may be carried over.",
        "The canteen opens at 11:30 every day.",
    ]


def test_what_was_asked_in_other_words_is_recognised() -> None:
    asked = "How many unused days may one carry over into the following year?"
    assert too_like("How many unused days may be carried over?", asked)
    assert not too_like("When does the canteen open?", asked)
