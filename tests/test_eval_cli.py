"""The evaluation's commands: ``eval FILE`` as ever, others beside it, and a report with pictures."""

import json
from pathlib import Path
from typing import Any

import pytest

from rag_app.eval_cli import AnswersByDefault, eval_app
from tests.test_cli import QUESTIONS, Terminal

ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "How many days of leave may be carried over?", "answers": ["10 days", "10"],
     "passages": [{"title": "Leave", "text": "Up to 10 days of leave may be carried over into the next year."}],
     "answerable": True, "split": "test"},
    {"id": "b", "question": "What is the password of the guest wifi?", "answers": [],
     "passages": [{"title": "Canteen", "text": "The canteen opens at 11:30 every day."}], "answerable": False},
    {"id": "c", "question": " ", "passages": [{"title": "", "text": "Nothing."}], "answers": ["x"], "answerable": True},
]  # fmt: skip
CLAIMS: list[dict[str, Any]] = [
    {"id": "a", "question": "The canteen opens at 11:30.", "passages": ROWS[1]["passages"], "supported": True},
    {"id": "b", "question": "Elephants paint walls.", "passages": ROWS[1]["passages"], "supported": False},
]
CORPUS = [{"id": "d1", "title": "Doors", "text": "The door of the boat house is blue."},
          {"id": "d2", "title": "Cats", "text": "A cat sleeps sixteen hours a day."}]  # fmt: skip
QUERIES = [{"id": "q1", "text": "colour of the boat house door", "split": "dev"}]


