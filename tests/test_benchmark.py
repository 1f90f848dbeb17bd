"""The benchmark measures what it says, on fakes; its figures themselves are nobody's test."""

import json
from itertools import count
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.pipeline import IngestOptions, ingest_folder
from rag_app import benchmark
from rag_app.answering.assistant import Assistant, Limits
from rag_app.benchmark import Figure
from rag_app.errors import DataError
from rag_app.library import Library
from tests.fakes import FakeEmbedder, ScriptedGenerator, WordEvidence

LEAVE = "Employees have 25 days of annual leave. Up to 10 days of leave may be carried over to the next year."
CANTEEN = "The canteen opens at 11:30 and closes at 14:00. Dogs are not allowed in the canteen."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "leave.txt").write_text(LEAVE, encoding="utf-8")
    (folder / "canteen.txt").write_text(CANTEEN, encoding="utf-8")
    return folder


class Shelf:
    """Opens libraries, each in a folder of its own."""

    def __init__(self, place: Path) -> None:
        self.opened: list[Path] = []
        self._homes = (place / str(number) for number in count())

    def new_library(self) -> Library:
        home = next(self._homes)
        home.mkdir()
        self.opened.append(home)
        url = f"sqlite:///{home / 'library.sqlite3'}"
        return Library.open(url, index_folder=home, embedder="fake", dimensions=64)


def test_a_figure_tells_how_often_it_was_measured_and_how_far_it_spread() -> None:
    told = Figure("search", "ms", (1.0, 2.0, 3.0, 4.0, 10.0)).to_json()
    assert told == {"name": "search", "unit": "ms", "n": 5, "p50": 3.0, "p95": 8.8, "lowest": 1.0, "highest": 10.0}


def test_a_figure_that_was_never_measured_is_told_as_such() -> None:
    assert Figure("answer", "ms", ()).to_json()["n"] == 0


def test_ingestion_is_measured_from_an_empty_library_each_time(folder: Path, tmp_path: Path) -> None:
    shelf, embedder = Shelf(tmp_path), FakeEmbedder()
    figures = benchmark.measure_ingestion(
        folder, embedder, options=IngestOptions(workers=1), new_library=shelf.new_library, repeats=2
    )
    assert len(shelf.opened) == 2
    assert [len(figure.values) for figure in figures] == [2, 2, 2]
    # In both rounds the chunks are embedded once by the ingestion and once alone.
    assert len(embedder.embedded) == 4 * len(set(embedder.embedded))
    assert all(ratio > 0 for ratio in figures[2].values)


def test_a_folder_without_documents_cannot_be_measured(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds nothing that can be ingested"):
        benchmark.measure_ingestion(
            tmp_path / "empty",
            FakeEmbedder(),
            options=IngestOptions(workers=1),
            new_library=Shelf(tmp_path).new_library,
            repeats=1,
        )


def test_answers_and_abstentions_are_told_apart(folder: Path, tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    with Shelf(tmp_path).new_library() as library:
        ingest_folder(folder, library, embedder, options=IngestOptions(workers=1))
        assistant = Assistant(
            library, embedder, evidence=WordEvidence(), generator=ScriptedGenerator(), limits=Limits(threshold=0.9)
        )
        questions = ["How many days of leave may be carried over?", "Who painted the ceiling of the chapel?"]
        figures = {f.name: len(f.values) for f in benchmark.measure_questions(assistant, questions)}
    assert figures == {"search": 2, "answer, first words": 1, "answer, total": 1, "abstention, total": 1}


def test_a_long_prompt_is_filled_with_texts_up_to_its_length() -> None:
    generator = ScriptedGenerator("10 days\nUp to 10 days may be carried over. [1]", "Not in the sources.")
    texts = [f"{number} " + "word " * 200 for number in range(20)]
    found = benchmark.measure_reading(generator, texts, ["How many days?", "Who?"])
    figures = {figure.name: figure.values for figure in found}
    assert all(700 < tokens <= benchmark.LONG_PROMPT for tokens in figures["long prompt"])
    waits = zip(figures["long prompt, first sentence"], figures["long prompt, total"], strict=True)
    assert all(0 < first <= total for first, total in waits)
    assert generator.prompts[0] != generator.prompts[1]


def test_questions_come_from_everywhere_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(json.dumps({"id": n, "question": f"Which is {n}?"}) for n in range(9)), encoding="utf-8")
    assert benchmark.read_questions(file, 2) == ["Which is 0?", "Which is 4?"]


@pytest.mark.parametrize("text", ["", "no json", '{"answer": "no question"}', "[1]"])
def test_a_file_without_questions_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"questions\.jsonl"):
        benchmark.read_questions(file, 2)


def test_the_table_tells_every_figure_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.print_table([Figure("search", "ms", (12.0, 14.0)), Figure("abstention, total", "ms", ())])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["search", "ms", "2", "13.0", "13.9", "12.0", "14.0"] in rows
    assert ["abstention,", "total", "ms", "0", "-", "-", "-", "-"] in rows


def test_memory_is_told_in_mebibytes() -> None:
    held = bytearray(64 * 2**20)
    assert len(held) / 2**20 < benchmark.peak_memory_mib() < 1e6


def test_a_missing_file_of_questions_ends_the_command_with_a_message(folder: Path) -> None:
    file = folder.parent / "asked.jsonl"
    result = CliRunner().invoke(benchmark.app, [str(folder), "--questions", str(file)])
    assert result.exit_code == 1
    assert f"Error: There is no file {file}" in result.stderr


def test_without_questions_ingestion_alone_is_measured(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_APP_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(benchmark.app, [str(folder), "--repeats", "1", "--json"])
    assert result.exit_code == 0, result.stderr
    names = [figure["name"] for figure in json.loads(result.stdout)["figures"]]
    assert "ingestion, of the embedder alone" in names
    assert all(name.startswith("ingestion") for name in names)
