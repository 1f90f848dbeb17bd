"""A folder, a library beside it, and a desk that ingests the one into the other."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.pipeline import IngestOptions, ingest_folder
from rag_app.library import Library
from rag_app.records import (
    Document,
    IngestReport,
)
from tests.fakes import FakeEmbedder
from tests.reading_here import ReadingHere

OPTIONS = IngestOptions()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    home = tmp_path / "home"
    home.mkdir()
    with Library.open(
        f"sqlite:///{home / 'library.sqlite3'}", index_folder=home, embedder="fake", dimensions=64
    ) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, text: str | bytes, *, age_seconds: int = 3600) -> Path:
    """Write a file as if it had lain there for a while."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    then = file.stat().st_mtime - age_seconds
    os.utime(file, (then, then))
    return file


class Desk:
    """Ingests one folder again and again; ``embedded`` is what the last run had to embed."""

    def __init__(self, folder: Path, library: Library) -> None:
        self.folder = folder
        self.library = library
        self.embedded: list[str] = []

    def ingest(self, folder: Path | None = None, **options: object) -> IngestReport:
        embedder = FakeEmbedder()
        report = ingest_folder(
            folder or self.folder,
            self.library,
            embedder,
            options=replace(OPTIONS, **options),  # type: ignore[arg-type] # each is of its field's type
            open_reading=ReadingHere,
        )
        self.embedded = embedder.embedded
        return report

    def documents(self) -> dict[str, Document]:
        return {document.name: document for document in self.library.documents()}

    def texts(self) -> dict[str, str]:
        return {name: self.library.text(document.id) for name, document in self.documents().items()}


@pytest.fixture
def desk(folder: Path, library: Library) -> Desk:
    return Desk(folder, library)
