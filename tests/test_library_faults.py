"""Whatever goes wrong in the middle of a change, the library is as it was before it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event

from rag_app.errors import LibraryError, LibraryLocked, StorageFull
from rag_app.library import Library
from rag_app.records import FailedFile, Scope, TextBox
from tests.libraries import (
    EMBEDDER,
    contents,
    every_row,
    found_by_vectors,
    found_by_words,
    new_document,
    open_library,
    start_python,
    store,
    store_large,
    url_in,
)


class PowerCutError(Exception):
    """Ends a change from outside."""


@contextmanager
def listening(name: str, listener: Callable[..., Any]) -> Iterator[None]:
    """Let a listener of SQLAlchemy hear of every engine for a while."""
    event.listen(Engine, name, listener)
    try:
        yield
    finally:
        event.remove(Engine, name, listener)


@contextmanager
def failing_at(statement_number: int) -> Iterator[None]:
    """Raise before the n-th statement from now on."""
    count = 0

    def listener(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == statement_number:
            raise PowerCutError

    with listening("before_cursor_execute", listener):
        yield


def fill(library: Library) -> None:
    """Store a document with two versions, positions and a failure beside it, and another one, unless they are there."""
    if "a.txt" in contents(library):
        return
    old = new_document("a.txt", "older words")
    new = new_document("a.txt", "old words", "old sentence")
    for document in (old, replace(new, boxes=(TextBox(0, 9, 1, 0, 0, 1, 1),))):
        store(library, document, "first")
    store(library, new_document("b.txt", "words that stay"))
    library.note_failure(failed_file("/folder/a.txt"))


def failed_file(path: str) -> FailedFile:
    return FailedFile("first", path, "a.txt", "/folder", 1, 1, None, "cannot be read")


CHANGES: dict[str, Callable[[Library, int], object]] = {
    "store": lambda library, _: store(library, new_document("new.txt", "new words"), "third"),
    "replace": lambda library, _: store(library, new_document("a.txt", "new words"), "first"),
    "move": lambda library, a: library.move(a, name="m.txt", path="/folder/m.txt", root="/folder", mtime_ns=9),
    "remove": lambda library, a: library.remove(a),
    "remove a collection": lambda library, _: library.remove_collection("first"),
    "note a failure": lambda library, _: library.note_failure(failed_file("/folder/c.txt")),
    "forget a failure": lambda library, _: library.forget_failure("first", "/folder/a.txt"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_exception_at_any_statement_leaves_the_old_state_or_the_new(tmp_path: Path, change: str) -> None:
    """Only a removal goes on after it is kept: then the document is gone, and what is left over is done later."""
    interrupted = 0
    with Library.open(url_in(tmp_path), index_folder=tmp_path, versions_kept=1) as library:
        library.choose_embedder(EMBEDDER.name, EMBEDDER.dimensions)
        while True:
            fill(library)
            (document,) = library.documents(Scope(collections=("first",)))
            found_by_vectors(library, "old")
            before, removed = every_row(tmp_path), len(library.receipts())
            try:
                with failing_at(interrupted + 1):
                    CHANGES[change](library, document.id)
            except PowerCutError:
                interrupted += 1
                if len(library.receipts()) == removed:
                    assert every_row(tmp_path) == before
                    assert sorted(found_by_vectors(library, "old")) == ["old sentence", "old words", "words that stay"]
                else:
                    assert change.startswith("remove")
                    assert found_by_vectors(library, "old") == ["words that stay"]
                assert found_by_words(library, "new") == []
            else:
                break
        assert interrupted >= 2
        assert every_row(tmp_path) != before
        assert library.verify().problems == ()
        assert library.receipts() == [] or "database file" in library.receipts()[-1].checked


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from tests.libraries import *

folder, change = Path(sys.argv[1]), sys.argv[2]

def perform():
    if change == "create":
        open_library(folder)
        return
    library = open_library(folder)
    if change == "remove":
        library.remove(1)
    elif change == "move":
        library.move(1, name="b.txt", path="/folder/b.txt", root="/folder", mtime_ns=2)
    elif change == "reembed":
        other = FakeEmbedder(name="other")
        library.rebuild(other.embed_passages, embedder="other", dimensions=64)
    else:
        store(library, new_document("a.txt", "new words"))

def killed_at(number):
    child = os.fork()
    if child == 0:
        count = 0
        def tick(*_):
            global count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
        globals()["count"] = 0
        event.listen(Engine, "before_cursor_execute", tick)
        event.listen(Engine, "commit", tick)
        perform()
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL

def state():
    with Library.open(url_in(folder), index_folder=folder / "index") as library:
        problems = library.verify().problems
        assert not problems, problems
        return contents(library), library.embedder

if change == "create":
    number = 1
    while killed_at(number):
        number += 1
    assert state() == ({}, ("fake", 64))
else:
    with open_library(folder) as library:
        store(library, new_document("a.txt", "old words", "old sentence"))
    before, number, kept = state(), 1, folder.with_name("kept")
    shutil.copytree(folder, kept)
    rows = every_row(folder)
    while killed_at(number):
        if every_row(folder) != rows and (after := state()) != before:
            # A removal goes on cleaning when the document is gone already.
            assert change in ("remove", "reembed"), after
            assert after == (({}, ("fake", 64)) if change == "remove" else (before[0], ("other", 64))), after
            shutil.rmtree(folder)
            shutil.copytree(kept, folder)
        number += 1
    assert state() != before
print(number)
"""


