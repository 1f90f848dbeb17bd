"""What readers thought of answers, on the command line: listed, and exported for an evaluation."""

from pathlib import Path

import pytest

from rag_app.evaluation.datasets import read_questions
from rag_app.records.feedback import Feedback
from tests.libraries import new_document, open_library, store
from tests.test_cli import Terminal
from tests.test_library_conversations import SECRET
from tests.test_library_feedback import answered, declined


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal over a library in which two answers were judged."""
    with open_library(tmp_path) as library:
        owl = store(library, new_document("owl.md", SECRET))
        library.feedback.give(Feedback(answered(library, owl).id, True))
        library.feedback.give(Feedback(declined(library, owl).id, False, "should_have_known", "Look again."))
    return Terminal(tmp_path, monkeypatch, capsys)


def test_verdicts_are_listed_the_latest_first(terminal: Terminal) -> None:
    latest, first = terminal.json("feedback", "list")["feedback"]
    assert (first["helpful"], first["abstained"], first["question"]) == (True, False, "Where does the owl sleep?")
    assert (latest["reason"], latest["words"], latest["correction"]) == ("should_have_known", "Look again.", "")
    assert terminal.json("feedback", "list", "--limit", "1")["feedback"] == [latest]
    said = terminal.run("feedback", "list")
    assert "did not help: the documents do say" in said
    assert "in words: Look again." in said


def test_an_export_is_an_evaluation_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl.gz"
    assert terminal.json("feedback", "export", str(file)) == {"file": str(file), "rows": 1, "judged": 2}
    (question,) = read_questions(file)
    assert question.answers == (SECRET[:20],)
    said = terminal.run("feedback", "export", str(file))
    assert "1 of 2 verdicts say what is right" in said
    assert f"rag-app eval {file} --mode given" in said
    terminal.run("feedback", "export", str(tmp_path / "no" / "folder.jsonl"), status=1)
    assert "cannot be written" in terminal.errors


def test_a_library_without_verdicts_says_how_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_library(tmp_path).close()
    terminal = Terminal(tmp_path, monkeypatch, capsys)
    assert "thumbs below an answer" in terminal.run("feedback", "list")
    assert "0 of 0 verdicts" in terminal.run("feedback", "export", str(tmp_path / "none.jsonl"))
