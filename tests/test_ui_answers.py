"""An answer on the page shows its marks, its proof and how well it stands, and escapes all of it."""

import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from rag_app.errors import ReadError
from rag_app.records import REMOVED_MARK, Answer, Chunk, Citation, Document, Passage, Sentence
from ui.answers import answer_html, question_html, writing_html
from ui.conversation import Turn
from ui.sources import original_of, passages_html, place, read_original, source_of, sources_html

TEXT = "Leave\n\nUp to 10 days may be carried over. " + "They lapse in March. " * 40
QUOTE = "Up to 10 days may be carried over."
EVIL = '<img src="http://evil.example/x.png" onerror="alert(1)">'


def make_document(name: str = "leave.md", path: str = "/nowhere/leave.md", sha256: str = "") -> Document:
    return Document(
        1, name, path, "/nowhere", "default", sha256, 1, 1, "Leave", 1, None, 1, datetime(2026, 1, 1, tzinfo=UTC)
    )


def make_citation(text: str = TEXT, quote: str = QUOTE, name: str = "leave.md") -> Citation:
    start = text.index(quote)
    return Citation(1, make_document(name), 3, "Leave > Carrying over", start, start + len(quote), quote)


def make_answer(*sentences: Sentence, abstained: bool = False) -> Answer:
    document = make_document()
    passage = Passage(1, 0.4, Chunk(1, 1, 0, 0, len(QUOTE), 2, "Leave", QUOTE), document)
    return Answer(
        question="How many?",
        standalone_question="How many?",
        text="The documents do not say." if abstained else " ".join(s.marked() for s in sentences),
        short_answer=None,
        abstained=abstained,
        confidence=0.31 if abstained else 0.93,
        sentences=sentences,
        citations=() if abstained else (make_citation(),),
        passages=(passage,),
        models={},
        usage={},
        timings_ms={},
    )


def make_turn(*sentences: Sentence) -> Turn:
    source = source_of(TEXT, make_citation())
    return Turn(2, "How many?", sentences=list(sentences), sources=[source], answer=make_answer(*sentences))


def parse(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def test_a_mark_leads_to_the_card_that_highlights_its_quote() -> None:
    turn = make_turn(Sentence("Up to 10 days.", "supported", (1,)))
    mark = parse(answer_html(turn)).select_one("a.cite")
    assert mark
    card = parse(sources_html(turn.number, turn.sources)).find(id=str(mark["href"]).removeprefix("#"))
    assert card
    assert card.select_one("mark").get_text() == QUOTE  # type: ignore[union-attr]
    assert "leave.md" in str(mark["aria-label"])
    assert "page 3" in card.get_text()


def test_a_card_is_open_unless_its_quote_can_be_read_in_another_open_one() -> None:
    text = "\n\n".join([QUOTE, "It lapses.", *(f"Part {n}. " + "More of it. " * 200 for n in range(4))])
    quotes = (QUOTE, "It lapses.", "Part 1.", "Part 2.", "Part 3.")
    sources = [
        source_of(text, replace(make_citation(text, quote), number=number))
        for number, quote in enumerate(quotes, start=1)
    ]
    cards = parse(sources_html(1, sources)).select("details.source")
    assert [card.has_attr("open") for card in cards] == [True, False, True, True, False]


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 200))
def test_the_surroundings_are_the_documents_own_text(start: int, length: int) -> None:
    end = min(len(TEXT), start + length)
    citation = Citation(1, make_document(), None, None, start, end, TEXT[start:end])
    source = source_of(TEXT, citation)
    assert TEXT[:start].endswith(source.before)
    assert TEXT[end:].startswith(source.after)
    assert source.at_start == (len(source.before) == start) or start > 0


def test_a_quote_whose_document_changed_meanwhile_stands_alone() -> None:
    citation = make_citation()
    for text in ("", "Something was written before it. " + TEXT):
        source = source_of(text, citation)
        assert (source.citation.quote, source.before, source.after) == (QUOTE, "", "")


