"""The script that decides whether a commit is trusted: a browser's lost race is run again, nothing else is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "run"
FAILS_ONCE = """
from pathlib import Path
def test_{name}():
    mark = Path(__file__).with_suffix(".{name}")
    if not mark.exists():
        mark.touch()
        raise AssertionError("the first time")
"""
FAILS = "def test_broken():\n    raise AssertionError('always')\n"
PASSES = "def test_right():\n    pass\n"


def run_ci(folder: Path, files: dict[str, str], *, covered: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a copy of the script on a project whose tests are these files; Chromium and Tesseract seem to be there."""
    (folder / ".ci").mkdir()
    (folder / ".ci" / "run").write_bytes(SCRIPT.read_bytes())
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "tool.py").write_text("def used():\n    return 1\n\n\ndef unused():\n    return 2\n")
    (folder / "pyproject.toml").write_text(
        f"[tool.coverage.run]\nsource = ['tool']\n[tool.coverage.report]\nfail_under = {covered}\n"
    )
    (folder / "Makefile").write_text("test:\n\t@.venv/bin/python -m pytest tests --cov\n")
    for name, text in files.items():
        path = folder / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"import tool\ntool.used()\n{text}")
    programs = folder / "programs"
    programs.mkdir()
    for name in ("chromium", "tesseract"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
    environment = kept | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(folder)}
    command = ["bash", ".ci/run"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_a_race_lost_in_the_browser_is_run_again_alone_and_named(tmp_path: Path) -> None:
    files = {"browser/test_page.py": FAILS_ONCE.format(name="one"), "test_core.py": PASSES}
    done = run_ci(tmp_path, files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed alone, failed beside the others: tests/browser/test_page.py::test_one" in done.stdout


@pytest.mark.parametrize(
    ("files", "covered"),
    [
        ({"browser/test_page.py": FAILS}, 0),
        ({"test_core.py": FAILS_ONCE.format(name="one")}, 0),
        ({"browser/test_page.py": FAILS_ONCE.format(name="one"), "test_core.py": FAILS_ONCE.format(name="two")}, 0),
        ({"browser/test_page.py": "".join(FAILS_ONCE.format(name=name) for name in ("one", "two", "three"))}, 0),
        ({"browser/test_page.py": "import what_is_not_there\n"}, 0),
        ({"browser/test_page.py": FAILS_ONCE.format(name="one")}, 90),
        ({"test_core.py": PASSES}, 90),
    ],
    ids=[
        "fails again",
        "no browser",
        "another beside it",
        "three",
        "not even read",
        "not covered",
        "too little",
    ],
)
def test_nothing_else_is_run_again(tmp_path: Path, files: dict[str, str], covered: int) -> None:
    done = run_ci(tmp_path, files, covered=covered)
    assert done.returncode != 0, done.stdout + done.stderr
    assert "Passed alone" not in done.stdout


def test_what_passes_at_once_is_not_run_again(tmp_path: Path) -> None:
    done = run_ci(tmp_path, {"browser/test_page.py": PASSES})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "alone" not in done.stdout
