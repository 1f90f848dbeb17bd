"""Several processes on one library: writers wait for each other, and a reader never sees half of a change."""

from pathlib import Path

import pytest

from rag_app.errors import LibraryLocked
from tests.libraries import contents, found_by_words, new_document, open_library, start_python, store

PROCESSES = """
import os, sys, time
from pathlib import Path
from rag_app.records import FailedFile
from tests.libraries import *
folder = Path(sys.argv[1])

def write(name):
    with open_library(folder) as library:
        for number in range(6):
            pieces = [f"{name} {number} piece {n}" for n in range(number + 1)]
            store(library, new_document(f"{name}.txt", *pieces), name)
            library.note_failure(FailedFile(name, "/folder/x", "x", "/folder", 1, 1, None, "unreadable"))
            passing = store(library, new_document(f"passing {name}.txt", f"passing {name} {number}"), name)
            library.move(passing.id, name="moved", path=f"/folder/moved {name}", root="/folder", mtime_ns=1)
            library.remove(passing.id)

def read(_name):
    rounds = 0
    with open_library(folder) as library:
        while not (folder / "stop").exists():
            for document in library.documents():
                if document.name in ("one.txt", "two.txt"):
                    pieces = library.text(document.id).splitlines()
                    assert len(pieces) == int(pieces[0].split()[1]) + 1, pieces
                    assert len({chunk.text.split()[1] for chunk in library.chunks(document.id)}) == 1
            hits = library.search_vectors(EMBEDDER.embed_query("piece"), 50)
            assert len({hit.chunk_id for hit in hits}) == len(hits)
            rounds += 1
    assert rounds

def start(task, name):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            task(name)
            status = 0
        finally:
            sys.excepthook(*sys.exc_info()) if status else None
            os._exit(status)
    return child

reader = start(read, "")
writers = [start(write, name) for name in ("one", "two")]
ended = [os.waitpid(child, 0)[1] for child in writers]
(folder / "stop").touch()
print(ended, os.waitpid(reader, 0)[1])
"""


def test_two_writers_and_a_reader_in_processes_of_their_own_agree(tmp_path: Path) -> None:
    open_library(tmp_path).close()
    with start_python(PROCESSES, str(tmp_path)) as process:
        output, errors = process.communicate()
    assert output == "[0, 0] 0\n", errors
    with open_library(tmp_path) as library:
        assert [(d.name, d.version, d.chunks) for d in library.documents()] == [("one.txt", 6, 6), ("two.txt", 6, 6)]
        assert len(library.receipts()) == 12
        assert len(library.failures()) == 2
        assert found_by_words(library, "passing") == []
        assert library.verify().problems == ()
    with open_library(tmp_path) as library:
        assert all("database file" in receipt.checked for receipt in library.receipts())


def test_a_writer_waits_for_another_only_so_long(tmp_path: Path) -> None:
    with open_library(tmp_path, timeout=0.05) as library, open_library(tmp_path, timeout=0.05) as other:
        stored = store(library, new_document("a.txt", "one"))
        with library._database.writing():
            for change in (
                lambda: other.move(stored.id, name="b", path="/b", root="/", mtime_ns=1),
                lambda: other.forget_failure("default", "/x"),
                lambda: other.remove_collection("default"),
            ):
                with pytest.raises(LibraryLocked, match="Another program holds"):
                    change()
            assert list(contents(other)) == ["a.txt"]
        assert other.move(stored.id, name="b", path="/b", root="/", mtime_ns=1).name == "b"
        assert library.document(stored.id).name == "b"
