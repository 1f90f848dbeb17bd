"""The comparison with other libraries measures whole processes; what it finds is nobody's test."""

import ast
import os
import subprocess
import sys
import textwrap
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from rag_app import benchmark_peers
from rag_app.benchmark_peers import PEERS, RUNNERS, Measured
from rag_app.errors import DataError

ROOT = Path(__file__).parents[1]


def measured(name: str, *, chunks: int, words: int, seconds: float) -> Measured:
    return Measured(
        name,
        "1.0",
        files=10,
        chunks=chunks,
        characters=9 * words,
        words=words,
        seconds=seconds,
        start=1.0,
        processor=2 * seconds,
        memory=300.0,
    )


def write_runner(folder: Path, code: str) -> Path:
    """Write a program that ingests nothing, but counts what it is told to have ingested as the real ones do."""
    file = folder / "run_it.py"
    file.write_text(f"import sys\nsys.path.insert(0, {str(RUNNERS)!r})\n{textwrap.dedent(code)}", encoding="utf-8")
    return file


def test_documents_of_the_environment_are_different_and_neither_tiny_nor_huge(tmp_path: Path) -> None:
    texts = {f"package_{n}/README.md": f"Package {n} does this. " * 60 for n in range(9)}
    texts |= {f"package_{n}/LICENSE.txt": "The same licence. " * 60 for n in range(9)}
    texts |= {"top_level.txt": "name " * 200, "tiny.md": "x", "huge.rst": "x" * 300_000, "code.py": "pass\n" * 200}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = [str(file.relative_to(tmp_path)) for file in benchmark_peers.mixed_documents(tmp_path, 100)]
    assert found == ["package_0/LICENSE.txt", *(f"package_{n}/README.md" for n in range(9))]
    assert [file.parent.name for file in benchmark_peers.mixed_documents(tmp_path, 3)] == [
        "package_0", "package_2", "package_5",
    ]  # fmt: skip
    assert benchmark_peers.mixed_documents(tmp_path, 0) == []


def test_files_of_one_name_are_gathered_under_names_of_their_own(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "README.md").write_text(str(number), encoding="utf-8")
    benchmark_peers.gather(tmp_path / "all", sorted(tmp_path.rglob("README.md")))
    assert {file.read_text(encoding="utf-8") for file in (tmp_path / "all").iterdir()} == {"0", "1", "2"}


def test_a_run_is_measured_with_its_children(tmp_path: Path) -> None:
    code = """
        import subprocess, time
        from reporting import Run
        run = Run()
        run.loaded()
        subprocess.run([sys.executable, "-c", "import time; held = bytearray(96 * 2**20); time.sleep(0.8)"])
        run.finish("1.2", [("a/leave.md", "Ten days, ten."), ("a/leave.md", "days of leave"), ("b.md", "Ten")])
    """
    (tmp_path / "folder").mkdir()
    report = tmp_path / "it.json"
    command: list[str | Path] = [sys.executable, write_runner(tmp_path, code), tmp_path / "folder", tmp_path, report]
    found = benchmark_peers.measure("it", command, report=report)
    assert (found.version, found.files, found.chunks) == ("1.2", 2, 3)
    # "ten", "days", "of" and "leave" in one file, "ten" in the other.
    assert (found.words, found.characters) == (5, 12 + 11 + 3)
    assert 0.8 < found.seconds < 60
    assert 0 < found.start < 60
    assert found.processor > 0
    if sys.platform == "linux":
        assert found.memory > 96


@pytest.mark.parametrize("code", ["sys.exit('no such thing')", "pass"])
def test_a_run_that_fails_is_told_with_its_last_words(tmp_path: Path, code: str) -> None:
    command: list[str | Path] = [sys.executable, write_runner(tmp_path, code)]
    with pytest.raises(
        DataError, match=r"it ended with status (1: no such thing|0: no word)\. Its whole output: .*log"
    ):
        benchmark_peers.measure("it", command, report=tmp_path / "it.json")


def test_the_table_says_how_many_times_as_fast_we_are() -> None:
    out = Console(record=True, width=140, file=StringIO())
    ours = measured("rag_app", chunks=900, words=5000, seconds=3)
    benchmark_peers.print_table(ours, [measured("other", chunks=600, words=5000, seconds=6)], out=out)
    row = next(line.split() for line in out.export_text().splitlines() if "other" in line)
    assert row == "other 1.0 10 600 5,000 1.0 6.0 12.0 300 1.7 100.0 3.00 × 2.00 ×".split()


def test_a_folder_without_files_ends_the_command_with_a_message(tmp_path: Path) -> None:
    result = CliRunner().invoke(benchmark_peers.app, [str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "none holds no file" in result.stderr


def planned(*arguments: str) -> str:
    """Return what ``make bench-peers`` would do."""
    environment = {key: value for key, value in os.environ.items() if key not in ("FOLDER", "LIMIT", "MAKEFLAGS")}
    command = ["make", "-n", "bench-peers", f"PYTHON={sys.executable}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_peers_get_an_environment_of_their_own_with_torch_first(tmp_path: Path) -> None:
    place = tmp_path / "peers"
    lines = [line for line in planned(f"PEERS={place}").splitlines() if str(place) in line]
    installs = [line for line in lines if " install " in line]
    assert "torch==" in installs[0]
    assert installs[1].endswith("-r docker/requirements/peers.txt")
    assert "-m venv" in lines[lines.index(installs[0]) - 1]


def test_a_folder_is_compared_on_only_if_it_is_named() -> None:
    assert "$FOLDER" not in planned()
    assert '"$FOLDER" --limit "$LIMIT"' in planned("FOLDER=a folder", "LIMIT=3")


def test_every_peer_has_a_program_and_is_pinned() -> None:
    pins = (ROOT / "docker" / "requirements" / "peers.txt").read_text(encoding="utf-8")
    lines = [line for line in pins.splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in lines)
    constraints = (ROOT / "docker" / "requirements" / "constraints.txt").read_text(encoding="utf-8")
    assert [x for x in lines if x.startswith("torch==")] == [x for x in constraints.splitlines() if "torch==" in x]
    for name in ("rag_app", *PEERS):
        tree = ast.parse((RUNNERS / f"run_{name}.py").read_text(encoding="utf-8"))
        assert any(isinstance(node, ast.ImportFrom) and node.module == "reporting" for node in tree.body)
        assert "160" in ast.unparse(tree) or "120" in ast.unparse(tree) or name == "rag_app"
