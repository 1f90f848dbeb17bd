"""The vector index is only a cache: whatever becomes of its file, a search shows what the database holds."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag_app.library.database import Database
from rag_app.library.history import REVISIONS_KEPT, begin_revision
from rag_app.library.vector_index import Stamp, VectorIndex
from tests.libraries import (
    EMBEDDER,
    found_by_vectors,
    found_by_words,
    index_file,
    new_document,
    open_library,
    start_python,
    store,
    url_in,
)


def fill(folder: Path) -> None:
    """Make a library whose index file is at its last revision."""
    with open_library(folder) as library:
        store(library, new_document("a.txt", "apples are red", "apples are sweet"))
        store(library, new_document("b.txt", "bananas are yellow"))
        assert found_by_vectors(library, "bananas")[0] == "bananas are yellow"


def assert_whole(folder: Path) -> None:
    with open_library(folder) as library:
        assert found_by_vectors(library, "bananas")[0] == "bananas are yellow"
        assert len(found_by_vectors(library, "apples")) == 3
        assert library.verify().problems == ()


def test_the_index_is_kept_when_the_library_closes(tmp_path: Path) -> None:
    fill(tmp_path)
    index = VectorIndex.load(index_file(tmp_path))
    assert index is not None
    assert index.stamp.revision == 2
    assert index.ids().tolist() == [1, 2, 3]
    assert [file.name for file in index_file(tmp_path).parent.iterdir()] == ["vectors.index"]


def test_an_untouched_index_is_not_written_again(tmp_path: Path) -> None:
    fill(tmp_path)
    os.utime(index_file(tmp_path), ns=(1, 1))
    assert_whole(tmp_path)
    assert index_file(tmp_path).stat().st_mtime_ns == 1


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "garbage": lambda _: os.urandom(3000),
    "no newline": lambda _: b"x" * 100_000,
    "truncated": lambda whole: whole[:-7],
    "only the header": lambda whole: whole.split(b"\n")[0],
    "one bit of a vector": lambda whole: whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
    "another revision": lambda whole: whole.replace(b'"revision": 2', b'"revision": 1'),
    "another format": lambda whole: whole.replace(b'"format": 2', b'"format": 9'),
    "a list": lambda _: b"[1, 2]\n",
    "a field is missing": lambda whole: whole.replace(b'"token"', b'"taken"'),
    "wrong types": lambda whole: whole.replace(b'"dimensions": 64', b'"dimensions": "x"'),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_index_is_made_anew(tmp_path: Path, kind: str) -> None:
    fill(tmp_path)
    file = index_file(tmp_path)
    file.write_bytes(DAMAGE[kind](file.read_bytes()))
    assert VectorIndex.load(file) is None
    assert_whole(tmp_path)
    index = VectorIndex.load(file)
    assert index is not None
    assert index.stamp.revision == 2


def test_a_deleted_index_is_made_anew(tmp_path: Path) -> None:
    fill(tmp_path)
    shutil.rmtree(index_file(tmp_path).parent)
    assert_whole(tmp_path)


def test_an_older_index_is_caught_up(tmp_path: Path) -> None:
    fill(tmp_path)
    older = index_file(tmp_path).read_bytes()
    with open_library(tmp_path) as library:
        library.remove(1)
        store(library, new_document("b.txt", "bananas are brown"))
        store(library, new_document("c.txt", "cherries are red"))
        found_by_vectors(library, "cherries")
    index_file(tmp_path).write_bytes(older)
    with open_library(tmp_path) as library:
        assert sorted(found_by_vectors(library, "red")) == ["bananas are brown", "cherries are red"]
        assert library.verify().problems == ()
    index = VectorIndex.load(index_file(tmp_path))
    assert index is not None
    assert index.stamp.revision == 5


def test_an_index_older_than_the_change_log_is_made_anew(tmp_path: Path) -> None:
    fill(tmp_path)
    older = index_file(tmp_path).read_bytes()
    with open_library(tmp_path) as library:
        library.remove(1)
        with Database(url_in(tmp_path)).writing() as connection:
            for _ in range(REVISIONS_KEPT):
                begin_revision(connection)
        store(library, new_document("c.txt", "cherries are red"))
    index_file(tmp_path).write_bytes(older)
    with open_library(tmp_path) as library:
        assert sorted(found_by_vectors(library, "red")) == ["bananas are yellow", "cherries are red"]
        assert library.verify().problems == ()


def test_an_index_of_a_database_that_was_deleted_is_not_believed(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "library.sqlite3").unlink()
    with open_library(tmp_path) as library:
        store(library, new_document("x.txt", "xylophones", "zithers"))
        store(library, new_document("y.txt", "yachts"))
        # The same revision and the same ids as before, but not the same vectors.
        assert library.revision == 2
        assert found_by_vectors(library, "yachts", 1) == ["yachts"]
        assert library.verify().problems == ()


def test_an_index_newer_than_a_restored_backup_is_not_believed(tmp_path: Path) -> None:
    fill(tmp_path)
    database = tmp_path / "library.sqlite3"
    backup = database.read_bytes()
    with open_library(tmp_path) as library:
        store(library, new_document("later.txt", "later words"))
        found_by_vectors(library, "later")
    newer = index_file(tmp_path).read_bytes()
    database.write_bytes(backup)
    with open_library(tmp_path) as library:
        assert "later words" not in found_by_vectors(library, "later")
    index_file(tmp_path).write_bytes(newer)
    with open_library(tmp_path) as library:
        store(library, new_document("other.txt", "other thoughts"))
        assert library.revision == 3
        assert found_by_vectors(library, "thoughts", 1) == ["other thoughts"]
        assert library.verify().problems == ()


def test_an_index_that_invents_a_chunk_is_not_shown_to_anybody(tmp_path: Path) -> None:
    fill(tmp_path)
    index = VectorIndex.load(index_file(tmp_path))
    assert index is not None
    invented = np.array([99], dtype=np.int64)
    index.replace(invented[:0], invented, EMBEDDER.embed_query("bananas")[None, :])
    index.save(index_file(tmp_path))
    with open_library(tmp_path) as library:
        hits = library.search_vectors(EMBEDDER.embed_query("bananas"), 3)
        assert sorted(hit.chunk_id for hit in hits) == [1, 2, 3]


def test_an_index_that_cannot_be_saved_is_only_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "index").write_text("a file where the folder should be")
    fill(tmp_path)
    assert_whole(tmp_path)
    assert "cannot be saved" in caplog.text


def test_a_large_change_is_saved_before_the_library_closes(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    document = new_document("big.txt", *(f"piece {number}" for number in range(5000)))
    library.store(document, np.ones((5000, EMBEDDER.dimensions), dtype=np.float32))
    assert not index_file(tmp_path).exists()
    library.search_vectors(EMBEDDER.embed_query("piece"), 1)
    assert index_file(tmp_path).exists()
    library.close()


def test_a_read_only_library_leaves_the_index_file_alone(tmp_path: Path) -> None:
    fill(tmp_path)
    index_file(tmp_path).unlink()
    with open_library(tmp_path, read_only=True) as library:
        assert found_by_vectors(library, "bananas")[0] == "bananas are yellow"
        assert library.verify().problems == ()
    assert not index_file(tmp_path).exists()


READER = """
import sys
from pathlib import Path
from tests.libraries import found_by_vectors, found_by_words, open_library
with open_library(Path(sys.argv[1]), read_only=True) as library:
    for query in sys.stdin:
        print(found_by_vectors(library, query), found_by_words(library, query), sep="|", flush=True)
