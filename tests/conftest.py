"""What every test shares."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import rag_app  # noqa: F401 - it tells OpenMP how to wait, which is read once, when a test imports torch
from tests.folders import desk as desk
from tests.folders import folder as folder
from tests.folders import library as library
from tests.large_libraries import indexed as indexed
from tests.large_libraries import template as template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rag_app.assembly import Application
    from rag_app.models.embedding import Embedder
    from rag_app.models.generation import Generator

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
NEEDED = {"browser": "the page need Chromium", "ocr": "text recognition need Tesseract"}
PACKAGES = {"browser": "chromium", "ocr": "tesseract-ocr"}
LEFT_OUT = pytest.StashKey[dict[str, int]]()


def find_browser() -> Path | None:
    """Return the browser that the page is tested in, if this machine has one."""
    return next((Path(path) for name in BROWSERS if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose program is not on this machine; a CI machine must have them all."""
    pages = Path(__file__).parent / "browser"
    for item in items:
        if pages in item.path.parents:
            item.add_marker("browser")
    if os.environ.get("CI") == "true":
        return
    missing = [
        marker for marker, found in (("browser", find_browser()), ("ocr", shutil.which("tesseract"))) if not found
    ]
    left_out = {marker: [item for item in items if item.get_closest_marker(marker)] for marker in missing}
    for marker, tests in left_out.items():
        config.hook.pytest_deselected(items=tests)
        items[:] = [item for item in items if not item.get_closest_marker(marker)]
    config.stash[LEFT_OUT] = {marker: len(tests) for marker, tests in left_out.items()}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out, where nobody overlooks it."""
    counts = config.stash.get(LEFT_OUT, {})
    if any(counts.values()):
        terminalreporter.section("left out", yellow=True)
    for marker, count in counts.items():
        if count:
            terminalreporter.line(
                f"{count} tests of {NEEDED[marker]}, which is not on this machine. Install it (Debian, Ubuntu: "
                f"apt-get install {PACKAGES[marker]}) and run the tests again."
            )


@pytest.fixture(scope="session")
def prepared_home() -> Path:
    """A home whose models are prepared; kept between runs, for preparing takes 15 seconds. Tests do not write to it."""
    from rag_app.models.catalogue import resolve_model

    home = Path(__file__).parent.parent / ".cache" / "tests-home"
    resolve_model("SmolLM2-135M-Instruct", kind="generator", home=home)
    return home


@pytest.fixture(scope="session")
def embedder(prepared_home: Path) -> "Embedder":
    """The embedded embedder, loaded once."""
    from rag_app.models.catalogue import resolve_model
    from rag_app.models.embedding import load_embedder

    return load_embedder(resolve_model("all-MiniLM-L6-v2", kind="embedder", home=prepared_home), device="cpu")


@pytest.fixture(scope="session")
def generator(prepared_home: Path) -> "Generator":
    """The embedded generator, loaded once."""
    from rag_app.models.catalogue import resolve_model
    from rag_app.models.generation import load_generator

    return load_generator(resolve_model("SmolLM2-135M-Instruct", kind="generator", home=prepared_home), device="cpu")


@pytest.fixture(scope="session")
def handbook_home(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own with the prepared models and the ingested sample handbook."""
    from ingest.pipeline import ingest_folder
    from rag_app.assembly import ingest_options, open_embedder, open_library
    from rag_app.settings import load_settings

    home = tmp_path_factory.mktemp("handbook_home")
    (home / "models").symlink_to(prepared_home / "models")
    settings = load_settings({"home": home}, {})
    embedder = open_embedder(settings)
    with open_library(settings, embedder) as library:
        handbook = Path(__file__).parents[1] / "data" / "handbook"
        options = ingest_options(settings, collection="default")
        report = ingest_folder(handbook, library, embedder, options=options)
    assert not report.failures
    return home


@pytest.fixture(scope="session")
def handbook(handbook_home: Path) -> "Iterator[Application]":
    """The whole application over the sample handbook, with the real models."""
    from rag_app.assembly import Application
    from rag_app.settings import load_settings

    application = Application.open(load_settings({"home": handbook_home}, {}))
    yield application
    application.close()
