"""An ingestion that ends anywhere and is run again leaves the same library as one that was left alone."""

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from ingest.pipeline import IngestOptions, OnEvent, ingest_folder
from rag_app.errors import LibraryLocked, StorageFull
from rag_app.library import Library
from rag_app.records import IngestEvent, IngestReport
from tests.corpus_makers import PARAGRAPH, pdf, write_corpus
from tests.fakes import FakeEmbedder
from tests.killing import content, ingest, open_home
from tests.libraries import FORKING
from tests.reading_here import ReadingHere

ROOT = Path(__file__).parents[1]
# With this set, as "make fuzz" does, every write is died at, and so many runs are killed at random.
KILLS = int(os.environ.get("RAG_APP_FUZZ_KILLS", "0"))

# Each ingestion runs in a child of a program that has imported everything and started no thread, so that forking
# it is safe and ten runs do not take ten times the imports.
PROGRAM = """
import os, random, signal, sys, time
from pathlib import Path
from ingest.pipeline import IngestOptions, ingest_folder
from rag_app.library import Library
from tests.fakes import FakeEmbedder

class Slow(FakeEmbedder):
    def embed_passages(self, texts, on_progress=None):
        time.sleep(0.0005 * len(texts))
        return super().embed_passages(texts, on_progress)

def ingest(folder, home, stored):
    def follow(event):
        if event.step == "stored":
            os.write(stored, b".")

    url = f"sqlite:///{home}/library.sqlite3"
    with Library.open(url, index_folder=home, embedder="fake", dimensions=64) as library:
        report = ingest_folder(folder, library, Slow(), options=IngestOptions(chunk_tokens=64), on_event=follow)
    return len(report.failures)

def run(folder, home, kill_after=None, delay=0.0):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 2
        try:
            status = ingest(folder, home, writing)
        finally:
            os._exit(status)
    os.close(writing)
    if kill_after is not None:
        for _ in range(kill_after):
            os.read(reading, 1)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reading)
    return status

folder, undisturbed, killed, kills = *map(Path, sys.argv[1:4]), int(sys.argv[4])
assert run(folder, undisturbed) == 0
chance = random.Random(7)
deaths = [run(folder, killed, chance.randrange(0, 9), chance.uniform(0.0, 0.03)) for _ in range(kills)]
assert run(folder, killed) == 0
print(deaths.count(signal.SIGKILL))
"""


def write_before_and_after(place: Path) -> tuple[Path, Path]:
    """Write a folder as it is before and after a little of everything has happened to it."""
    before, after = place / "before", place / "after"

    def write(folder: Path, name: str, text: str) -> None:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        os.utime(file, (1_000_000_000 + len(text), 1_000_000_000 + len(text)))

    for folder in (before, after):
        write(folder, "same.txt", "The same words here.")
    write(before, "moving.txt", "Moving words.")
    write(after, "deep/moved.txt", "Moving words.")
    write(before, "changing.md", "# Old\n\nOld words.")
    write(after, "changing.md", "# New\n\nNew words are here.")
    write(before, "gone.txt", "Words that are gone.")
    write(before, "broken.pdf", "no PDF at all")
    write(after, "copy.txt", "The same words here.")
    write(after, "new.txt", "New words.")
    write(after, "cut.pdf", "%PDF-1.4 cut")
    return before, after


