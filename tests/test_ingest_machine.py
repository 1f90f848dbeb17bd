"""Whatever is done to a folder, and wherever an ingestion ends, the library becomes what the folder holds."""

import os
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine, event

from ingest.pipeline import IngestOptions, ingest_folder
from ingest.readers import read_document
from rag_app.errors import ReadError
from rag_app.library import Library
from rag_app.records import IngestReport
from tests.fakes import FakeEmbedder
from tests.reading_here import ReadingHere

NAMES = st.sampled_from(["a.txt", "b.md", "in/a.txt", "in/deep/c.txt", "d.html", "e"])
WORDS = st.sampled_from(["zeppelin", "harbour", "ladder", "quince", "marble"])
TEXTS = st.builds(lambda one, two, times: f"The {one} and the {two}.\n\n" * times, WORDS, WORDS, st.integers(1, 40))
UNREADABLE = [b"\x00\x01\x02\xff" * 40, b"\x00\x03\x02\xff" * 40, b""]


@cache
def text_of(name: str, data: bytes) -> str | None:
    """Return what a reader makes of a file, None if it cannot read it."""
    try:
        return read_document(data, name).text
    except ReadError:
        return None


class Crashed(Exception):
    """Stands for a process that ends in the middle of an ingestion."""


class FolderMachine(RuleBasedStateMachine):
    """A folder and its library; ``files`` is what the folder holds, ``stored`` the texts that the library should."""

    @initialize()
    def begin(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.folder, self.home = Path(self.place.name, "folder"), Path(self.place.name, "home")
        self.folder.mkdir()
        self.files: dict[str, bytes] = {}
        self.stored: dict[str, str] = {}
        self.clock = 1_000_000_000
        self.library = self.open()

    def open(self) -> Library:
        url = f"sqlite:///{self.home / 'library.sqlite3'}"
        return Library.open(url, index_folder=self.home, embedder="fake", dimensions=64)

    def write(self, name: str, data: bytes) -> None:
        """Write a file, a second after the one before it, all of them long ago."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        self.clock += 1_000_000_000
        os.utime(file, ns=(self.clock, self.clock))
        self.files[name] = data

    @rule(name=NAMES, text=TEXTS)
    def add_or_change(self, name: str, text: str) -> None:
        self.write(name, text.encode())

    @rule(name=NAMES, data=st.sampled_from(UNREADABLE))
    def spoil(self, name: str, data: bytes) -> None:
        if name in self.files:
            self.mended = self.files[name]
            self.write(name, data)

    @precondition(lambda self: hasattr(self, "mended"))
    @rule(name=NAMES)
    def mend(self, name: str) -> None:
        self.write(name, self.mended)

    @rule(name=NAMES)
    def touch(self, name: str) -> None:
        if name in self.files:
            self.write(name, self.files[name])

    @rule(old=NAMES, new=NAMES)
    def move(self, old: str, new: str) -> None:
        if old in self.files and old != new:
            (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / old).replace(self.folder / new)
            self.files[new] = self.files.pop(old)

    @rule(old=NAMES, new=NAMES)
    def copy(self, old: str, new: str) -> None:
        if old in self.files and old != new:
            self.write(new, self.files[old])

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        if name in self.files:
            (self.folder / name).unlink()
            del self.files[name]

    @rule()
    def ingest(self) -> None:
        would = self.run(dry_run=True)
        report = self.run()
        assert replace(would, seconds=0) == replace(report, seconds=0)
        assert report.files == sum(map(self.is_to_be_read, self.files))
        assert [f.name for f in report.failures if text_of(f.name, self.files[f.name]) is not None] == []
        self.stored = self.wanted()

    @rule(number=st.integers(1, 80))
    def crash(self, number: int) -> None:
        """End an ingestion at one of its statements, which leaves some documents as they were; open the library."""
        seen = 0

        def count(*_: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                raise Crashed

        event.listen(Engine, "before_cursor_execute", count)
        try:
            self.run()
        except Crashed:
            pass
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        self.reopen()
        wanted, found = self.wanted(), self.texts()
        for name in wanted.keys() | found.keys() | self.stored.keys():
            assert found.get(name) in {wanted.get(name), self.stored.get(name)}
        self.stored = found

    @rule()
    def reopen(self) -> None:
        self.library.close()
        self.library = self.open()

    @rule(word=WORDS)
    def search(self, word: str) -> None:
        found = self.library.passages(self.library.search_words(word, 1000))
        assert {p.document.name for p in found} == {name for name, text in self.stored.items() if word in text}
        assert all(word in p.chunk.text for p in found)
        chunks = sum(document.chunks for document in self.library.documents())
        assert len(self.library.search_vectors(FakeEmbedder().embed_query(word), 1000)) == chunks

    @invariant()
    def the_library_is_whole_and_what_it_should_be(self) -> None:
        assert self.library.verify().problems == ()
        assert self.texts() == self.stored

    def texts(self) -> dict[str, str]:
        return {document.name: self.library.text(document.id) for document in self.library.documents()}

    def wanted(self) -> dict[str, str]:
        """Return the texts that the library should hold after an ingestion: what cannot be read stays as it was."""
        texts = {name: text_of(name, data) or self.stored.get(name) for name, data in self.files.items()}
        return {name: text for name, text in texts.items() if text is not None}

    def is_to_be_read(self, name: str) -> bool:
        """Whether a file counts: one without a suffix that never held text is of no kind that is read."""
        return bool(Path(name).suffix) or text_of(name, self.files[name]) is not None or name in self.stored

    def run(self, *, dry_run: bool = False) -> IngestReport:
        options = IngestOptions(chunk_tokens=48, chunk_overlap=0, dry_run=dry_run)
        return ingest_folder(self.folder, self.library, FakeEmbedder(), options=options, open_reading=ReadingHere)

    def teardown(self) -> None:
        self.library.close()
        self.place.cleanup()


FolderMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestFolderMachine = FolderMachine.TestCase
