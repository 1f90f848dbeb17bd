"""A trace tells how an answer came about: what was found and weighed, what was written and what became of it."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from rag_app.answering.assistant import Assistant, Limits
from rag_app.answering.prompting import SILENCE
from rag_app.answering.weighing import STALE_PENALTY
from rag_app.library.kept_answers import as_asked, packed_answer, unpacked_answer, without_documents
from rag_app.records import Answer, Trace
from tests.assistants import CARRY, TEXTS, ask, make_assistant
from tests.fakes import FakeEmbedder, ListLibrary, WordEvidence, make_passages
from tests.page_parts import open_page, store_text

SAID = "10 days\nUp to 10 days of leave may be carried over."


def trace_of(answer: Answer) -> Trace:
    assert answer.trace is not None
    return answer.trace


def fates(answer: Answer) -> list[tuple[str, str]]:
    return [(sentence.fate, sentence.text) for sentence in trace_of(answer).drafted]


def test_a_trace_tells_the_sources_and_the_first_line_and_names_no_text_that_is_shown() -> None:
    trace = trace_of(answer := ask(CARRY, SAID))
    assert trace.sources == (1,)
    assert trace.first_line == "10 days"
    assert fates(answer) == [("shown", "")]
    assert trace.threshold == 0.9


def test_a_sentence_without_support_is_told_with_its_text() -> None:
    answer = ask(CARRY, "10 days\nUp to 10 days may be sold to the highest bidder.")
    assert ("unsupported", "Up to 10 days may be sold to the highest bidder.") in fates(answer)


def test_a_sentence_that_is_true_but_lacks_the_answer_is_told() -> None:
    answer = ask(CARRY, "10 days\nEmployees have 25 days of annual leave.")
    assert fates(answer) == [("no_answer", "Employees have 25 days of annual leave.")]


def test_fragments_and_repetitions_are_told() -> None:
    sentence = "Up to 10 days of leave may be carried over."
    answer = ask(CARRY, f"10 days\nTen days it is. {sentence} {sentence}")
    assert fates(answer) == [("fragment", "Ten days it is."), ("shown", ""), ("repeated", sentence)]


def test_a_sentence_that_is_cut_off_is_told() -> None:
    limits = Limits(threshold=0.9, answer_tokens=14)
    answer = make_assistant(f"{SAID} Employees also have 25 days of annual leave.", limits=limits).ask(CARRY).answer
    assert fates(answer)[-1] == ("cut_off", "Employees also")


def test_that_the_sources_were_found_silent_is_told() -> None:
    assert trace_of(ask(CARRY, SILENCE)).first_line == SILENCE


def test_weak_evidence_is_traced_though_nothing_was_asked_of_the_language_model() -> None:
    trace = trace_of(ask("What is the wifi password?", "The wifi password is 123456."))
    assert (trace.sources, trace.drafted, trace.first_line) == ((), (), "")
    assert len(trace.passages) == 2


def test_small_talk_has_no_trace() -> None:
    assert ask("Hello!").trace is None


def test_names_that_a_passage_lacks_are_told() -> None:
    trace = trace_of(ask("How many days of leave may be carried over in Norway in 2031?"))
    assert set(trace.passages[0].missing) == {"Norway", "2031"}


def test_a_superseded_passage_is_told_with_its_penalty() -> None:
    old = make_passages("Up to 5 days of leave may be carried over.", title="Leave policy 2019 (superseded)")
    new = make_passages("Up to 10 days of leave may be carried over.", title="Leave policy")
    both = ListLibrary([old[0], replace(new[0], chunk=replace(new[0].chunk, id=2))])
    answer = Assistant(both, FakeEmbedder(), evidence=WordEvidence(), generator=None).ask(CARRY).answer
    told = {p.chunk_id: (p.found_rank, p.rank, p.stale_penalty) for p in trace_of(answer).passages}
    assert told == {1: (1, 2, STALE_PENALTY), 2: (2, 1, 0.0)}


def test_a_trace_tells_both_ways_their_scores_and_the_copies(tmp_path: Path) -> None:
    application = open_page(tmp_path, SAID)
    for name in ("leave.md", "copy of leave.md"):
        document = store_text(application, name, TEXTS[0], root=tmp_path / "docs")
    store_text(application, "canteen.md", TEXTS[1], root=tmp_path / "docs")
    trace = trace_of(application.assistant.ask(CARRY).answer)
    first = trace.passages[0]
    assert first.document_id == document.id
    assert len(first.copies) == 1
    assert first.meaning is not None
    assert first.words is not None
    assert (first.words.rank, first.words.score > 0) == (1, True)
    assert first.fused == pytest.approx(first.meaning.score + 0.12 * first.words.score, abs=1e-5)
    assert trace.by_meaning == 3
    assert trace.by_both == trace.by_words == 2


def test_every_stage_is_timed(tmp_path: Path) -> None:
    application = open_page(tmp_path, SAID)
    store_text(application, "leave.md", TEXTS[0], root=tmp_path / "docs")
    timings = trace_of(application.assistant.ask(CARRY).answer).timings_ms
    stages = "understand embed search_meaning search_words read_passages retrieve evidence read say total".split()
    assert set(stages) <= set(timings)
    assert timings["total"] >= timings["retrieve"] + timings["evidence"] + timings["read"]


def test_the_printed_form_has_a_trace_only_where_it_is_wanted() -> None:
    answer = ask(CARRY, SAID)
    assert "trace" not in answer.to_json()
    assert Trace.from_json(json.loads(json.dumps(answer.to_json(traced=True)["trace"]))) == answer.trace
    assert ask("Hello!").to_json(traced=True)["trace"] is None


def test_a_kept_answer_keeps_its_trace() -> None:
    answer = ask(CARRY, SAID)
    assert unpacked_answer(packed_answer(answer)).trace == answer.trace


def test_an_answer_that_was_kept_before_there_were_traces_has_none() -> None:
    kept = json.loads(packed_answer(ask(CARRY, SAID)))
    del kept["answer"]["trace"]
    assert unpacked_answer(json.dumps(kept)).trace is None


def test_with_a_document_all_words_leave_the_trace_and_the_numbers_stay() -> None:
    answer = ask("How many days may be carried over in Norway?", "10 days\nUp to 10 days may be sold to Quirinus.")
    before = trace_of(answer)
    assert before.passages[0].missing == ("Norway",)
    for cleaned in (without_documents(packed_answer(answer), [1]), as_asked(packed_answer(answer))):
        trace = trace_of(unpacked_answer(cleaned))
        assert (trace.drafted, trace.first_line, trace.passages[0].missing) == ((), "", ())
        assert trace.passages[0].fused == before.passages[0].fused
        assert "Quirinus" not in cleaned


def test_a_removed_document_leaves_no_word_of_what_was_written_in_the_file(tmp_path: Path) -> None:
    application = open_page(tmp_path, "10 days\nQuirinus sells up to 10 days of leave to himself.")
    document = store_text(application, "leave.md", TEXTS[0], root=tmp_path / "docs")
    kept = application.library.conversations
    turn = kept.begin(CARRY)
    answer = application.assistant.ask(CARRY).answer
    kept.keep(turn.id, answer, state="answered")
    assert words_in(tmp_path, "Quirinus")
    application.library.remove(document.id)
    (left,) = kept.turns(turn.conversation_id)
    assert left.answer is not None
    assert trace_of(left.answer).drafted == ()
    assert words_in(tmp_path, "Quirinus") == []


def words_in(home: Path, word: str) -> list[str]:
    """Return the files of a library that hold a word."""
    with sqlite3.connect(home / "library.sqlite3") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return [file.name for file in home.rglob("*sqlite3*") if word.encode() in file.read_bytes()]