def deaths_between(before: Path, after: Path, place: Path, *, step: int) -> int:
    place.mkdir()
    command = [sys.executable, "-m", "tests.killing", *map(str, (before, after, place, step))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | FORKING, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_an_ingestion_may_die_at_any_write(tmp_path: Path) -> None:
    before, after = write_before_and_after(tmp_path)
    step = 1 if KILLS else 17
    assert deaths_between(before, after, tmp_path / "work", step=step) > 150 // step


def test_a_first_ingestion_may_die_at_any_write(tmp_path: Path) -> None:
    _, after = write_before_and_after(tmp_path)
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    step = 1 if KILLS else 41
    assert deaths_between(nothing, after, tmp_path / "work", step=step) > 150 // step


def test_kills_at_random_moments_leave_the_library_of_an_undisturbed_run(tmp_path: Path) -> None:
    folder, undisturbed, killed = (tmp_path / name for name in ("folder", "undisturbed", "killed"))
    write_corpus(folder, 90)
    (folder / "rules.pdf").write_bytes(pdf(*[["# Leave", PARAGRAPH * 4]] * 6))
    undisturbed.mkdir()
    killed.mkdir()
    kills = KILLS or 5
    command = [sys.executable, "-c", PROGRAM, *map(str, (folder, undisturbed, killed, kills))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | FORKING, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) <= kills
    assert len(content(undisturbed)) == 92
    assert content(killed) == content(undisturbed)


def test_two_ingestions_at_once_leave_the_library_of_one(tmp_path: Path) -> None:
    folder, alone, together = (tmp_path / name for name in ("folder", "alone", "together"))
    write_corpus(folder, 20)
    ingest(folder, alone)
    together.mkdir()
    program = "import sys; from pathlib import Path; from tests.killing import ingest; ingest(*map(Path, sys.argv[1:]))"
    command = [sys.executable, "-c", program, str(folder), str(together)]
    both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(process.communicate()[1], process.returncode) for process in both] == [("", 0)] * 2
    assert content(together) == content(alone)


def test_whoever_searches_during_an_ingestion_sees_whole_documents(tmp_path: Path) -> None:
    folder, home = tmp_path / "folder", tmp_path / "home"
    write_corpus(folder, 40)
    ended = threading.Event()
    torn: list[str] = []
    seen: set[int] = set()

    def search() -> None:
        with open_home(home) as library:
            while not ended.is_set():
                hits = library.search_words("words leave travel the", 50)
                for passage in library.passages(hits):
                    text = library.text(passage.document.id)
                    if text[passage.chunk.start : passage.chunk.end] != passage.chunk.text:
                        torn.append(passage.document.name)
                half = (d.name for d in library.documents() if len(library.chunks(d.id)) != d.chunks)
                torn.extend(half)
                seen.add(len(library.documents()))

    open_home(home).close()
    reader = threading.Thread(target=search)
    reader.start()
    try:
        ingest(folder, home)
    finally:
        ended.set()
        reader.join()
    assert torn == []
    assert len(seen) > 1


def test_a_library_that_another_program_locks_ends_the_run_which_is_then_taken_up_again(tmp_path: Path) -> None:
    folder, home, undisturbed = (tmp_path / name for name in ("folder", "home", "undisturbed"))
    write_corpus(folder, 80)
    ingest(folder, undisturbed)
    stored: list[str] = []
    with Library.open(
        f"sqlite:///{home}/library.sqlite3?timeout=0.05", index_folder=home / "index", embedder="fake", dimensions=64
    ) as library:
        other = sqlite3.connect(home / "library.sqlite3", isolation_level=None)

        def lock(event: IngestEvent) -> None:
            if event.step == "stored":
                stored.append(event.name)
                if len(stored) == 1:
                    other.execute("BEGIN IMMEDIATE")

        with pytest.raises(LibraryLocked, match="Another program holds the library"):
            run(folder, library, on_event=lock)
        # Those that were stored together with the first one.
        assert [document.name for document in library.documents()] == sorted(stored)
        assert len(stored) < 80
        other.close()
        assert len(run(folder, library).added) == 80 - len(stored)
    assert content(home) == content(undisturbed)


def test_a_disk_that_fills_ends_the_run_which_is_then_taken_up_again(tmp_path: Path) -> None:
    folder, home, undisturbed = (tmp_path / name for name in ("folder", "home", "undisturbed"))
    write_corpus(folder, 12)
    (folder / "z.txt").write_text("Large words.\n\n" * 20_000, encoding="utf-8")
    ingest(folder, undisturbed)

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 150")

    event.listen(Engine, "connect", limit)
    try:
        with open_home(home) as library:
            with pytest.raises(StorageFull, match="disk is full"):
                run(folder, library)
            names = {document.name for document in library.documents()}
    finally:
        event.remove(Engine, "connect", limit)
    assert "z.txt" not in names
    assert 0 < len(names) < 13
    content(home)
    ingest(folder, home)
    assert content(home) == content(undisturbed)


def run(folder: Path, library: Library, on_event: OnEvent | None = None) -> IngestReport:
    options = IngestOptions(chunk_tokens=64)
    return ingest_folder(folder, library, FakeEmbedder(), options=options, on_event=on_event, open_reading=ReadingHere)
