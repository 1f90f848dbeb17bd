"""What a question names and a passage lacks counts against the passage."""

import pytest

from rag_app.answering.confidence import choose_span, is_of_another, may_answer, passage_confidence
from rag_app.answering.wording import fits_question
from rag_app.models.evidence import AnswerSpan, Evidence
from tests.fakes import make_passages

TABLE = "Travel policy\nCountry: Norway; Per diem: 85 EUR\nCountry: Denmark; Per diem: 80 EUR"


def test_a_name_that_the_table_lacks_lowers_the_confidence() -> None:
    norway = passage_confidence(0.8, "What is the per diem for Norway?", TABLE)
    sweden = passage_confidence(0.8, "What is the per diem for Sweden?", TABLE)
    assert norway == pytest.approx(0.8)
    assert sweden < 0.72


def test_a_number_that_the_passage_lacks_lowers_the_confidence_more() -> None:
    question = "How long is the warranty on the Heron 60?"
    text = "The warranty on the Heron 40 is five years."
    assert passage_confidence(0.8, question, text) < passage_confidence(0.8, "Who is Sven Heron?", text)


def test_what_is_said_of_one_month_hardly_answers_for_another() -> None:
    text = "The test in January 2026 restored the ledger in 5 hours. The next is due in July."
    question = "How long did the test in {} 2026 take?"
    assert passage_confidence(0.6, question.format("January"), text) == pytest.approx(0.6)
    assert passage_confidence(0.6, question.format("April"), text) < 0.2
    assert passage_confidence(0.6, "How long did it take in April?", "It took 5 hours in the spring.") > 0.4


def test_certainty_either_way_stays() -> None:
    assert passage_confidence(0.0, "Sweden 5?", TABLE) == 0.0
    assert passage_confidence(1.0, "What of Sweden 5?", TABLE) == 1.0


def test_more_missing_names_than_three_make_no_difference() -> None:
    three = passage_confidence(0.9, "is it Ada, Bob, Cid?", "nothing")
    five = passage_confidence(0.9, "is it Ada, Bob, Cid, Dag, Eva?", "nothing")
    assert three == five


def spans_of(text: str, *answers: str) -> Evidence:
    """Evidence whose spans are these answers, each a little better than the next."""
    spans = [AnswerSpan(text.index(a), text.index(a) + len(a), 3.0 - i) for i, a in enumerate(answers)]
    return Evidence(0.5, tuple(spans), 0.0, 3.0, relevance=0.5)


def test_the_row_that_shares_the_questions_words_is_chosen() -> None:
    text = "Country: Italy; Per diem: 48 EUR\nCountry: Norway; Per diem: 54 EUR"
    span = choose_span("What is the per diem for Norway?", make_passages(text)[0], spans_of(text, "48 EUR", "54 EUR"))
    assert span is not None
    assert text[span.start : span.end] == "54 EUR"


def test_an_amount_for_everybody_gives_way_to_that_of_the_place_that_is_asked_about() -> None:
    text = "Employees have 27 days of leave in a year, as a rule.\n\nThe office in Oslo has 30 from the first year on."
    evidence, passages = spans_of(text, "27", "30"), make_passages(text)
    asked = {"How many days of leave do employees in Oslo have?": "30", "How many days of leave are there?": "27"}
    asked["How many days of leave do employees have in Turin?"] = "27"
    for question, answer in asked.items():
        span = choose_span(question, passages[0], evidence)
        assert span is not None
        assert text[span.start : span.end] == answer
    assert is_of_another("How many days of leave are there in Oslo?", passages[0], evidence.spans[0])
    assert not is_of_another("Who opened the office in Oslo?", passages[0], evidence.spans[0])


def test_a_question_in_the_text_and_an_echo_of_the_question_are_passed_over() -> None:
    text = "How large may attachments be?\nAttachments may have up to 25 megabytes."
    question = "How large may attachments be?"
    evidence = spans_of(text, "How large", "Attachments", "25 megabytes")
    span = choose_span(question, make_passages(text)[0], evidence)
    assert span is not None
    assert text[span.start : span.end] == "25 megabytes"
    assert not may_answer(question, make_passages(text)[0], evidence.spans[0])
    assert choose_span(question, make_passages(text)[0], Evidence(0.0, (), 0.0, 0.0, relevance=0.0)) is None


@pytest.mark.parametrize(
    ("answer", "question", "fits"),
    [
        ("236", "How many people work here?", True),
        ("since 1 October 2025", "How many were sold?", False),
        ("the finance team", "How much is it?", False),
        ("four", "What percentage was rated outstanding?", False),
        ("4 percent", "What percentage was rated outstanding?", True),
        ("the data protection officer", "Who is our data protection officer?", False),
        ("Elin Brandvold", "Who is our data protection officer?", True),
        ("Up to 6", "Until when must the days be taken?", False),
        ("31 March", "Until when must the days be taken?", True),
        ("3 May", "Until when must the days be taken?", True),
        ("it may be", "Until when must the days be taken?", False),
        ("410 BC", "In what year was the castle built?", True),
        ("day 10", "By when must the course be done?", True),
        ("the Normans", "In what year was the castle built?", False),
        ("1066", "In what year was the castle built?", True),
        ("the end of the eleventh century", "In what year was the castle built?", True),
    ],
)
def test_an_answer_says_something_new_of_the_kind_that_was_asked(answer: str, question: str, fits: bool) -> None:
    assert fits_question(answer, question) == fits
