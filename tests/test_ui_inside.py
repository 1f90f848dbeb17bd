"""The look inside an answer tells in pictures and words what the trace holds, and lets nothing of it be markup."""

from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from streamlit.testing.v1 import AppTest

from rag_app.answering.assistant import Assistant, Limits
from rag_app.answering.prompting import SILENCE
from rag_app.inspection import rebuild_prompt
from rag_app.library.kept_answers import packed_answer, unpacked_answer, without_documents
from rag_app.records import Answer, Trace, TracedPassage
from tests.assistants import CARRY, TEXTS, ask, make_assistant
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages
from tests.page_parts import open_page, store_text
from tests.test_ui_pages import chat
from ui.inside import inside_html
from ui.inside_pictures import cited_chunks, seconds

SAID = "10 days\nUp to 10 days of leave may be carried over."
EVIL = '<img src="http://evil.example/x.png" onerror="alert(1)">'


def inside(answer: Answer) -> BeautifulSoup:
    assert answer.trace is not None
    return BeautifulSoup(inside_html(answer, answer.trace), "html.parser")


def one(soup: BeautifulSoup | Tag, selector: str) -> str:
    """Return the words of the one element that a selector finds."""
    (found,) = soup.select(selector)
    return found.get_text(" ", strip=True)


def with_trace(answer: Answer, **changes: object) -> Answer:
    assert answer.trace is not None
    return replace(answer, trace=replace(answer.trace, **changes))  # type: ignore[arg-type]


def passages_of(answer: Answer) -> list[TracedPassage]:
    assert answer.trace is not None
    return list(answer.trace.passages)


def test_the_way_from_what_was_found_to_what_is_shown_is_told_in_numbers() -> None:
    soup = inside(ask(CARRY, SAID))
    assert [count.get_text() for count in soup.select(".flow .count")] == ["2", "2", "1", "1", "1"]


def test_a_cited_passage_is_told_by_the_mark_of_its_citation() -> None:
    soup = inside(ask(CARRY, SAID))
    assert "handbook.md" in one(soup, ".ranks li.cited .name")
    assert one(soup, ".ranks li.cited .number") == "1"
    label = soup.select(".ranks .lines")[0]["aria-label"]
    assert "passage 1 was found in place 1 and is cited" in label


def test_the_picture_and_the_list_show_a_passage_that_moved_up() -> None:
    answer = ask(CARRY, SAID)
    first, second = passages_of(answer)
    moved = with_trace(answer, passages=(replace(first, found_rank=2), replace(second, found_rank=1)))
    assert "2 of 2 passages changed places" in str(inside(moved).select(".ranks .lines")[0]["aria-label"])


def test_what_was_dropped_is_shown_with_the_reason() -> None:
    soup = inside(ask(CARRY, "10 days\nEmployees have 25 days of annual leave."))
    assert one(soup, ".written .dropped .text") == "Employees have 25 days of annual leave."
    assert one(soup, ".written .dropped .said") == "dropped: the answer is not in it"
    assert one(soup, ".written .shown .said") == "shown: quoted from a passage, word for word"


def test_weak_evidence_is_said_to_be_why_nothing_was_written() -> None:
    soup = inside(ask("What is the wifi password?", "The wifi password is 123456."))
    assert "evidence was too weak" in soup.get_text()
    assert "so nothing is said" in one(soup, ".gauge + p")


def test_a_library_without_a_language_model_quotes() -> None:
    library = ListLibrary(make_passages(*TEXTS))
    answer = Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=None).ask(CARRY).answer
    assert "there is no language model" in inside(answer).get_text()


def test_sources_that_were_found_silent_are_told_by_the_first_line() -> None:
    assert one(inside(ask(CARRY, SILENCE)), "q") == SILENCE


def test_an_empty_library_has_nothing_inside() -> None:
    answer = make_assistant(texts=()).ask(CARRY).answer
    assert inside(answer).get_text() == "There were no documents to search."


