"""The command line keeps its contract: shapes, streams and exit statuses, with the real models."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rag_app.answering.confidence import Belief
from rag_app.cli import main, read_history
from rag_app.errors import DataError
from tests.test_held_out import rows as held_out_rows

ANSWER_FIELDS = {
    "question", "standalone_question", "answer", "short_answer", "abstained", "confidence", "sentences", "citations",
    "passages", "models", "usage", "timings_ms", "kind", "disagreement", "note", "signals",
}  # fmt: skip
QUESTIONS = Path(__file__).parents[1] / "data" / "questions.jsonl"
CARRY = "How many days of annual leave may be carried over into the next year?"


class Terminal:
    """Runs commands as a shell would, in this process, and keeps what they print."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run ``rag-app`` with these arguments, expect an exit status, and return its standard output."""
        self._monkeypatch.setenv("RAG_APP_HOME", str(self.home))
        self._monkeypatch.setenv("COLUMNS", "200")
        self._monkeypatch.setattr(sys, "argv", ["rag-app", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
            raise SystemExit(0)
        said = self._capsys.readouterr()
        self.errors = said.err
        assert (ended.value.code or 0) == status, said.err
        return said.out

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", status=status))


@pytest.fixture
def terminal(handbook_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal over the ingested handbook; tests that change the library use ``fresh``."""
    return Terminal(handbook_home, monkeypatch, capsys)


@pytest.fixture
def fresh(
    prepared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal over an empty library."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(prepared_home / "models")
    return Terminal(home, monkeypatch, capsys)


def test_ask_keeps_to_the_documents_that_are_named(terminal: Terminal) -> None:
    known = {row["name"]: str(row["id"]) for row in terminal.json("documents", "list")["documents"]}
    answer = terminal.json("ask", CARRY, "--document", known["archive/leave-policy-2023.md"])
    assert {passage["document"]["name"] for passage in answer["passages"]} == {"archive/leave-policy-2023.md"}
    two = [known["offices/canteen.txt"], known["offices/parking.txt"]]
    answer = terminal.json("ask", CARRY, "--document", two[0], "--document", two[1])
    assert {str(passage["document"]["id"]) for passage in answer["passages"]} <= set(two)
    terminal.run("ask", CARRY, "--document", "987654", status=1)
    assert "no document 987654" in terminal.errors


def test_ask_prints_one_object_with_every_field_and_exact_quotes(terminal: Terminal) -> None:
    answer = terminal.json("ask", CARRY)
    assert set(answer) == ANSWER_FIELDS
    assert answer["question"] == answer["standalone_question"] == CARRY
    assert not answer["abstained"]
    assert "6" in answer["answer"]
    assert set(answer["timings_ms"]) == {"retrieve", "evidence", "first_token", "total"}
    assert set(answer["usage"]) == {"prompt_tokens", "completion_tokens"}
    assert set(answer["models"]) == {"embedder", "evidence", "generator"}
    for sentence in answer["sentences"]:
        assert sentence["status"] in {"supported", "quoted"}
        assert set(sentence["citations"]) <= {c["number"] for c in answer["citations"]}
    for citation in answer["citations"]:
        assert set(citation) == {"number", "document", "page", "heading", "start", "end", "quote"}
        assert set(citation["document"]) == {"id", "name", "path", "collection", "sha256"}
        text = terminal.run("documents", "text", str(citation["document"]["id"]))
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    for passage in answer["passages"]:
        assert {"rank", "chunk_id", "document", "page", "score", "text"} <= set(passage)


def test_ask_tells_how_the_answer_came_about_where_that_is_wanted(terminal: Terminal) -> None:
    answer = terminal.json("ask", "What is the password of the guest wifi?", "--trace")
    assert set(answer) == ANSWER_FIELDS | {"trace"}
    told = [(passage["rank"], passage["chunk_id"]) for passage in answer["trace"]["passages"]]
    assert told == [(passage["rank"], passage["chunk_id"]) for passage in answer["passages"]]


def test_ask_in_words_shows_the_answer_the_quote_and_the_document(terminal: Terminal) -> None:
    said = terminal.run("ask", CARRY)
    assert "[1] hr/leave-policy.md" in said
    assert "Up to 6 unused days" in said


def test_an_abstention_is_an_answer_and_no_error(terminal: Terminal) -> None:
    answer = terminal.json("ask", "What is the password of the guest wifi?")
    assert answer["abstained"]
    assert answer["citations"] == answer["sentences"] == []
    assert answer["short_answer"] is None
    assert answer["passages"]
    assert "Closest passages" in terminal.run("ask", "What is the password of the guest wifi?")


def test_a_follow_up_is_understood_with_its_history(terminal: Terminal, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "What is the per diem for Norway?"}, {"role": "assistant", "content": "54"}]
    (tmp_path / "turns.json").write_text(json.dumps(turns))
    answer = terminal.json("ask", "And for Italy?", "--history", str(tmp_path / "turns.json"))
    assert answer["standalone_question"] == "What is the per diem for Italy?"


def test_a_greeting_is_answered_without_a_search(terminal: Terminal) -> None:
    answer = terminal.json("ask", "Hello, who are you?")
    assert (answer["kind"], answer["abstained"], answer["passages"]) == ("small_talk", False, [])
    assert terminal.run("ask", "Hello, who are you?").strip() == answer["answer"]


def test_two_versions_of_a_policy_are_both_shown_and_said_to_disagree(terminal: Terminal) -> None:
    answer = terminal.json("ask", CARRY, "--show-unsupported")
    assert answer["disagreement"]
    assert answer["answer"].startswith(answer["note"])
    shown = [s for s in answer["sentences"] if s["status"] != "unsupported"]
    names = {c["number"]: c["document"]["name"] for c in answer["citations"]}
    cited = [names[s["citations"][0]] for s in shown]
    assert cited == ["hr/leave-policy.md", "archive/leave-policy-2023.md"]


def test_search_returns_ranked_passages(terminal: Terminal) -> None:
    found = terminal.json("search", "lost laptop", "-k", "3")
    assert set(found) == {"query", "passages", "timings_ms"}
    assert [p["rank"] for p in found["passages"]] == [1, 2, 3]
    assert "laptop" in terminal.run("search", "lost laptop", "-k", "3").lower()


def test_documents_can_be_listed_and_shown(terminal: Terminal) -> None:
    documents = terminal.json("documents", "list")["documents"]
    assert len(documents) == 70
    wanted = {"id", "name", "path", "collection", "sha256", "version", "pages", "chunks", "ingested_at"}
    assert all(wanted <= set(d) for d in documents)
    shown = terminal.json("documents", "show", str(documents[0]["id"]))
    assert len(shown["chunk_list"]) == documents[0]["chunks"]
    text = terminal.json("documents", "text", str(documents[0]["id"]))["text"]
    assert all(text[c["start"] : c["end"]] == c["text"] for c in shown["chunk_list"])
    assert "leave-policy.md" in terminal.run("documents", "list")
    assert documents[0]["name"] in terminal.run("documents", "show", str(documents[0]["id"]))


def test_verify_finds_the_handbook_sound(terminal: Terminal) -> None:
    report = terminal.json("verify")
    assert report["clean"]
    assert report["documents"] == 70
    assert report["vectors"] == report["chunks"]
    assert "sound" in terminal.run("verify")


def test_models_are_listed_and_prepared(terminal: Terminal) -> None:
    listed = terminal.json("models", "list")["models"]
    assert {"all-MiniLM-L6-v2", "SmolLM2-135M-Instruct", "evidence"} <= {m["name"] for m in listed}
    assert all(m["licence"] == "Apache-2.0" and len(m["sha256"]) == 64 for m in listed)
    prepared = terminal.json("models", "prepare")["models"]
    assert all(Path(m["folder"]).is_dir() for m in prepared)
    assert "Apache-2.0" in terminal.run("models", "list")


def test_a_library_lives_through_its_whole_life(fresh: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "keys.md").write_text("# Keys\n\nThe spare key of the boat house hangs behind the blue door.\n")
    (folder / "broken.pdf").write_bytes(b"")
    would = fresh.json("ingest", str(folder), "--dry-run", status=1)
    assert would["added"] == ["keys.md"]
    assert fresh.json("documents", "list")["documents"] == []
    report = fresh.json("ingest", str(folder), status=1)
    assert report["added"] == ["keys.md"]
    assert [f["name"] for f in report["failures"]] == ["broken.pdf"]
    assert {"added", "updated", "unchanged", "removed", "failures", "chunks", "seconds"} <= set(report)
    (folder / "broken.pdf").unlink()
    assert fresh.json("ingest", str(folder))["unchanged"] == 1
    answer = fresh.json("ask", "Where does the spare key of the boat house hang?")
    assert "blue door" in answer["answer"]
    number = fresh.json("documents", "list")["documents"][0]["id"]
    assert fresh.json("documents", "remove", str(number))["removed"]["name"] == "keys.md"
    assert fresh.json("ask", "Where does the spare key of the boat house hang?")["abstained"]
    assert fresh.json("ingest", str(folder))["added"] == ["keys.md"]
    assert fresh.json("rebuild")["clean"]
    assert "1 added" in fresh.run("ingest", str(folder), "--collection", "other")


def test_collections_are_kept_apart(fresh: Terminal, tmp_path: Path) -> None:
    for name, text in (("one", "The boat house key hangs behind the blue door."), ("two", "Lunch is at noon.")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(text)
        fresh.run("ingest", str(tmp_path / name), "--collection", name)
    question = "Where does the boat house key hang?"
    assert "blue door" in fresh.json("ask", question, "--collection", "one")["answer"]
    other = fresh.json("ask", question, "--collection", "two")
    assert other["abstained"]
    assert {p["document"]["collection"] for p in other["passages"]} == {"two"}
    fresh.run("ask", question, "--collection", "three", status=1)
    assert "There is no collection 'three'. Collections: one, two." in fresh.errors


def test_an_evaluation_reports_and_keeps_its_records(terminal: Terminal, tmp_path: Path) -> None:
    report_file, records = tmp_path / "report.json", tmp_path / "records.jsonl"
    options = ["--limit", "6", "--seed", "1", "--records", str(records), "--out", str(report_file)]
    for mode in ("given", "open"):
        report = terminal.json("eval", str(QUESTIONS), "--mode", mode, *options)
        assert report == json.loads(report_file.read_text())
        assert {"dataset", "mode", "n", "seed", "models", "answerable", "unanswerable", "unsupported_sentences",
                "latency_ms", "intervals_95"} <= set(report)  # fmt: skip
        assert report["n"] == 6
        assert len(records.read_text().splitlines()) == 6
    assert "latency" in terminal.run("eval", str(QUESTIONS), "--mode", "given", "--limit", "2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", ""], "The question is empty"),
        (["ask", "x" * 100_000], "100,000 characters; at most 4,000"),
        (["ingest", "/no/such/folder"], "/no/such/folder"),
        (["documents", "show", "999"], "999"),
        (["eval", "/no/such/file.jsonl", "--mode", "open"], "There is no file /no/such/file.jsonl"),
        (["ask", "why", "--history", "/no/such.json"], "There is no file /no/such.json"),
        (["eval", str(QUESTIONS), "--mode", "open", "--records", "/no/such/r.jsonl"], "r.jsonl cannot be written"),
        (["eval", str(QUESTIONS), "--mode", "open", "--out", "/no/such/r.json"], "r.json cannot be written"),
    ],
)
def test_an_error_is_one_line_with_the_input_and_status_1(
    terminal: Terminal, arguments: list[str], message: str
) -> None:
    assert terminal.run(*arguments, status=1) == ""
    assert message in terminal.errors
    assert "Traceback" not in terminal.errors


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["ask"], ["search", "x", "-k", "0"], ["eval", "f", "--mode", "sideways"]]
)
def test_wrong_usage_has_status_2(terminal: Terminal, arguments: list[str]) -> None:
    terminal.run(*arguments, status=2)


def test_a_library_of_another_embedder_is_named_with_the_remedy_and_rebuild_heals_it(
    fresh: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.tiny_models import save_tiny_embedder

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("The key hangs behind the blue door.")
    fresh.run("ingest", str(tmp_path / "docs"))
    monkeypatch.setenv("RAG_APP_EMBEDDER", str(save_tiny_embedder(tmp_path / "tiny")))
    fresh.run("search", "key", status=1)
    assert "rag-app rebuild" in fresh.errors
    assert fresh.json("rebuild")["clean"]
    assert fresh.json("search", "key")["passages"]


def test_an_adapter_can_be_trained_on_rows_of_ones_own(fresh: Terminal, tmp_path: Path) -> None:
    fresh.run("train", "evidence", "--data", str(tmp_path), "--out", str(tmp_path / "out"), status=1)
    assert "lacks squad_v2_train_articles" in fresh.errors
    rows = [
        {"id": f"{a}{q}", "question": f"Where does key {q} hang?", "answers": ["blue door"] if q else [],
         "passages": [{"title": f"t{a}", "text": f"Key 1 hangs behind the blue door of house {a}."}],
         "answerable": bool(q), "article": f"t{a}", "task": "extractive_qa"}
        for a in range(5) for q in (0, 1)
    ]  # fmt: skip
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    for name in ("squad_v1_train", "squad_v2_train_articles"):
        (tmp_path / f"{name}.jsonl").write_text(lines)
    out = tmp_path / "out"
    said = fresh.run("train", "evidence", "--data", str(tmp_path), "--out", str(out), "--minutes", "0.03")
    assert "Calibration(" in said
    about = json.loads((out / "adapter.json").read_text())
    assert about["name"].startswith("evidence-all-MiniLM-L6-v2@")
    assert len(about["base_sha256"]) == 64
    assert (out / "adapter.safetensors").stat().st_size > 1_000_000


def test_confidence_can_be_fitted_on_rows_of_ones_own(fresh: Terminal, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "confidence.json"
    data.mkdir()
    arguments = ("train", "confidence", "--data", str(data), "--out", str(out), "--rows", "24")
    fresh.run(*arguments, status=1)
    assert "lacks squad_v2_train_articles" in fresh.errors
    assert not out.exists()
    lines = "\n".join(json.dumps(row) for row in held_out_rows())
    (data / "squad_v2_train_articles.jsonl").write_text(lines)
    assert "Belief(" in fresh.run(*arguments)
    belief = Belief(**json.loads(out.read_text()))
    assert 0 < belief.confidence({"evidence": 0.9, "silence": 0.1, "certainty": 0.9, "agreement": 1.0}) < 1
    assert not list(tmp_path.glob("*.tmp"))


def test_the_version_is_printed(terminal: Terminal) -> None:
    assert terminal.run("--version").startswith("rag_app ")


def test_a_history_must_be_a_list_of_turns(tmp_path: Path) -> None:
    file = tmp_path / "turns.json"
    for content in ("{}x", '[{"role": "wizard", "content": "x"}]', '[{"content": "x"}]', '"text"'):
        file.write_text(content)
        with pytest.raises(DataError, match="cannot be read as a history"):
            read_history(file)


def test_a_history_that_cannot_be_opened_is_told_in_plain_words(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00[")
    for name, said in (
        ("none.json", f"There is no file {tmp_path / 'none.json'}."),
        (".", "is a folder, not a file"),
        ("binary.json", "it is no UTF-8 text at byte 0"),
    ):
        terminal.run("ask", CARRY, "--history", str(tmp_path / name), status=1)
        assert said in terminal.errors
        assert "Errno" not in terminal.errors


def test_ingesting_the_same_folder_again_changes_nothing(terminal: Terminal) -> None:
    folder = Path(__file__).parents[1] / "data" / "handbook"
    assert terminal.json("ingest", str(folder), "--dry-run")["unchanged"] == 70
