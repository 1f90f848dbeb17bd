"""What a fresh clone promises: complete dependencies, reproducible versions, a Makefile that says what is wrong."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = ROOT / "docker" / "requirements"
PACKAGES = ("rag_app", "ingest", "ui")
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile", "data", "docker", "tests", *PACKAGES}

# Declared although no line imports them.
NEEDED_BY_OTHERS = {
    "accelerate": "transformers loads a GGUF file with it",
    "gguf": "transformers loads a GGUF file with it",
    "lxml": "the parser that is named to beautifulsoup4",
}


def tracked_files() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def declared(*extras: str) -> list[Requirement]:
    lines = [*PROJECT["dependencies"], *(line for e in extras for line in PROJECT["optional-dependencies"][e])]
    return [Requirement(line) for line in lines]


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


def imported_from_outside(*folders: str) -> set[str]:
    """Return the top-level names that the code in ``folders`` imports and that are neither Python's nor ours."""
    found = set()
    for file in (file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {*PACKAGES, "tests"}


def pins() -> dict[str, str]:
    lines = (REQUIREMENTS / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def walk_installed(requirement: Requirement, seen: set[str]) -> Iterator[str]:
    """Yield the names of everything that ``requirement`` brings onto this machine."""
    name = canonicalize_name(requirement.name)
    if name in seen:
        return
    seen.add(name)
    try:
        needs = distribution(name).requires or []
    except PackageNotFoundError:
        return
    yield name
    for need in map(Requirement, needs):
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)):
            yield from walk_installed(need, seen)


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "RAG_APP"))}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the Makefile needs, and no environment."""
    folder = tmp_path / "a clone"
    (folder / "docker").mkdir(parents=True)
    shutil.copytree(REQUIREMENTS, folder / "docker" / "requirements")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def pretend_installed(clone: Path) -> None:
    (clone / ".venv").mkdir()
    for stamp in (".folder", ".installed", ".installed-dev"):
        (clone / ".venv" / stamp).write_text(f"{clone}\n", encoding="utf-8")


def test_the_top_level_holds_nothing_unexpected() -> None:
    present = {name.partition("/")[0] for name in tracked_files()}
    assert {name for name in present if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize(
    ("folders", "extras"), [(PACKAGES, ("report", "train")), (("tests",), ("test", "train"))], ids=["code", "tests"]
)
def test_everything_that_is_imported_is_declared(folders: tuple[str, ...], extras: tuple[str, ...]) -> None:
    providers = packages_distributions()
    known = names(declared(*extras))
    undeclared = {
        name
        for name in imported_from_outside(*folders)
        if not known & {canonicalize_name(provider) for provider in providers.get(name, [name])}
    }
    assert undeclared == set()


def test_everything_that_is_declared_is_imported_or_has_a_reason() -> None:
    providers = packages_distributions()
    used = {canonicalize_name(p) for name in imported_from_outside(*PACKAGES) for p in providers.get(name, [name])}
    assert names(declared()) - used - set(NEEDED_BY_OTHERS) == set()


def test_every_declared_dependency_is_pinned_to_a_version_that_it_allows() -> None:
    pinned = {canonicalize_name(name): version for name, version in pins().items()}
    for requirement in declared("test", "dev"):
        name = canonicalize_name(requirement.name)
        if name != "rag-app":
            assert requirement.specifier.contains(pinned[name], prereleases=True), name


def test_the_requirements_name_no_host_and_no_path() -> None:
    for file in REQUIREMENTS.iterdir():
        assert not re.search(r"://|file:|(?:^|\s)@|^-", file.read_text(encoding="utf-8"), flags=re.MULTILINE), file.name


def test_every_embedded_model_is_pinned_by_its_hash() -> None:
    lines = (REQUIREMENTS / "models.txt").read_text(encoding="utf-8").splitlines()
    models = [line for line in lines if line and not line.startswith("#")]
    assert len(models) == 2
    assert all(re.fullmatch(r"[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line) for line in models)


def test_nothing_that_is_installed_with_it_is_under_the_gpl() -> None:
    seen: set[str] = set()
    installed = [name for requirement in declared() for name in walk_installed(requirement, seen)]
    assert len(installed) > len(declared())
    for name in installed:
        metadata = distribution(name).metadata
        fields = ("License-Expression", "License", "Classifier")
        stated = [text.splitlines()[0] for field in fields for text in metadata.get_all(field) or [] if text]
        licences = [text for text in stated if not text.startswith("Topic")]
        assert not any(re.search(r"\b(A|L)?GPL|General Public", licence) for licence in licences), name


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    source = tmp_path / "source"
    tracked = [name for name in tracked_files() if name.startswith(tuple(f"{package}/" for package in PACKAGES))]
    for name in (*tracked, "pyproject.toml", "README.md", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    build = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", str(tmp_path), "."]
    done = subprocess.run([sys.executable, *build], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert set(tracked) - set(archive.namelist()) == set()


def test_a_python_that_is_too_old_is_named_with_the_remedy(clone: Path) -> None:
    done = make(clone, "demo", "PYTHON=/bin/false")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "make run PYTHON=" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_fresh_clone_installs_torch_before_everything_else(clone: Path) -> None:
    steps = [line for line in make(clone, "-n", "install").stdout.splitlines() if " install " in line]
    assert steps[0].endswith(f" {next(line for line in PROJECT['dependencies'] if line.startswith('torch=='))}")
    assert steps[1].endswith(" -e .")
    assert steps[2].endswith(" --require-hashes -r docker/requirements/models.txt")


def test_a_clone_that_is_set_up_installs_nothing_again(clone: Path) -> None:
    pretend_installed(clone)
    for target in ("install", "demo", "run", "test"):
        assert " install " not in make(clone, "-n", target).stdout


def test_a_change_of_the_requirements_installs_again(clone: Path) -> None:
    pretend_installed(clone)
    os.utime(clone / "pyproject.toml", (2**31, 2**31))
    assert " install " in make(clone, "-n", "install").stdout


def test_an_environment_that_was_moved_is_made_anew(clone: Path) -> None:
    pretend_installed(clone)
    moved = clone.rename(clone.with_name("moved"))
    assert "-m venv --clear" in make(moved, "-n", "install").stdout


def test_clean_keeps_the_library(clone: Path) -> None:
    pretend_installed(clone)
    for name in (".rag_app", *PACKAGES, "tests"):
        (clone / name).mkdir()
    assert make(clone, "clean").returncode == 0
    assert (clone / ".rag_app").is_dir()
    assert not (clone / ".venv").exists()


def collect_browser_tests(**environment: str) -> subprocess.CompletedProcess[str]:
    """Collect the tests of the page on a machine whose PATH holds no browser."""
    collect = ["-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/browser"]
    kept = {key: value for key, value in os.environ.items() if key not in {"CI", "PATH"}}
    return subprocess.run(
        [sys.executable, *collect], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
    )


def test_without_a_browser_the_tests_of_the_page_are_left_out_and_the_reader_is_told() -> None:
    done = collect_browser_tests(PATH="/nowhere")
    assert "tests/browser/test_" not in done.stdout
    assert "need Chromium, which is not on this machine. Install it" in done.stdout


def test_a_machine_that_checks_commits_leaves_no_test_of_the_page_out() -> None:
    done = collect_browser_tests(PATH="/nowhere", CI="true")
    assert done.returncode == 0
    assert "tests/browser/test_" in done.stdout


def test_the_machine_that_checks_commits_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert "\nmake test </dev/null || status=$?\n" in script.read_text(encoding="utf-8")
