"""What a question names and a passage lacks counts against the passage."""

import pytest

from rag_app.answering.confidence import passage_confidence

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


def test_certainty_either_way_stays() -> None:
    assert passage_confidence(0.0, "Sweden 5?", TABLE) == 0.0
    assert passage_confidence(1.0, "What of Sweden 5?", TABLE) == 1.0


def test_more_missing_names_than_three_make_no_difference() -> None:
    three = passage_confidence(0.9, "is it Ada, Bob, Cid?", "nothing")
    five = passage_confidence(0.9, "is it Ada, Bob, Cid, Dag, Eva?", "nothing")
    assert three == five