"""


def test_another_process_sees_each_change_at_its_next_query(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        store(library, new_document("a.txt", "apples"))
        with start_python(READER, str(tmp_path)) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None

            def ask(query: str) -> str:
                assert reader.stdin is not None
                assert reader.stdout is not None
                reader.stdin.write(query + "\n")
                reader.stdin.flush()
                return reader.stdout.readline().strip()

            assert ask("apples") == "['apples']|['apples']"
            bananas = store(library, new_document("b.txt", "bananas"))
            assert ask("bananas") == "['bananas', 'apples']|['bananas']"
            store(library, new_document("a.txt", "apricots"))
            assert ask("apples") == str(found_by_vectors(library, "apples")) + "|[]"
            library.remove(bananas.id)
            assert ask("bananas") == "['apricots']|[]"
            reader.stdin.close()
            assert reader.wait() == 0


WRITER = """
import sys
from pathlib import Path
from tests.libraries import found_by_vectors, new_document, open_library, store
name = sys.argv[2]
with open_library(Path(sys.argv[1])) as library:
    for number in range(6):
        store(library, new_document(f"{name}{number}.txt", f"{name} piece {number}", "shared"))
        store(library, new_document("shared.txt", f"last written by {name}"))
        found_by_vectors(library, name, 3)
        if number % 3 == 0:
            library.remove(next(d.id for d in library.documents() if d.name == f"{name}{number}.txt"))
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    writers = [start_python(WRITER, str(tmp_path), name) for name in ("left", "right")]
    for writer in writers:
        assert writer.communicate()[1] == ""
        assert writer.returncode == 0
    with open_library(tmp_path) as library:
        assert len(library.documents()) == 9
        assert library.revision == 28
        shared = next(d for d in library.documents() if d.name == "shared.txt")
        assert shared.version == 12
        assert len(found_by_words(library, "last written", 50)) == 1
        assert library.verify().problems == ()


def test_an_index_refuses_what_faiss_would_take_silently() -> None:
    index = VectorIndex(Stamp(1, "t", "e", 2))
    ids = np.array([1, 1], dtype=np.int64)
    with pytest.raises(ValueError, match="do not fit"):
        index.replace(ids[:0], ids, np.eye(2, dtype=np.float32))
    with pytest.raises(ValueError, match="do not fit"):
        index.replace(ids[:0], ids[:1], np.eye(3, dtype=np.float32)[:1])


def test_an_index_of_another_kind_is_not_loaded(tmp_path: Path) -> None:
    index = VectorIndex(Stamp(1, "t", "e", 2))
    index.stamp = replace(index.stamp, dimensions=3)
    index.save(tmp_path / "vectors.index")
    assert VectorIndex.load(tmp_path / "vectors.index") is None
