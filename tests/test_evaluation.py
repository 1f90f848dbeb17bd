"""Evaluation files are read strictly, and figures follow from answers as the contract says."""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rag_app.answering.assistant import Assistant, Limits
from rag_app.answering.retrieval import Searchable
from rag_app.errors import DataError
from rag_app.evaluation.datasets import read_passages, read_questions
from rag_app.evaluation.evaluate import Run, Scored, System, run_questions
from rag_app.evaluation.figures import report
from rag_app.evaluation.independent import count_unsupported, texts_hold
from rag_app.evaluation.plain import PlainAssistant
from rag_app.records import Answer, Citation, Message, Passage, Sentence
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
        ([ROWS[0] | {"answers": "Oslo"}], "line 1: answers is 'Oslo', not a list"),
        ([ROWS[0] | {"answerable": "false"}], "line 1: answerable is 'false', not true or false"),
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
    def library_of(self, texts: Sequence[tuple[str, str]]) -> Iterator[ListLibrary]:
        yield ListLibrary(self.cut(texts))


def make_assistant(library: Searchable) -> Assistant:
    return Assistant(
        library, FakeEmbedder(), evidence=WordEvidence(), generator=ScriptedGenerator(), limits=Limits(threshold=0.6)
    )


def make_plain(library: Searchable) -> PlainAssistant:
    return PlainAssistant(library, FakeEmbedder(), generator=ScriptedGenerator(*["It is 10 days. Enjoy."] * 9))


OURS, PLAIN = System("ours", make_assistant), System("plain", make_plain)


def make_run(mode: Any, file: Path | None = None) -> Run:
    return Run(mode, PassageWorkshop(), FakeEmbedder(), others=read_passages(file) if file else ())


def test_a_sample_is_asked_over_every_passage_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, ROWS)
    scored = run_questions(read_questions(file, split="test"), [OURS], make_run("open", file))
    assert len(scored) == 1
    assert scored[0].reply
    assert {p["text"] for p in scored[0].reply["passages"]} == {PASSAGE["text"], OTHER["text"]}
    assert scored[0].ratios["citation_precision"] == (1.0, 1.0)


@pytest.mark.parametrize("mode", ["given", "open"])
def test_a_run_reports_every_figure_of_the_contract(tmp_path: Path, mode: Any) -> None:
    scored = run_questions(read_questions(write(tmp_path, ROWS)), [OURS], make_run(mode))
    result = report("questions.jsonl", mode, scored, seed=0)
    answerable = result["answerable"]
    assert answerable["n"] == 2
    assert answerable["contains"] == answerable["answered_well"] == 1.0
    assert answerable["abstained"] == 0.0
    assert answerable["citation_precision"] == 1.0
    assert answerable["recall_at_1"] == 1.0
    assert result["unanswerable"] == {"n": 1, "abstained": 1.0}
    assert result["unsupported_sentences"] == result["false_answers"] == 0.0
    assert result["answered"] == pytest.approx(2 / 3)
    assert result["intervals_95"]["answerable.contains"] == (1.0, 1.0)
    assert 0 < answerable["f1"] < 1
    assert result["overall_f1"] == pytest.approx((2 * answerable["f1"] + 1) / 3)
    assert set(result["models"]) == {"embedder", "evidence", "generator"}


@pytest.mark.parametrize("mode", ["given", "open"])
def test_the_plain_pipeline_stands_beside_ours_and_answers_everything(tmp_path: Path, mode: Any) -> None:
    scored = run_questions(read_questions(write(tmp_path, ROWS)), [OURS, PLAIN], make_run(mode))
    assert [s.system for s in scored] == ["ours"] * 3 + ["plain"] * 3
    plain = [s for s in scored if s.system == "plain"]
    assert all(s.reply and not s.reply["abstained"] for s in plain)
    first = plain[0].reply
    assert first
    assert first["short_answer"] == first["answer"] == "It is 10 days. Enjoy."
    cited = list(range(1, 2 if mode == "given" else 3))
    assert [s["citations"] for s in first["sentences"]] == [cited, cited]
    result = report("questions.jsonl", mode, plain, seed=0)
    assert result["answerable"]["contains"] == 0.5
    assert result["unanswerable"]["abstained"] == 0.0
    assert result["false_answers"] == pytest.approx(2 / 3)


def test_the_plain_pipeline_reads_the_nearest_three_passages_and_the_history() -> None:
    generator = ScriptedGenerator("Blue.")
    passages = make_passages("The door is blue.", "Cats sleep.", "Rain falls.", "The blue door.", "Dogs bark.")
    plain = PlainAssistant(ListLibrary(()), FakeEmbedder(), generator=generator)
    history = [Message("user", "Is there a door?"), Message("assistant", "Yes.")]
    answer = plain.answer_from("Which colour has the blue door?", passages, history=history).answer
    assert [p.rank for p in answer.passages] == [1, 2, 3]
    assert {"The door is blue.", "The blue door."} < {p.chunk.text for p in answer.passages}
    assert generator.prompts[0][:2] == history
    assert "Dogs" not in generator.prompts[0][-1].content
    assert 0 < answer.confidence <= 1


@pytest.mark.parametrize("question", ["", " ", "x" * 5000])
def test_a_question_that_cannot_be_asked_counts_as_wrong_with_the_reason(tmp_path: Path, question: str) -> None:
    rows = [ROWS[0], ROWS[1] | {"question": question}, ROWS[2] | {"question": question}]
    scored = run_questions(read_questions(write(tmp_path, rows)), [OURS], make_run("open"))
    result = report("questions.jsonl", "open", scored, seed=0)
    assert [f["id"] for f in result["failed"]["questions"]] == ["b", "c"]
    assert "The question" in result["failed"]["questions"][0]["reason"]
    assert result["answerable"]["contains"] == 0.5
    assert result["unanswerable"]["abstained"] == 0.0
    assert result["n"] == 3


def test_records_can_be_read_back_and_what_they_hold_is_not_asked_again(tmp_path: Path) -> None:
    questions = read_questions(write(tmp_path, [*ROWS, ROWS[0] | {"id": "d", "question": ""}]))
    first = run_questions(questions, [OURS], make_run("open"))
    rows = [json.loads(json.dumps(s.to_json())) for s in first]
    known = [Scored.from_json(row, question) for row, question in zip(rows, questions, strict=True)]
    asked: list[Scored] = []
    again = run_questions(questions, [OURS], make_run("open"), known=known[1:], on_scored=asked.append)
    assert [s.question.id for s in asked] == ["a"]
    assert [s.ratios for s in again] == [s.ratios for s in first]
    assert again[3].failure == first[3].failure


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
