"""Ingests in children that are killed at a chosen write: a program of its own, which forks and so starts no thread.

``python -m tests.killing FOLDER_BEFORE FOLDER_AFTER PLACE STEP`` makes a library of the first folder, and then lets a
child make it the library of the second, once for each STEP-th write there is to be killed at: each SQL statement and
each file that is opened for writing, renamed or removed. After each death the library must be sound, and the next
ingestion must make it the very library that an undisturbed one makes. Prints how many deaths there were.
"""

import os
import shutil
import sqlite3
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from ingest.pipeline import IngestOptions, ingest_folder
from rag_app.library import Library
from tests.fakes import FakeEmbedder
from tests.reading_here import ReadingHere

KILLED = 9
_WRITING = ("os.rename", "os.remove", "os.truncate", "os.mkdir", "os.link", "os.rmdir")


def open_home(home: Path) -> Library:
    """Open the library of a home."""
    url = f"sqlite:///{home}/library.sqlite3"
    return Library.open(url, index_folder=home / "index", embedder="fake", dimensions=64)


def ingest(folder: Path, home: Path) -> None:
    """Make a library equal to a folder."""
    with open_home(home) as library:
        options = IngestOptions(chunk_tokens=64)
        ingest_folder(folder, library, FakeEmbedder(), options=options, open_reading=ReadingHere)


def content(home: Path) -> list[Any]:
    """Return everything about a library that must not depend on how it came about."""
    with open_home(home) as library:
        report = library.verify()
        assert not report.problems, report.problems
        assert report.vectors == report.chunks
        documents = [
            (
                (document.name, document.path, document.sha256, document.title, document.version, document.mtime_ns),
                library.text(document.id),
                [(chunk.start, chunk.end, chunk.page, chunk.heading) for chunk in library.chunks(document.id)],
                [version.sha256 for version in library.versions(document.id)],
            )
            for document in library.documents()
        ]
        return [*documents, [failure.name for failure in library.failures()]]


def in_child(work: Callable[[], object]) -> int:
    """Do something in a fork of this program; return its exit status, which is 0 if it went well."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def die_at(number: int, home: Path) -> None:
    """From here on, end the process as a kill would, right before its ``number``-th write."""
    seen = 0

    def count(_: object = None) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os._exit(KILLED)

    def trace(connection: sqlite3.Connection, _: object) -> None:
        connection.set_trace_callback(count)

    def audit(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "open":
            path, mode, flags = arguments
            writes = set(str(mode or "")) & set("wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and isinstance(path, str | os.PathLike) and os.fspath(path).startswith(str(home)):
                count()
        elif name in _WRITING and str(arguments[0]).startswith(str(home)):
            count()

    event.listen(Engine, "connect", trace)
    sys.addaudithook(audit)


def kill_everywhere(before: Path, after: Path, place: Path, *, step: int) -> int:
    """Kill an ingestion at each write; return how many deaths there were."""
    folder, start, wanted, home = (place / name for name in ("folder", "start", "wanted", "home"))
    start.mkdir()
    if any(before.iterdir()):
        shutil.copytree(before, folder)
        assert in_child(lambda: ingest(folder, start)) == 0
        shutil.rmtree(folder)
    shutil.copytree(after, folder)
    shutil.copytree(start, wanted)
    assert in_child(lambda: ingest(folder, wanted)) == 0
    expected = content(wanted)

    def recover() -> None:
        content(home)
        ingest(folder, home)
        assert content(home) == expected

    deaths, number = 0, 1
    while True:
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(start, home)

        def ingest_and_die(number: int = number) -> None:
            die_at(number, home)
            ingest(folder, home)

        status = in_child(ingest_and_die)
        if status == 0:
            return deaths
        assert status == KILLED, f"write {number} ended with {status}"
        deaths += 1
        assert in_child(recover) == 0, f"a death at write {number} left its mark"
        number += step


if __name__ == "__main__":
    sys.stdout.write(str(kill_everywhere(*map(Path, sys.argv[1:4]), step=int(sys.argv[4]))))
