"""Two documents disagree when they say nearly the same of the same thing, but for the value."""

from dataclasses import replace

import pytest

from rag_app.answering.contradiction import DISAGREE, SUPERSEDED_DISAGREES, find_disagreement
from rag_app.answering.weighing import Weighed
from rag_app.models.evidence import AnswerSpan
from tests.fakes import make_passages

CARRY = "How many days of leave may be carried over?"


def weigh(answer: str, text: str, *, title: str = "Leave policy", name: str = "", confidence: float = 0.9) -> Weighed:
    """Return a passage, of a document of its own, that answers with these words."""
    passage = make_passages(text, title=title, names=[name or f"{title}.md"])[0]
    number = len(f"{title}{text}{name}") * 1000 + sum(map(ord, f"{title}{text}{name}"))
    low = text.index(answer)
    document = replace(passage.document, id=number)
    return Weighed(replace(passage, document=document), AnswerSpan(low, low + len(answer), 3.0), confidence, confidence)


def find(question: str, *weighed: Weighed) -> tuple[str, str] | None:
    """Return the titles of the newer and the older document that disagree."""
    found = find_disagreement(question, weighed, threshold=0.5)
    return (found.newer.passage.document.title, found.older.passage.document.title) if found else None


SIX = weigh("6", "Up to 6 days of leave may be carried over.", title="Leave policy 2024")
THREE = weigh("3", "Up to 3 days of leave may be carried over.", title="Leave policy 2023")


def test_two_versions_of_a_policy_disagree_and_the_newer_comes_first() -> None:
    assert find(CARRY, SIX, THREE) == ("Leave policy 2024", "Leave policy 2023")
    assert find(CARRY, THREE, SIX) == ("Leave policy 2024", "Leave policy 2023")


def test_what_says_that_it_is_superseded_is_the_older_whatever_its_date() -> None:
    old = weigh("9", "Up to 9 days of leave may be carried over.", title="Leave policy 2025 (superseded)")
    for pair in ((old, SIX), (SIX, old)):
        found = find_disagreement(CARRY, pair, threshold=0.5)
        assert found
        assert found.newer is SIX
        assert found.note == SUPERSEDED_DISAGREES


def test_where_nothing_tells_the_newer_the_better_answer_comes_first() -> None:
    one = weigh("6", "Up to 6 days of leave may be carried over.", title="Leave policy", name="a/leave.md")
    other = weigh("3", "Up to 3 days of leave may be carried over.", title="Leave policy", name="b/leave.md")
    for pair in ((one, other), (other, one)):
        found = find_disagreement(CARRY, pair, threshold=0.5)
        assert found
        assert found.newer is pair[0]
        assert found.note == DISAGREE


def test_rows_of_two_price_lists_disagree_by_the_cell_that_answers() -> None:
    one = weigh("110", "Plan: River; Price: 110 pounds; Hours: day and night", title="Prices 2026")
    other = weigh("95", "Plan: River; Price: 95 pounds; Hours: Monday to Saturday, 07:00 to 19:00", title="Prices 2023")
    assert find("What is the price of the River plan?", one, other) == ("Prices 2026", "Prices 2023")


def test_two_names_and_two_months_disagree() -> None:
    who = "Who is the head of the finance department?"
    anna = weigh("Anna Berg", "The head of the finance department is Anna Berg.", title="Staff 2024")
    olav = weigh("Olav Dahl", "The head of the finance department is Olav Dahl.", title="Staff 2025")
    assert find(who, anna, olav) == ("Staff 2025", "Staff 2024")
    when = "When do unused days of leave lapse?"
    march = weigh("end of March", "Unused days of leave lapse at the end of March.", title="Leave 2024")
    may = weigh("end of February", "Unused days of leave lapse at the end of February.", title="Leave 2025")
    assert find(when, march, may) == ("Leave 2025", "Leave 2024")


def test_different_documents_on_one_matter_disagree_where_both_say_what_they_mean() -> None:
    handbook = weigh("25", "Full-time employees have 25 days of annual leave.", title="Handbook")
    faq = weigh("27", "Full-time employees have 27 days of annual leave.", title="Questions about pay")
    told = weigh("pay", "Whoever has questions about pay reads the handbook.", title="Handbook", confidence=0.1)
    question = "How many days of annual leave do full-time employees have?"
    assert find(question, handbook, faq, told) == ("Handbook", "Questions about pay")


ELSEWHERE = {
    "another office": ("How many days of leave are there?", "The office has 25 days of leave.", "Bergen guide"),
    "another product": ("What is the range of the gauge?", "The range of the gauge is 20 metres.", "Heron 20"),
}


@pytest.mark.parametrize("other_title", ["Tromsø guide", "Heron 40"])
@pytest.mark.parametrize(("question", "text", "title"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_documents_about_things_of_their_own_do_not_disagree(
    question: str, text: str, title: str, other_title: str
) -> None:
    value = "25" if "25" in text else "20"
    one = weigh(value, text, title=title)
    assert find(question, one, weigh("40", text.replace(value, "40"), title=other_title)) is None


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("6 days", "You may carry over up to 6 days of leave."),
        ("3", "Up to 3 days of leave may be carried over, and up to 6 by managers."),
        ("3", "Up to 3 hours of leave may be carried over."),
        ("3", "Up to 3 days of leave may be carried over in Norway."),
        ("Anna Berg", "The days of leave that may be carried over are told by Anna Berg."),
        ("3", "Of the parking spaces, 3 are kept for guests who have leave to stay for days."),
        ("3 to 5", "From 3 to 5 days of leave may be carried over."),
    ],
)
def test_no_alarm_where_the_second_is_no_other_value_of_the_same(answer: str, text: str) -> None:
    assert find(CARRY, SIX, weigh(answer, text, title="Leave policy 2023")) is None


def test_no_alarm_for_what_is_not_sure_or_not_asked() -> None:
    assert find(CARRY, SIX, replace(THREE, confidence=0.4)) is None
    assert find(CARRY, SIX, replace(THREE, span=None)) is None
    assert find(CARRY, SIX, replace(THREE, passage=replace(THREE.passage, document=SIX.passage.document))) is None
    assert find("May 6 days of leave be carried over?", SIX, THREE) is None
    assert find("How many days of leave could be carried over in 2023?", SIX, THREE) is None
    assert find(CARRY, SIX) is None
    assert find(CARRY) is None