@pytest.fixture
def terminal(handbook_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(handbook_home, monkeypatch, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a small set of each kind that a report knows, and not all of them."""
    folder = tmp_path / "data"
    folder.mkdir()
    written = {"squad_v2_eval_articles": ROWS, "fever_symmetric": CLAIMS, "scifact.corpus": CORPUS,
               "scifact.queries": QUERIES}  # fmt: skip
    for name, rows in written.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "scifact.qrels.tsv").write_text("split\tquery-id\tcorpus-id\tscore\ndev\tq1\td1\t1\n")
    return folder


def test_a_file_is_the_first_word_and_commands_are_told_from_it(terminal: Terminal, data: Path) -> None:
    file = str(data / "squad_v2_eval_articles.jsonl")
    short = terminal.json("eval", file, "--mode", "given")
    options_first = terminal.json("eval", "--mode", "given", file)
    spelt_out = terminal.json("eval", "answers", file, "--mode", "given")
    for report in (short, options_first, spelt_out):
        del report["latency_ms"]
    assert short == options_first == spelt_out
    assert short["failed"] == {"n": 1, "questions": [{"id": "c", "reason": short["failed"]["questions"][0]["reason"]}]}
    assert short["answerable"]["contains"] == 0.5
    said = terminal.run("eval", "--help")
    assert all(name in said for name in ("answers", "retrieval", "claims", "report"))
    assert eval_app.info.cls is AnswersByDefault


def test_ours_and_plain_stand_side_by_side(terminal: Terminal, data: Path) -> None:
    file = str(data / "squad_v2_eval_articles.jsonl")
    report = terminal.json("eval", file, "--mode", "open", "--system", "both")
    assert list(report["systems"]) == ["ours", "plain"]
    assert report["systems"]["plain"]["unanswerable"]["abstained"] == 0.0
    assert report["system"] == "ours"
    assert report["n"] == report["systems"]["plain"]["n"] == 3
    alone = terminal.json("eval", file, "--mode", "open", "--system", "plain")
    assert alone["system"] == "plain"
    assert alone["models"]["evidence"] == "none"
    said = terminal.run("eval", file, "--mode", "open", "--system", "both", "--seed", "7")
    assert all(word in said for word in ("ours", "plain", "n = 3", "seed 7", "SmolLM2", "could not be asked"))


def test_a_part_can_be_switched_off_and_an_unknown_one_is_named(terminal: Terminal, data: Path) -> None:
    file = str(data / "squad_v2_eval_articles.jsonl")
    options = ["--mode", "given", "--ablate", "generator", "--ablate", "abstention", "--ablate", "words"]
    report = terminal.json("eval", file, *options)
    assert list(report["systems"]) == ["ours", "without generator", "without abstention", "without words"]
    assert report["systems"]["without generator"]["models"]["generator"] == "none"
    assert report["systems"]["without abstention"]["unanswerable"]["abstained"] == 0.0
    assert "without abstention" in terminal.run("eval", file, *options)
    terminal.run("eval", file, "--mode", "given", "--ablate", "luck", status=2)
    assert "no part 'luck'" in " ".join(terminal.errors.replace("│", " ").split())


def test_a_run_that_was_ended_goes_on_with_its_records(terminal: Terminal, data: Path, tmp_path: Path) -> None:
    file, records = str(data / "squad_v2_eval_articles.jsonl"), tmp_path / "records.jsonl"
    options = ["--mode", "given", "--records", str(records)]
    whole = terminal.json("eval", file, *options)
    lines = records.read_text().splitlines(keepends=True)
    # Mark the first answer, to see that it is not asked again; the second was being written.
    first = json.loads(lines[0])
    first["ratios"]["contains"] = [0.25, 1.0]
    records.write_text(json.dumps(first) + "\n" + lines[1][:40])
    again = terminal.json("eval", file, *options, "--resume")
    assert again["answerable"]["contains"] == 0.125
    assert again["unanswerable"] == whole["unanswerable"]
    assert [json.loads(line)["id"] for line in records.read_text().splitlines()] == ["a", "b", "c"]
    other = dict(first, reply=first["reply"] | {"models": {"generator": "another"}})
    records.write_text(json.dumps(other) + "\n")
    terminal.run("eval", file, *options, "--resume", status=1)
    assert "holds answers of other models (another)" in terminal.errors
    records.write_text('{"id": "a", "mode": "given"}\n')
    terminal.run("eval", file, *options, "--resume", status=1)
    assert "line 1, is no record of an evaluation" in terminal.errors
    terminal.run("eval", file, "--mode", "given", "--resume", status=2)
    twice = tmp_path / "twice.jsonl"
    row = (data / "squad_v2_eval_articles.jsonl").read_text().splitlines()[0]
    twice.write_text(f"{row}\n{row}\n")
    terminal.run("eval", str(twice), *options, "--resume", status=1)
    assert "have the same id" in terminal.errors


def test_retrieval_and_claims_are_measured_and_reported(terminal: Terminal, data: Path, tmp_path: Path) -> None:
    files = ["--corpus", str(data / "scifact.corpus.jsonl"), "--queries", str(data / "scifact.queries.jsonl"),
             "--qrels", str(data / "scifact.qrels.tsv")]  # fmt: skip
    out = tmp_path / "out.json"
    result = terminal.json("eval", "retrieval", *files, "--split", "dev", "--out", str(out))
    assert result == json.loads(out.read_text())
    assert result["systems"]["reranked"]["figures"]["nDCG@10"] == 1.0
    said = terminal.run("eval", "retrieval", *files, "--no-rerank", "--system", "words", "--system", "reranked")
    assert "words" in said
    assert "reranked" not in said
    claims = str(data / "fever_symmetric.jsonl")
    assert terminal.json("eval", "claims", claims)["auroc"] == 1.0
    assert "balanced_accuracy" in terminal.run("eval", "claims", claims)


def test_a_report_holds_every_section_its_pictures_and_its_commands(
    terminal: Terminal, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "made" / "report"
    questions = data / "squad_v2_eval_articles.jsonl"
    said = terminal.run("eval", "report", "--out", str(folder), "--questions", str(questions), "--data", str(data))
    assert said.strip() == str(folder / "report.md")
    text = (folder / "report.md").read_text()
    for section in (
        "sample handbook",
        "each part is worth",
        "confidence is worth",
        "Public sets",
        "Claims",
        "Retrieval",
    ):
        assert section in text
    shown = {word.split(")")[0] for word in text.split("](")[1:]}
    assert shown == {file.name for file in folder.glob("*.png")} != set()
    assert "boolq_dev.jsonl" in text
    assert "without rerank" in text
    assert str(data) not in text.replace(str(questions), "")
    results = json.loads((folder / "report.json").read_text())
    assert [run["title"] for run in results["sets"]] == [
        "squad_v2_eval_articles, given",
        "squad_v2_eval_articles, open",
    ]
    commands = [line for line in text.splitlines() if line.startswith("rag-app eval ")]
    assert len(commands) == 9
    terminal.run(*commands[0].split()[1:])


def test_a_report_that_cannot_be_made_says_why(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("eval", "report", "--out", str(tmp_path), "--data", str(tmp_path / "gone"), status=1)
    assert "There is no folder" in terminal.errors
    (tmp_path / "file").write_text("")
    terminal.run("eval", "report", "--out", str(tmp_path / "file"), "--questions", str(QUESTIONS), status=1)
    assert "file cannot be written" in terminal.errors
