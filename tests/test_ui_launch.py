"""The page is started on its port, for this machine alone, and reaches out to nobody."""

import socket
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

import ui
from rag_app.errors import PageError
from rag_app.records import Document
from ui.examples import example_questions
from ui.launch import launch

FOLDER = Path(ui.__file__).parent


def test_a_taken_port_is_told_with_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("localhost", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PageError, match=rf"localhost:{port}.*--port"):
            launch(port)


def test_the_page_sends_nothing_and_shows_no_traceback() -> None:
    config = tomllib.loads((FOLDER / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["address"] == "localhost"
    assert config["client"]["showErrorDetails"] == "none"
    assert config["client"]["showErrorLinks"] is False


@pytest.mark.parametrize("name", ["style.css", "page.js", "mark.svg", "wordmark.svg"])
def test_an_asset_loads_nothing_from_elsewhere(name: str) -> None:
    text = (FOLDER / "assets" / name).read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    for reference in ("http:", "https:", "//cdn", "@import", "url("):
        assert reference not in text


def make_document(number: int, root: Path, title: str = "") -> Document:
    name = f"{number}.md"
    day = datetime(2026, 1, 1, tzinfo=UTC)
    return Document(number, name, str(root / name), str(root), "default", "", 1, 1, title, 1, None, 1, day)


def test_the_handbook_comes_with_questions_written_for_it(tmp_path: Path) -> None:
    (tmp_path / "examples.json").write_text('{"questions": ["One?", "Two?", 3]}', encoding="utf-8")
    handbook = [make_document(number, tmp_path / "handbook", "Leave") for number in (1, 2)]
    mine = make_document(3, tmp_path, "Mine")
    assert example_questions([*handbook, mine], tmp_path) == ["One?", "Two?"]
    assert "One?" not in example_questions([mine], tmp_path)


@pytest.mark.parametrize("content", ["", "no json", "[1]", '{"a": 1}', '{"questions": 3}'])
def test_other_documents_and_a_damaged_file_give_questions_made_of_titles(tmp_path: Path, content: str) -> None:
    (tmp_path / "examples.json").write_text(content, encoding="utf-8")
    documents = [make_document(n, tmp_path / "handbook", f"Title {n}") for n in range(9)]
    questions = example_questions(documents, tmp_path)
    assert len(questions) == 4
    assert questions[0] == "What is said about “Title 0”?"
    assert example_questions([make_document(1, tmp_path)], tmp_path) == []