@given(st.text(max_size=60))
def test_nothing_that_others_wrote_becomes_an_element(text: str) -> None:
    evil = f"{text}{EVIL}</mark></span>"
    citation = replace(make_citation(evil, EVIL, name=evil), heading=evil)
    turn = Turn(1, evil, [Sentence(evil, "quoted", (1,))], [source_of(evil, citation)])
    turn.answer = replace(make_answer(*turn.sentences), standalone_question=evil + "?", citations=(citation,))
    passage = Passage(1, 0.1, Chunk(1, 1, 0, 0, 1, 1, evil, evil), make_document(evil))
    page = question_html(turn) + answer_html(turn) + sources_html(1, turn.sources) + passages_html([passage])
    turn.answer = None
    page += writing_html(turn, "checking")
    names = {tag.name for tag in parse(page).find_all()}
    assert names <= set("div span p a button section h3 details summary blockquote mark ol li".split())
    assert all(not name.startswith("on") for tag in parse(page).find_all() for name in tag.attrs)


def test_an_answer_says_how_it_stands() -> None:
    supported, quoted = Sentence("A.", "supported", (1,)), Sentence("B.", "quoted", (1,))
    doubtful = Sentence("C.", "unsupported")
    assert "Every sentence supported by 1 document" in answer_html(make_turn(supported, quoted))
    assert "Quoted word for word" in answer_html(make_turn(quoted))
    assert "1 sentence found no support and is marked" in answer_html(make_turn(supported, doubtful))
    assert "not found in the documents" in answer_html(make_turn(doubtful))
    assert "confidence 93%" in answer_html(make_turn(supported))


def test_items_of_a_list_and_rows_of_a_table_stand_on_lines_of_their_own() -> None:
    texts = ("Goods are returned thus:", "- by post", "2. by van", "Grade: B8; Bonus: 18 percent", "Note: in May only.")
    page = parse(answer_html(make_turn(*(Sentence(text, "quoted", (1,)) for text in texts))))
    assert [line.get_text() for line in page.select(".prose > .line > .sentence")] == [f"“{t}”" for t in texts[1:4]]
    assert len(page.select(".prose .line a.cite")) == 3


def test_an_answer_can_be_copied_with_its_sources() -> None:
    button = parse(answer_html(make_turn(Sentence("Up to 10 days.", "supported", (1,))))).select_one("button.copy")
    assert button
    assert str(button["data-copy"]).startswith("Up to 10 days. [1]\n\n[1] leave.md, page 3")


def test_an_answer_of_which_a_part_was_removed_says_so() -> None:
    turn = make_turn(Sentence("A.", "supported", (1,)), Sentence(REMOVED_MARK, "unsupported"))
    html = answer_html(turn)
    assert "What stood here was removed from the library." in html
    assert "A document that this answer rested on has been removed" in html
    assert "found no support" not in html


def test_an_abstention_says_so_and_folds_away_the_closest_passages() -> None:
    turn = Turn(1, "How many?", answer=make_answer(abstained=True))
    page = parse(answer_html(turn))
    assert "Not in the documents" in page.get_text()
    assert page.select_one("details.passages:not([open]) blockquote")
    assert not page.select("a.cite")


def test_an_answer_that_was_stopped_shows_what_stood_by_then() -> None:
    turn = Turn(1, "How many?", sentences=[Sentence("A.", "supported", (1,))])
    assert "Stopped before the end." in answer_html(turn)
    assert "A." in answer_html(turn)


def test_a_question_that_was_understood_otherwise_says_how() -> None:
    turn = make_turn(Sentence("A.", "supported", (1,)))
    assert turn.answer
    turn.answer = replace(turn.answer, standalone_question="How many days?")
    assert "Understood as: How many days?" in answer_html(turn)


def test_small_talk_is_shown_as_talk_without_standing_or_passages() -> None:
    answer = replace(make_answer(), kind="small_talk", text=f"Hello! {EVIL}", citations=())
    html = answer_html(Turn(1, "Hi", answer=answer))
    assert "Hello!" in parse(html).get_text()
    assert "confidence" not in html
    assert not parse(html).select("details, img, .standing")


