"""Conversations are kept: nothing of them is lost, and nothing of a removed document stays in them."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.errors import NotFound
from rag_app.library import Library
from rag_app.library.kept_answers import packed_answer, unpacked_answer, without_documents
from rag_app.records import REMOVED_MARK, Answer, AskedDocuments, Citation, Document, Passage, Sentence
from rag_app.records.feedback import Feedback
from tests.libraries import new_document, open_library, start_python, store

SECRET = "The amber owl sleeps below the seventh stair of the observatory."
OTHER = "Tickets are sold at the gate until nine in the evening."


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return open_library(tmp_path)


def answer_from(library: Library, *documents: Document, doubtful: str = "") -> Answer:
    """Return an answer of one sentence for each document, quoting its first chunk."""
    chunks = [library.chunks(document.id)[0] for document in documents]
    citations = [
        Citation(number, d, c.page, c.heading, c.start, c.end, c.text)
        for number, (d, c) in enumerate(zip(documents, chunks, strict=True), start=1)
    ]
    sentences = [Sentence(c.text, "quoted", (number,)) for number, c in enumerate(chunks, start=1)]
    if doubtful:
        sentences.append(Sentence(doubtful, "unsupported"))
    return Answer(
        question="Where does the owl sleep?",
        standalone_question="Where does the amber owl sleep?",
        text=" ".join(sentence.marked() for sentence in sentences),
        short_answer=chunks[0].text[:20],
        abstained=False,
        confidence=0.912345,
        sentences=tuple(sentences),
        citations=tuple(citations),
        passages=tuple(Passage(n, 0.5, c, d) for n, (c, d) in enumerate(zip(chunks, documents, strict=True), start=1)),
        models={"generator": "none"},
        usage={"prompt_tokens": 3},
        timings_ms={"total": 12.0},
        note="The owl is disputed.",
        disagreement=True,
        signals={"evidence": 0.98765},
    )


def declined_from(library: Library, *documents: Document, question: str = "Who rings the bell?") -> Answer:
    """Return an answer that says nothing, after reading the first chunk of each document."""
    read = answer_from(library, *documents)
    return replace(
        read,
        question=question,
        standalone_question=question,
        text="The documents do not say.",
        short_answer=None,
        abstained=True,
        sentences=(),
        citations=(),
        note=None,
        disagreement=False,
    )


def test_a_question_is_kept_before_its_answer_and_the_answer_when_it_is_whole(library: Library) -> None:
    answer = answer_from(library, store(library, new_document("owl.md", SECRET)))
    turn = library.conversations.begin("Where does the owl sleep?")
    (conversation,) = library.conversations.recent()
    assert conversation.title == "Where does the owl sleep?"
    assert [t.state for t in library.conversations.turns(conversation.id)] == ["asked"]
    assert library.conversations.keep(turn.id, answer, state="answered")
    (kept,) = library.conversations.turns(conversation.id)
    assert (kept.state, kept.answer) == ("answered", answer)


def test_an_answer_survives_a_restart_and_what_was_being_written_is_a_stopped_turn(tmp_path: Path) -> None:
    script = (
        "import sys, os, tests.libraries as t, pathlib;"
        "library = t.open_library(pathlib.Path(sys.argv[1]));"
        "turn = library.conversations.begin('Who rings the bell?');"
        "print(turn.id, flush=True); os._exit(9)"
    )
    process = start_python(script, str(tmp_path))
    assert isinstance(process, subprocess.Popen)
    output, errors = process.communicate(timeout=120)
    assert output.strip() == "1", errors
    with open_library(tmp_path) as library:
        (conversation,) = library.conversations.recent()
        (turn,) = library.conversations.turns(conversation.id)
        assert (turn.question, turn.state, turn.answer) == ("Who rings the bell?", "stopped", None)


def test_what_comes_after_the_end_of_a_turn_is_not_kept(library: Library) -> None:
    answer = answer_from(library, store(library, new_document("owl.md", SECRET)))
    turn = library.conversations.begin("Where?")
    assert library.conversations.keep(turn.id, answer, state="stopped")
    assert not library.conversations.keep(turn.id, answer, state="answered")
    again = library.conversations.ask_again(turn.id, "Where?")
    assert (again.ordinal, again.id) == (1, turn.id + 1)
    assert not library.conversations.keep(turn.id, answer, state="answered")


def test_a_question_that_is_asked_again_takes_its_old_place_unless_more_than_the_answer_were_lost(
    library: Library,
) -> None:
    owl = store(library, new_document("owl.md", SECRET))
    first = library.conversations.begin("First?")
    library.conversations.keep(first.id, None, state="stopped")
    second = library.conversations.ask_again(first.id, "First!")
    assert asked_in(library, first.conversation_id) == [(1, "First!")]
    library.conversations.keep(second.id, answer_from(library, owl), state="answered")
    library.feedback.give(Feedback(second.id, False, "wrong"))
    third = library.conversations.ask_again(second.id, "First?")
    assert asked_in(library, first.conversation_id) == [(1, "First!"), (2, "First?")]
    assert library.feedback.of(second.id) is not None
    library.conversations.ask(first.conversation_id, "Next?")
    library.conversations.ask_again(third.id, "First of all?")
    assert [question for _, question in asked_in(library, first.conversation_id)[1:]] == [
        "First?",
        "Next?",
        "First of all?",
    ]
    with pytest.raises(NotFound, match="Ask it anew"):
        library.conversations.ask_again(first.id, "First?")


def asked_in(library: Library, conversation_id: str) -> list[tuple[int, str]]:
    return [(turn.ordinal, turn.question) for turn in library.conversations.turns(conversation_id)]


def test_conversations_are_listed_latest_first_renamed_searched_and_removed(library: Library) -> None:
    for question in ("How late is the canteen open?", "Wer läutet die Glocke?"):
        library.conversations.begin(question)
    bell, canteen = library.conversations.recent()
    library.conversations.ask(canteen.id, "And on Sundays?")
    assert [c.id for c in library.conversations.recent()] == [canteen.id, bell.id]
    assert [c.id for c in library.conversations.recent(limit=1)] == [canteen.id]
    assert [c.id for c in library.conversations.recent("SUNDAYS open")] == [canteen.id]
    assert [c.id for c in library.conversations.recent("LÄUTET")] == [bell.id]
    library.conversations.rename(bell.id, "  The\nbell ")
    library.conversations.rename(canteen.id, "   ")
    assert {c.title for c in library.conversations.recent()} == {"The bell", "How late is the canteen open?"}
    library.conversations.remove(bell.id)
    library.conversations.remove(bell.id)
    assert [c.id for c in library.conversations.recent()] == [canteen.id]
    assert library.conversations.turns(bell.id) == []
    for gone in (library.conversations.find, lambda i: library.conversations.ask(i, "?")):
        with pytest.raises(NotFound, match="no longer kept"):
            gone(bell.id)


def test_words_of_an_answer_are_found(library: Library) -> None:
    turn = library.conversations.begin("Where?")
    library.conversations.keep(
        turn.id, answer_from(library, store(library, new_document("o.md", SECRET))), state="answered"
    )
    assert len(library.conversations.recent("observatory stair")) == 1
    assert library.conversations.recent("observatory cellar") == []


def test_a_removed_document_is_in_no_answer_and_in_no_byte_of_the_files(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    owl = store(library, new_document("owl.md", SECRET, title="The amber owl"))
    gate = store(library, new_document("gate.md", OTHER))
    turn = library.conversations.begin("Where?")
    (conversation,) = library.conversations.recent()
    library.conversations.keep(
        turn.id, answer_from(library, owl, gate, doubtful="The amber owl snores."), state="answered"
    )
    later = library.conversations.ask(conversation.id, "And when?")
    understood = replace(
        answer_from(library, gate), standalone_question="When does the amber owl below the seventh stair wake?"
    )
    library.conversations.keep(later.id, understood, state="answered")

    receipt = library.remove(owl.id)

    assert "conversations" in receipt.checked
    first, second = (t.answer for t in library.conversations.turns(conversation.id))
    assert first
    assert second
    assert [s.text for s in first.sentences] == [REMOVED_MARK, OTHER, REMOVED_MARK]
    assert first.text == f"{REMOVED_MARK} {OTHER} [2] {REMOVED_MARK}"
    assert [c.number for c in first.citations] == [2]
    assert [p.document.id for p in first.passages] == [gate.id]
    assert (first.short_answer, first.note, first.disagreement) == (None, None, False)
    assert second.standalone_question == second.question
    library.close()
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"seventh stair" not in content, file
            assert b"amber owl" not in content, file


def test_an_answer_that_ends_after_a_removal_brings_nothing_back(library: Library) -> None:
    owl = store(library, new_document("owl.md", SECRET))
    answer = answer_from(library, owl)
    turn = library.conversations.begin("Where?")
    library.remove(owl.id)
    library.conversations.keep(turn.id, answer, state="answered")
    (kept,) = library.conversations.turns(library.conversations.recent()[0].id)
    assert kept.answer
    assert kept.answer.text == REMOVED_MARK
    assert (kept.answer.citations, kept.answer.passages) == ((), ())


def test_a_removed_conversation_leaves_no_byte(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        owl = store(library, new_document("gate.md", OTHER))
        turn = library.conversations.begin("Does the violet heron bathe?")
        library.conversations.keep(turn.id, answer_from(library, owl), state="answered")
        library.conversations.remove(library.conversations.recent()[0].id)
        for file in tmp_path.glob("library.sqlite3*"):
            assert b"violet heron" not in file.read_bytes()


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=30)), max_size=6), st.text(max_size=30), st.floats(0, 1))
def test_a_kept_answer_is_the_answer_and_a_redacted_one_holds_nothing_removed(
    said: list[tuple[bool, str]], question: str, confidence: float
) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    documents = [
        Document(n, f"{n}.md", f"/{n}.md", "/", "default", "", 1, 1, "", 1, None, 1, day, notes=("x",)) for n in (1, 2)
    ]
    citations = tuple(
        Citation(n, documents[mine], None, None, 0, len(text), f"quote {text}")
        for n, (mine, text) in enumerate(said, start=1)
    )
    sentences = tuple(Sentence(text, "supported", (n,)) for n, (_, text) in enumerate(said, start=1))
    answer = Answer(
        question,
        question,
        "",
        None,
        not said,
        confidence,
        sentences,
        citations,
        (),
        {},
        {},
        {},
        signals={"a": confidence},
    )
    assert unpacked_answer(packed_answer(answer)) == answer
    rest = unpacked_answer(without_documents(packed_answer(answer), [2]))
    assert {c.document.id for c in rest.citations} <= {1}
    kept = [text for mine, text in said if not mine]
    assert [s.text for s in rest.sentences if s.text != REMOVED_MARK] == kept


def test_a_conversation_asks_its_documents_alone_and_tells_which_of_them_are_gone(library: Library) -> None:
    kept = library.conversations
    first, second = (store(library, new_document(f"{name}.md", text)) for name, text in (("a", SECRET), ("b", OTHER)))
    turn = kept.begin("Where does the owl sleep?", documents=[second.id, first.id, first.id])
    assert kept.asked(turn.conversation_id) == AskedDocuments((first.id, second.id))
    library.remove(first.id)
    assert kept.asked(turn.conversation_id) == AskedDocuments((second.id,), removed=1)
    kept.ask_only(turn.conversation_id, [second.id])
    assert kept.asked(turn.conversation_id) == AskedDocuments((second.id,))
    kept.ask_only(turn.conversation_id, [])
    assert kept.asked(turn.conversation_id) is None
    with pytest.raises(NotFound):
        kept.ask_only("nowhere", [second.id])


def test_what_a_conversation_asks_goes_with_it(library: Library) -> None:
    document = store(library, new_document("a.md", SECRET))
    turn = library.conversations.begin("Where does the owl sleep?", documents=[document.id])
    library.conversations.remove(turn.conversation_id)
    assert library.conversations.asked(turn.conversation_id) is None
