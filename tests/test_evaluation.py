"""Evaluation files are read strictly, and figures follow from answers as the contract says."""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rag_app.answering.assistant import Assistant, Limits
from rag_app.errors import DataError
from rag_app.evaluation.datasets import read_passages, read_questions
from rag_app.evaluation.evaluate import report, run_questions
from rag_app.evaluation.independent import count_unsupported, texts_hold
from rag_app.records import Answer, Citation, Passage, Sentence
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages

PASSAGE = {"title": "Leave", "text": "Up to 10 days of leave may be carried over."}
OTHER = {"title": "Canteen", "text": "The canteen opens at 11:30 every day."}
ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "How many days of leave may be carried over?", "passages": [PASSAGE],
     "answers": ["10 days", "10"], "answerable": True},
    {"id": "b", "question": "When does the canteen open?", "passages": [OTHER], "answers": ["11:30"],
     "answerable": True, "split": "test"},
    {"id": "c", "question": "What is the wifi password?", "passages": [OTHER], "answers": [], "answerable": False},
]  # fmt: skip


def write(folder: Path, rows: Sequence[Any], name: str = "questions.jsonl") -> Path:
    file, text = folder / name, "".join(json.dumps(row) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return file


@pytest.mark.parametrize("name", ["questions.jsonl", "questions.jsonl.gz"])
def test_rows_are_read_plain_and_compressed(tmp_path: Path, name: str) -> None:
    questions = read_questions(write(tmp_path, ROWS, name))
    assert [q.id for q in questions] == ["a", "b", "c"]
    assert questions[0].passages == (("Leave", PASSAGE["text"]),)


def test_a_sample_is_the_same_for_the_same_seed_and_keeps_the_order(tmp_path: Path) -> None:
    file = write(tmp_path, [ROWS[0] | {"id": str(i)} for i in range(50)])
    first = [int(q.id) for q in read_questions(file, limit=10, seed=3)]
    assert first == [int(q.id) for q in read_questions(file, limit=10, seed=3)]
    assert first == sorted(first)
    assert first != [int(q.id) for q in read_questions(file, limit=10, seed=4)]


def test_a_split_can_be_chosen_and_a_missing_one_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, ROWS)
    assert [q.id for q in read_questions(file, split="test")] == ["b"]
    with pytest.raises(DataError, match="no questions of the split 'dev'"):
        read_questions(file, split="dev")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROWS[0], {"id": "x"}], "line 2: the field 'passages' is missing"),
        ([["a list"]], "line 1, cannot be read: a list is not an object"),
        ([], "holds no questions"),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_the_reason(tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_questions(write(tmp_path, rows))


def test_a_missing_file_and_a_cut_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*gone\.jsonl"):
        read_questions(tmp_path / "gone.jsonl")
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(json.dumps(ROWS[0]).encode())[:-12])
    with pytest.raises(DataError, match="cannot be read"):
        read_questions(cut)


def test_a_history_ends_with_the_assistants_turn(tmp_path: Path) -> None:
    row = ROWS[0] | {"history": ["Who are you?", "An assistant.", "Since when?", "Today."]}
    roles = [m.role for m in read_questions(write(tmp_path, [row]))[0].history]
    assert roles == ["user", "assistant", "user", "assistant"]


class PassageWorkshop:
    """Makes one passage of each text, its document named by the text's place."""

    def cut(self, texts: Sequence[tuple[str, str]]) -> list[Passage]:
        return make_passages(*[text for _, text in texts], names=[str(i) for i in range(len(texts))])

    @contextmanager
    def library_of(self, texts: Sequence[tuple[str, str]]) -> Iterator[Assistant]:
        yield make_assistant(self.cut(texts))


def make_assistant(passages: Sequence[Passage] = ()) -> Assistant:
    return Assistant(
        ListLibrary(passages),
        FakeEmbedder(),
        evidence=WordEvidence(),
        generator=ScriptedGenerator(),
        limits=Limits(threshold=0.6),
    )


def test_a_sample_is_asked_over_every_passage_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, ROWS)
    workshop, sample = PassageWorkshop(), read_questions(file, split="test")
    scored = run_questions(
        sample,
        "open",
        assistant=make_assistant(),
        workshop=workshop,
        embedder=FakeEmbedder(),
        others=read_passages(file),
    )
    assert len(scored) == 1
    assert {p.chunk.text for p in scored[0].answer.passages} == {PASSAGE["text"], OTHER["text"]}
    assert scored[0].ratios["citation_precision"] == (1.0, 1.0)


@pytest.mark.parametrize("mode", ["given", "open"])
def test_a_run_reports_every_figure_of_the_contract(tmp_path: Path, mode: Any) -> None:
    questions = read_questions(write(tmp_path, ROWS))
    scored = run_questions(
        questions, mode, assistant=make_assistant(), workshop=PassageWorkshop(), embedder=FakeEmbedder()
    )
    result = report("questions.jsonl", mode, scored, seed=0, models={})
    answerable = result["answerable"]
    assert answerable["n"] == 2
    assert answerable["contains"] == 1.0
    assert answerable["abstained"] == 0.0
    assert answerable["citation_precision"] == 1.0
    assert answerable["recall_at_1"] == 1.0
    assert result["unanswerable"] == {"n": 1, "abstained": 1.0}
    assert result["unsupported_sentences"] == 0.0
    assert result["intervals_95"]["answerable.contains"] == (1.0, 1.0)
    assert 0 < answerable["f1"] < 1
    assert result["overall_f1"] == pytest.approx((2 * answerable["f1"] + 1) / 3)
    assert set(scored[0].to_json()) == {"id", "answerable", "answers", "latency_ms", "scores", "reply"}


def make_answer(text: str, quote: str) -> Answer:
    document = make_passages(quote)[0].document
    citation = Citation(1, document, None, None, 0, len(quote), quote)
    sentence = Sentence(text, "supported", (1,))
    empty: dict[str, Any] = {}
    return Answer("q", "q", text, None, False, 1.0, (sentence,), (citation,), (), empty, empty, empty)


def test_the_independent_check_fails_invented_numbers_words_and_missing_citations() -> None:
    quote = "Up to 10 days of leave may be carried over."
    assert count_unsupported(make_answer(quote, quote), FakeEmbedder()) == (0, 1)
    assert count_unsupported(make_answer("Up to 12 days of leave may be carried over.", quote), FakeEmbedder()) == (
        1,
        1,
    )
    assert count_unsupported(make_answer("Pandas enjoy bamboo forests greatly.", quote), FakeEmbedder()) == (1, 1)
    bare = make_answer(quote, quote)
    uncited = Answer(**{f: getattr(bare, f) for f in bare.__slots__} | {"citations": ()})
    assert count_unsupported(uncited, FakeEmbedder()) == (1, 1)


def test_a_quote_lies_in_a_text_whatever_the_blanks() -> None:
    assert texts_hold("Up to\n10 days", ["He said: Up to 10  days."])
    assert not texts_hold("Up to 12 days", ["Up to 10 days."])
