"""An ingestion that is killed anywhere and run again leaves the same library as one that was left alone."""

import subprocess
import sys
from pathlib import Path

from rag_app.library import Library
from tests.corpus_makers import PARAGRAPH, pdf, write_corpus

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

folder, undisturbed, killed = map(Path, sys.argv[1:])
assert run(folder, undisturbed) == 0
chance = random.Random(7)
deaths = [run(folder, killed, chance.randrange(0, 9), chance.uniform(0.0, 0.03)) for _ in range(10)]
assert run(folder, killed) == 0
print(deaths.count(signal.SIGKILL))
"""


def content(home: Path) -> list[object]:
    """Return everything about a library that must not depend on how it came about."""
    url = f"sqlite:///{home}/library.sqlite3"
    with Library.open(url, index_folder=home, embedder="fake", dimensions=64) as library:
        report = library.verify()
        assert not report.problems
        assert report.vectors == report.chunks
        return [
            (
                (document.name, document.sha256, document.title, document.pages, document.version),
                library.text(document.id),
                [(chunk.start, chunk.end, chunk.page, chunk.heading) for chunk in library.chunks(document.id)],
            )
            for document in library.documents()
        ]


def test_ten_kills_at_random_moments_leave_the_library_of_an_undisturbed_run(tmp_path: Path) -> None:
    folder, undisturbed, killed = (tmp_path / name for name in ("folder", "undisturbed", "killed"))
    write_corpus(folder, 90)
    (folder / "rules.pdf").write_bytes(pdf(*[["# Leave", PARAGRAPH * 4]] * 6))
    undisturbed.mkdir()
    killed.mkdir()
    command = [sys.executable, "-c", PROGRAM, *map(str, (folder, undisturbed, killed))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 10
    assert len(content(undisturbed)) == 91
    assert content(killed) == content(undisturbed)
