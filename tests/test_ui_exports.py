"""A conversation that is taken along keeps its proof and carries nothing that is executed."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from rag_app.records import REMOVED_MARK, Conversation, KeptTurn, Sentence
from rag_app.records.feedback import Feedback
from tests.test_ui_answers import EVIL, QUOTE, make_answer, make_citation
from ui.exports import answer_text, as_file_name, as_json, as_markdown, as_printable

DAY = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
CONVERSATION = Conversation("abc", f"Leave {EVIL}", DAY, DAY, 2)
ANSWER = make_answer(Sentence(f"Ten days {EVIL}.", "supported", (1,)), Sentence("Perhaps.", "unsupported"))
TURNS = [
    KeptTurn(1, "abc", 1, f"How many? {EVIL} **x**", "answered", replace(ANSWER, note="They disagree."), "", DAY),
    KeptTurn(2, "abc", 2, "And then?", "stopped", None, "", DAY),
    KeptTurn(3, "abc", 3, "Too long?", "failed", None, "Shorten it.", DAY),
    KeptTurn(4, "abc", 4, "Gone?", "answered", make_answer(Sentence(REMOVED_MARK, "unsupported")), "", DAY),
]


def test_markdown_has_each_quote_as_a_footnote_and_no_markup_of_others() -> None:
    text = as_markdown(CONVERSATION, TURNS)
    html = MarkdownIt("commonmark").render(text)
    page = BeautifulSoup(html, "html.parser")
    assert {tag.name for tag in page.find_all()} <= {"h1", "h2", "p", "em"}
    assert "[^1-1]" in text
    assert f"“{QUOTE}”" in text
    assert "not found in the documents" in text
    assert "Stopped before the end." in text
    assert "Shorten it." in text
    assert text.index("They disagree") < text.index("Ten days")


def test_json_has_everything_that_is_kept() -> None:
    verdict = Feedback(1, False, "wrong", words=EVIL, correction="Six.", given_at=DAY)
    read = json.loads(as_json(CONVERSATION, TURNS, {1: verdict}))
    assert (read["id"], read["turns"][1]["state"]) == ("abc", "stopped")
    assert read["turns"][0]["answer"]["citations"][0]["quote"] == QUOTE
    assert read["turns"][0]["feedback"] == {
        "helpful": False,
        "reason": "wrong",
        "words": EVIL,
        "correction": "Six.",
        "given_at": DAY.isoformat(),
    }
    assert read["turns"][1]["feedback"] is None


def test_the_page_to_print_has_footnotes_and_executes_nothing() -> None:
    page = BeautifulSoup(as_printable(CONVERSATION, TURNS), "html.parser")
    mark = page.select_one("sup a")
    assert mark
    note = page.find(id=str(mark["href"]).removeprefix("#"))
    assert note
    assert QUOTE in note.get_text()
    assert not page.select("img, script, link, iframe")
    assert all(not name.startswith("on") for tag in page.find_all() for name in tag.attrs)
    policy = page.select_one("meta[http-equiv]")
    assert policy
    assert "default-src 'none'" in str(policy["content"])


def test_a_copied_answer_ends_with_its_sources() -> None:
    text = answer_text(replace(ANSWER, citations=(make_citation(),)))
    assert text.startswith("Ten days")
    assert text.endswith(f"[1] leave.md, page 3 · Leave / Carrying over: “{QUOTE}”")
    removed = make_answer(Sentence(REMOVED_MARK, "unsupported"))
    assert answer_text(replace(removed, citations=())) == REMOVED_MARK


def test_a_title_becomes_a_file_name() -> None:
    assert as_file_name('What / is "it"?') == "What is it"
    assert as_file_name("???") == "conversation"
