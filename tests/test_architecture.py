"""The rules of the house that no other tool checks."""

import ast
import builtins
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from rag_app import cli

ROOT = Path(__file__).parents[1]
PACKAGES = ("rag_app", "ingest", "ui")
LONGEST_FILE = 400
# The page's last border: whatever was not foreseen is logged there, and told to the reader in words.
MAY_CATCH_BROADLY = {Path("ui/guard.py")}


def read_sources() -> dict[Path, str]:
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return {file.relative_to(ROOT): file.read_text(encoding="utf-8") for file in files}


def walk_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every command of the command line below ``command``, with its full name."""
    yield " ".join(("rag-app", *path)), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk_commands(inner, (*path, name))


COMMANDS = dict(walk_commands(typer.main.get_command(cli.app)))


def test_imports_point_down_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_each_of_its_options_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, name
    silent = [p.name for p in command.params if p.name != "help" and not getattr(p, "help", None)]
    assert silent == []


def test_the_contract_has_its_commands() -> None:
    wanted = "ingest search ask documents verify rebuild eval models ui"
    assert {f"rag-app {name}" for name in wanted.split()} <= set(COMMANDS)
    nested = ("documents list", "documents show", "documents text", "documents remove", "models list", "models prepare")
    assert {f"rag-app {name}" for name in nested} <= set(COMMANDS)


def test_every_error_is_a_rag_error() -> None:
    standard = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
    }
    bare = {
        node.name
        for source in read_sources().values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in standard for base in node.bases)
    }
    assert bare == {"RagError"}


def catches_broadly(node: ast.AST) -> bool:
    """Tell whether a node is an except clause for everything that does not raise what it caught again."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    last = node.body[-1]
    cleans_up = isinstance(last, ast.Raise) and last.exc is None
    broad = node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
    return broad and not cleans_up


def test_nothing_is_caught_broadly_but_at_the_last_border() -> None:
    found = {
        file for file, source in read_sources().items() for node in ast.walk(ast.parse(source)) if catches_broadly(node)
    }
    assert found - MAY_CATCH_BROADLY == set()


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {str(file): len(source.splitlines()) for file, source in read_sources().items()}
    assert {file: length for file, length in lengths.items() if length > LONGEST_FILE} == {}
