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


def test_rows_and_lines_stay_lines_and_begin_no_list() -> None:
    rows = "- Name: Ada; Year: 1843\n12. Name: Bob; Year: 1901\n=== and\n\n+ more"
    turn = replace(TURNS[0], answer=make_answer(Sentence(rows, "supported", (1,))))
    page = BeautifulSoup(MarkdownIt("commonmark").render(as_markdown(CONVERSATION, [turn])), "html.parser")
    assert not page.find_all(["ul", "ol", "li"])
    assert [tag.get_text() for tag in page.find_all(["h1", "h2"])][1] == turn.question
    assert "- Name: Ada; Year: 1843\n12. Name: Bob; Year: 1901\n=== and\n+ more" in page.get_text()


def test_sides_of_a_disagreement_are_told_with_their_documents_and_ages_in_every_form() -> None:
    old = replace(make_citation(), number=2)
    old = replace(old, document=replace(old.document, id=2, name=f"old {EVIL}.md", title="Leave, valid from 2019"))
    said = (Sentence("Ten days.", "quoted", (1,)), Sentence("Five days.", "quoted", (2,)))
    answer = make_answer(*said)
    passage = answer.passages[0]
    two = (replace(passage, document=replace(passage.document, title="Leave, 3 March 2025")), passage)
    two = (two[0], replace(passage, document=old.document, chunk=replace(passage.chunk, document_id=2)))
    answer = replace(answer, disagreement=True, citations=(make_citation(), old), passages=two)
    turn = replace(TURNS[0], answer=answer)
    markdown = as_markdown(CONVERSATION, [turn])
    read = BeautifulSoup(MarkdownIt("commonmark").render(markdown), "html.parser")
    first, second = (item.get_text(" ", strip=True) for item in read.find_all("li"))
    assert first.startswith("leave.md , dated 3 March 2025:")
    assert "Ten days." in first
    assert "dated 2019" in second
    assert "Five days." in second
    page = BeautifulSoup(as_printable(CONVERSATION, [turn]), "html.parser")
    assert next(term.get_text() for term in page.find_all("dt")) == "leave.md, dated 3 March 2025"
    assert [side.get_text() for side in page.find_all("dd")] == ["“Ten days.”1", "“Five days.”2"]
    for shown in (read, page):
        assert not shown.select("img, script, iframe")
    assert answer_text(answer).splitlines()[0] == "leave.md, dated 3 March 2025: “Ten days.” [1]"


def test_quotes_from_here_and_there_are_a_list_in_every_form() -> None:
    text = "Open at nine. Closed at five. Saws cost a fee."
    parts = ("Open at nine.", "Saws cost a fee.")
    cited = tuple(replace(make_citation(text, part), number=n) for n, part in enumerate(parts, start=1))
    answer = make_answer(*(Sentence(part, "quoted", (n,)) for n, part in enumerate(parts, start=1)))
    turn = replace(TURNS[0], answer=replace(answer, citations=cited, note="In its own words."))
    markdown = as_markdown(CONVERSATION, [turn])
    assert "- “Open at nine.”[^1-1]\n- “Saws cost a fee.”[^1-2]" in markdown
    page = BeautifulSoup(as_printable(CONVERSATION, [turn]), "html.parser")
    assert [item.get_text() for item in page.select(".said li")] == ["“Open at nine.”1", "“Saws cost a fee.”2"]
    assert turn.answer is not None
    lines = answer_text(turn.answer).splitlines()
    assert lines[:3] == ["In its own words.", "“Open at nine.” [1]", "“Saws cost a fee.” [2]"]


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