def test_the_table_has_every_number_of_a_passage() -> None:
    answer = ask("How many days of leave may be carried over in Norway?")
    first = replace(passages_of(answer)[0], copies=(7,), stale_penalty=1.5)
    row = inside(with_trace(answer, passages=(first,))).select("tbody tr")[0].get_text(" ", strip=True)
    for words in ("and 1 copy", "Norway", "superseded", f"{first.fused:.3f}", f"{first.rank_score:+.2f}"):
        assert words in row


def test_the_prompt_is_the_one_that_the_language_model_read() -> None:
    generator = ScriptedGenerator(SAID)
    library = ListLibrary(make_passages(*TEXTS))
    limits = Limits(threshold=0.9)
    answer = Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=generator, limits=limits).ask(CARRY)
    assert rebuild_prompt(answer.answer) == generator.prompts[0]


def test_a_prompt_whose_one_source_was_cut_is_rebuilt_as_it_was() -> None:
    generator = ScriptedGenerator(SAID)
    library = ListLibrary(make_passages(TEXTS[0] + " More about leave." * 900))
    limits = Limits(threshold=0.5)
    answer = Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=generator, limits=limits).ask(CARRY)
    assert rebuild_prompt(answer.answer) == generator.prompts[0]
    assert len(generator.prompts[0][1].content) < len(answer.answer.passages[0].chunk.text)


def test_a_prompt_of_a_removed_document_is_said_to_be_gone() -> None:
    answer = unpacked_answer(without_documents(packed_answer(ask(CARRY, SAID)), [1]))
    assert rebuild_prompt(answer) is None
    soup = inside(answer)
    assert "has since been removed from the library" in soup.get_text()
    assert "Removed from the library" in one(soup, ".ranks li:first-child")
    assert "carried over to" not in str(soup)


def test_nothing_of_documents_and_questions_becomes_markup() -> None:
    passages = make_passages(f"{TEXTS[0]} {EVIL}", title=EVIL, names=[f"{EVIL}.md"])
    generator = ScriptedGenerator(f"10 {EVIL} days\nUp to {EVIL} days may be carried over.")
    limits = Limits(threshold=0.1)
    assistant = Assistant(
        ListLibrary(passages), FakeEmbedder(), evidence=WordEvidence(), generator=generator, limits=limits
    )
    answer = assistant.ask(f"How many days of leave may be carried over {EVIL}?").answer
    soup = inside(answer)
    assert not soup.select("img")
    assert EVIL in soup.get_text()


def test_citations_of_removed_passages_are_nowhere() -> None:
    answer = ask(CARRY, SAID)
    assert cited_chunks(answer) == {1: (1,)}
    assert cited_chunks(replace(answer, passages=())) == {}


@pytest.mark.parametrize(("milliseconds", "said"), [(0.4, "0 ms"), (999.4, "999 ms"), (1250.0, "1.2 s")])
def test_times_are_told_in_their_size(milliseconds: float, said: str) -> None:
    assert seconds(milliseconds) == said


def test_the_disagreement_of_two_passages_is_told() -> None:
    answer = with_trace(ask(CARRY, SAID), disagreement=(2, 1))
    assert "Passages 2 and 1 contradict each other" in inside(answer).get_text()


def test_an_answer_can_be_looked_into_on_the_page(tmp_path: Path) -> None:
    application = open_page(tmp_path, SAID)
    store_text(application, "leave.md", TEXTS[0], root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value(CARRY).run()
    look_inside(page)
    assert not page.exception
    assert any("How the passages moved" in element.proto.body for element in page.get("html"))


def test_small_talk_and_old_answers_offer_no_look_inside(tmp_path: Path) -> None:
    application = open_page(tmp_path, SAID)
    store_text(application, "leave.md", TEXTS[0], root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value("Hello!").run()
    assert not [button for button in page.button if button.label == "Look inside"]


def look_inside(page: AppTest) -> None:
    next(button for button in page.button if button.label == "Look inside").click().run()


def test_a_trace_without_times_or_drafts_can_be_shown() -> None:
    answer = ask(CARRY, SAID)
    bare = Trace((), 0, 0, 0, (), 0, "", (), (), 0.4, {})
    assert "no documents" in inside(replace(answer, trace=bare)).get_text()
    assert inside(with_trace(answer, timings_ms={}, drafted=())).select(".written li")
