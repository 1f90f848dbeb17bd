"""What the ingest command tells while it runs, what it logs, how it is stopped, and what it does without a model."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 120


@pytest.fixture
def home(prepared_home: Path, tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(prepared_home / "models")
    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "keys.md").write_text("# Keys\n\nThe key hangs behind the blue door.", encoding="utf-8")
    return folder


def start(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "rag_app.cli", "ingest", *arguments]
    environment = os.environ | {"RAG_APP_HOME": str(home)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def done(home: Path, *arguments: str, status: int = 0) -> tuple[dict[str, Any], str]:
    process = start(home, *arguments, "--json")
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == status, err
    return json.loads(out), err


def test_progress_and_the_log_of_a_run_tell_of_every_file_and_its_failure(home: Path, folder: Path) -> None:
    (folder / "empty.pdf").touch()
    report, err = done(home, str(folder), "--progress-json", status=1)
    assert report["added"] == ["keys.md"]
    told = [json.loads(line) for line in err.splitlines()]
    steps = {name: [line["step"] for line in told if line["name"] == name] for name in ("keys.md", "empty.pdf")}
    assert steps["keys.md"][-3:] == ["reading", "embedding", "stored"]
    assert steps["empty.pdf"][-2:] == ["reading", "failed"]
    assert (told[-1]["done"], told[-1]["total"], told[-1]["chunks"]) == (2, 2, 1)
    (log,) = (home / "logs").iterdir()
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert (lines[0]["step"], lines[0]["folder"]) == ("started", str(folder))
    assert (lines[-1]["step"], lines[-1]["added"], lines[-1]["failures"]) == ("finished", 1, 1)
    assert len({line["run"] for line in lines}) == 1
    (failed,) = (line for line in lines if line["step"] == "failed")
    assert failed["file"] == "empty.pdf"
    assert "0 bytes" in failed["cause"]
    assert "blue door" not in log.read_text(encoding="utf-8")


def test_an_unchanged_folder_is_recognised_without_a_model(home: Path, folder: Path) -> None:
    done(home, str(folder))
    program = (
        "import sys; from rag_app.cli import app; "
        f"app(['--home', {str(home)!r}, 'ingest', {str(folder)!r}, '--json'], standalone_mode=False); "
        "print(sorted({'torch', 'transformers', 'streamlit', 'alembic'} & set(sys.modules)))"
    )
    again = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert '"unchanged": 1' in again.stdout
    assert again.stdout.splitlines()[-1] == "[]"


def test_watching_follows_the_folder_until_it_is_interrupted(home: Path, folder: Path) -> None:
    process = start(home, str(folder), "--watch", "--progress-json")
    try:
        wait_until_told(process, "stored", "keys.md")
        (folder / "more.md").write_text("# More\n\nThe ladder stands in the yard.", encoding="utf-8")
        wait_until_told(process, "stored", "more.md")
        (folder / "more.md").rename(folder / "yard.md")
        wait_until_told(process, "moved", "yard.md")
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def wait_until_told(process: "subprocess.Popen[str]", step: str, name: str) -> None:
    """Read the progress until something has become of a file."""
    assert process.stderr
    for line in process.stderr:
        event = json.loads(line)
        if (event["step"], event["name"]) == (step, name):
            return
    raise AssertionError(f"{name} was never {step}")


def test_a_run_that_is_interrupted_says_so_and_the_next_one_goes_on(home: Path, folder: Path) -> None:
    for i in range(60):
        (folder / f"note{i}.md").write_text(f"# Note {i}\n\nThe key number {i} hangs there.", encoding="utf-8")
    process = start(home, str(folder), "--progress-json")
    wait_until_told(process, "reading", "keys.md")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "goes on from there" in err
    assert "Traceback" not in err
    report, _ = done(home, str(folder))
    assert report["unchanged"] + len(report["added"]) == 61