def test_what_stands_above_an_answer_and_beside_it_has_its_place_from_the_first_sentence_on() -> None:
    turn = make_turn(Sentence("Ten days.", "quoted", (1,)))
    assert turn.answer
    known = replace(turn.answer, standalone_question="How many days?", note=f"They disagree. {EVIL}", disagreement=True)
    turn.answer, turn.so_far = None, known
    for html in (writing_html(turn, "writing"), answer_html(turn)):
        page = BeautifulSoup(html, "html.parser")
        assert [part["class"][0] for part in page.select(".answer > *")][:3] == ["understood", "disagreement", "sides"]
        assert [side.get_text() != "" for side in page.select(".side")] == [True, False]
        assert not page.select("img, script")


def test_a_disagreement_is_said_before_both_sentences() -> None:
    turn = make_turn(Sentence("Ten days.", "supported", (1,)), Sentence("Five days.", "quoted", (1,)))
    assert turn.answer
    turn.answer = replace(turn.answer, disagreement=True, note=f"They disagree. {EVIL}")
    page = parse(answer_html(turn))
    text = page.get_text()
    assert text.index("They disagree.") < text.index("Ten days.") < text.index("Five days.")
    assert not page.select("img")


def test_documents_that_disagree_stand_side_by_side_with_how_new_each_is() -> None:
    old_text = "Up to 5 days may be carried over."
    old = replace(make_citation(old_text, old_text), number=2)
    old = replace(old, document=replace(old.document, id=2, name=f"{EVIL}.md", title="Leave, valid from 2019"))
    turn = make_turn(Sentence("Ten days.", "supported", (1,)), Sentence("Five days.", "quoted", (2,)))
    assert turn.answer
    chunk = Chunk(2, 2, 0, 0, len(old_text), None, "Leave", old_text)
    new_document = replace(turn.answer.passages[0].document, title="Leave, 3 March 2025")
    new = replace(turn.answer.passages[0], document=new_document)
    turn.sources.append(source_of(old_text, old))
    citations, passages = (make_citation(), old), (new, Passage(2, 0.3, chunk, old.document))
    turn.answer = replace(turn.answer, disagreement=True, citations=citations, passages=passages)
    page = parse(answer_html(turn))
    sides = [side.get_text(" ", strip=True) for side in page.select(".side")]
    assert len(sides) == 2
    assert "dated 3 March 2025" in sides[0]
    assert "Ten days." in sides[0]
    assert "dated 2019" in sides[1]
    assert "Five days." in sides[1]
    assert not page.select("img")


def test_a_place_is_told_as_far_as_it_is_known() -> None:
    assert place(3, "A > B") == "page 3 · A / B"
    assert place(None, None) == ""


def test_an_original_is_unchanged_changed_or_gone(tmp_path: Path) -> None:
    file = tmp_path / "leave.md"
    file.write_bytes(b"first")
    document = make_document(path=str(file), sha256=hashlib.sha256(b"first").hexdigest())
    assert original_of(document) == "unchanged"
    file.write_bytes(b"later")
    os.utime(file, ns=(1, 1))
    assert original_of(document) == "changed"
    file.unlink()
    assert original_of(document) == "gone"


def test_of_an_original_nothing_is_handed_out_that_took_its_place(tmp_path: Path) -> None:
    file, secret = tmp_path / "leave.md", tmp_path / "secret"
    file.write_bytes(b"first")
    secret.write_bytes(b"first")
    document = make_document(path=str(file), sha256=hashlib.sha256(b"first").hexdigest())
    document = replace(document, size=5)
    assert read_original(document) == b"first"
    file.write_bytes(b"later")
    with pytest.raises(ReadError, match=r"leave.md has changed since it was read. Load the page again"):
        read_original(document)
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(ReadError, match="links are not followed"):
        read_original(document)


def test_quotes_from_here_and_there_have_lines_of_their_own() -> None:
    text = "Open at nine. Closed at five. Saws cost a fee."
    for parts, lines in ((("Open at nine.", "Saws cost a fee."), 2), (("Open at nine.", "Closed at five."), 0)):
        cited = [replace(make_citation(text, part), number=n) for n, part in enumerate(parts, start=1)]
        said = [Sentence(part, "quoted", (n,)) for n, part in enumerate(parts, start=1)]
        turn = replace(make_turn(*said), sources=[source_of(text, citation) for citation in cited])
        page = parse(answer_html(turn))
        assert len(page.select(".prose > .line")) == lines
        assert len(page.select("a.cite")) == 2