@pytest.mark.parametrize("change", ["create", "replace", "move", "remove", "reembed"])
def test_a_kill_at_any_statement_leaves_the_old_state_or_the_new(tmp_path: Path, change: str) -> None:
    with start_python(KILLED, str(tmp_path / "library"), change) as process:
        output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert int(output) > 10


@contextmanager
def held_by_another(file: Path) -> Iterator[None]:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


def test_a_locked_library_can_be_read_and_says_why_it_cannot_be_written(tmp_path: Path) -> None:
    with open_library(tmp_path, timeout=0.05) as library:
        stored = store(library, new_document("a.txt", "one"))
        with held_by_another(tmp_path / "library.sqlite3"):
            with pytest.raises(LibraryLocked, match=r"Another program holds .*library\.sqlite3"):
                library.remove(stored.id)
            with pytest.raises(LibraryLocked, match=r"Another program holds .*library\.sqlite3"):
                store(library, new_document("b.txt", "two"))
            assert found_by_vectors(library, "one") == found_by_words(library, "one") == ["one"]
            with open_library(tmp_path, timeout=0.05) as second:
                assert second.documents() == [stored]
            with pytest.raises(LibraryLocked):
                library.verify()
        assert library.remove(stored.id).document == stored


def test_a_database_that_is_locked_before_it_is_a_library_says_so(tmp_path: Path) -> None:
    with held_by_another(tmp_path / "library.sqlite3"), pytest.raises(LibraryLocked):
        open_library(tmp_path, timeout=0.05)


def test_a_full_disk_keeps_the_library_as_it_was(tmp_path: Path) -> None:
    def limit(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 60")

    with listening("connect", limit), open_library(tmp_path) as library:
        store(library, new_document("a.txt", "small words"))
        before = contents(library)
        for name in ("a.txt", "b.txt"):
            with pytest.raises(StorageFull, match="disk is full"):
                store_large(library, name, characters=600_000)
            assert contents(library) == before
            assert found_by_vectors(library, "words") == found_by_words(library, "words") == ["small words"]
        assert library.verify().problems == ()
        library.remove(1)
        store(library, new_document("c.txt", "there is room for this"))


FILE_LIMIT = """
import resource, sys
from pathlib import Path
from rag_app.errors import StorageFull
from tests.libraries import *
with open_library(Path(sys.argv[1])) as library:
    store(library, new_document("a.txt", "small words"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    try:
        store_large(library, "b.txt", characters=1_200_000)
    except StorageFull as error:
        print("refused:", error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    store(library, new_document("c.txt", "more words"))
    print(sorted(contents(library)), library.verify().problems)
"""


def test_a_write_that_the_system_refuses_is_not_kept(tmp_path: Path) -> None:
    with start_python(FILE_LIMIT, str(tmp_path)) as process:
        output, errors = process.communicate()
    assert process.returncode == 0, errors
    refused, after = output.splitlines()
    assert refused.startswith("refused: The library")
    assert after == "['a.txt', 'c.txt'] ()"


def test_a_read_only_library_refuses_changes(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no library at .* yet"):
        open_library(tmp_path, read_only=True)
    with open_library(tmp_path) as library:
        store(library, new_document("a.txt", "one"))
    with open_library(tmp_path, read_only=True) as library:
        with pytest.raises(LibraryError, match="read-only"):
            library.remove(1)
        with pytest.raises(LibraryError, match="read-only"):
            library.rebuild()
        with pytest.raises(LibraryError, match="read-only"):
            store(library, new_document("b.txt"))
        assert found_by_words(library, "one") == ["one"]


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "library.sqlite3"
    file.write_bytes(content)
    with pytest.raises(LibraryError, match=r"library\.sqlite3 is (not an SQLite database|damaged)"):
        open_library(tmp_path)
    assert file.read_bytes() == content


def test_a_place_that_cannot_hold_a_library_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "library.sqlite3").mkdir()
    with pytest.raises(LibraryError, match=r"file.* cannot be created .*RAG_APP_HOME"):
        open_library(tmp_path / "file")
    with pytest.raises(LibraryError, match=r"library\.sqlite3 cannot be opened .*permissions"):
        open_library(tmp_path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://host/name", "in postgresql is not supported"),
        ("mysql+pymysql://host/name", "in mysql is not supported"),
        ("library.sqlite3", "is no database URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?mode=memory&uri=true", "names no file"),
    ],
)
def test_a_url_that_is_no_sqlite_file_is_refused(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(LibraryError, match=message):
        Library.open(url, index_folder=tmp_path, embedder="fake", dimensions=64)
    with pytest.raises(LibraryError, match=message):
        Library.embedder_of(url)


def test_a_removed_text_is_overwritten_on_the_disk(tmp_path: Path) -> None:
    secret = "Zwölfmalzwölf verschwiegene Sätze"
    with open_library(tmp_path) as library:
        stored = library.store(new_document("a.txt", secret), np.ones((1, EMBEDDER.dimensions), dtype=np.float32))
        library.remove(stored.id)
    assert secret.encode() not in (tmp_path / "library.sqlite3").read_bytes()
    assert not list(tmp_path.glob("*-wal"))
