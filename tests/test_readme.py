"""Every command of README.md works.

Blocks fenced as ``sh`` are run from top to bottom in one copy of the project. A block that cannot be run here has,
right above it, ``<!-- not run: REASON -->``. Commands that start the page or install things are listed below with
what covers them instead.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"(?:<!-- not run: (?P<reason>.*?) -->\n)?^```(?P<language>[\w-]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
SHELLS = {"sh", "bash", "shell", "console"}
SECONDS = 900

# Started elsewhere: the key is how such a command begins.
COVERED_ELSEWHERE = {
    "make": "test_every_make_target_of_the_readme_exists: they install an environment, or run these tests again",
    "rag-app ui": "tests/browser starts the page and uses it",
    "docker": "tests/test_docker.py checks what docker would be given",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and why it is not run (None when it is)."""

    language: str
    body: str
    reason: str | None

    @property
    def commands(self) -> list[str]:
        """Its lines that are no comments, joined where one ends in a backslash; in ``console`` what follows a ``$``."""
        text = self.body.replace("\\\n", " ")
        if self.language == "console":
            return [line[2:].strip() for line in text.splitlines() if line.startswith("$ ")]
        lines = (re.sub(r"\s+#\s.*$", "", line).strip() for line in text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]


def read_readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def read_blocks(text: str) -> list[Block]:
    return [Block(match["language"], match["body"], match["reason"]) for match in FENCE.finditer(text)]


def shell_blocks() -> list[Block]:
    return [block for block in read_blocks(read_readme()) if block.language in SHELLS]


def covered_elsewhere(command: str) -> bool:
    return any(command == start or command.startswith(f"{start} ") for start in COVERED_ELSEWHERE)


def commands_to_run() -> list[str]:
    return [
        command
        for block in shell_blocks()
        if block.reason is None
        for command in block.commands
        if not covered_elsewhere(command)
    ]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a fresh clone holds, as far as git knows it."""
    folder = tmp_path_factory.mktemp("readme") / "rag_app"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def environment(clone: Path) -> dict[str, str]:
    """A shell's environment in which rag-app is installed, and home is a place of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAG_APP", "MAKE"))}
    binaries = Path(sys.executable).parent
    home = {"HOME": str(clone.parent), "RAG_APP_HOME": str(clone.parent / "library")}
    return (
        kept | home | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1", "COLUMNS": "120"}
    )


def test_every_command_of_the_readme_works(clone: Path) -> None:
    commands = commands_to_run()
    assert commands
    for command in commands:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=clone,
            env=environment(clone),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr, f"$ {command}\n{done.stderr[-2000:]}"


def make_targets() -> Iterator[list[str]]:
    for block in shell_blocks():
        for command in block.commands:
            if command.startswith("make "):
                yield command.split()[1:]


def test_every_make_target_of_the_readme_exists(clone: Path) -> None:
    targets = list(make_targets())
    assert ["run"] in targets
    for arguments in targets:
        # A dry run prints what would be done, and fails on a target that does not exist.
        done = subprocess.run(
            ["make", "-n", *arguments], cwd=clone, env=environment(clone), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"$ make {' '.join(arguments)}\n{done.stderr}"


def test_every_block_of_the_readme_names_its_language() -> None:
    assert [block.body for block in read_blocks(read_readme()) if not block.language] == []


def test_a_block_that_is_not_run_says_why() -> None:
    marks = read_readme().count("<!-- not run")
    reasons = [block.reason for block in read_blocks(read_readme()) if block.reason is not None]
    assert marks == len(reasons)
    assert all(len(reason.split()) >= 2 for reason in reasons)


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", read_readme())
    targets = links + re.findall(r'<img [^>]*src="(?!\w+:)([^"]+)"', read_readme())
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_commands_are_taken_out_of_the_text_as_a_reader_would() -> None:
    text = "\n".join(
        [
            "```sh",
            "# a comment",
            "one --flag   # and why",
            "two \\",
            "  --more",
            "```",
            "<!-- not run: needs a GPU -->",
            "```sh",
            "three",
            "```",
            "```console",
            "$ four",
            "its output",
            "```",
        ]
    )
    blocks = read_blocks(text + "\n")
    assert [(block.commands, block.reason) for block in blocks] == [
        (["one --flag", "two    --more"], None),
        (["three"], "needs a GPU"),
        (["four"], None),
    ]
