"""Each kind of damage is found and named; what can be healed is healed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag_app.errors import EmbedderMismatch, LibraryError
from rag_app.library import Library
from rag_app.library.vector_index import VectorIndex
from rag_app.records import contextual_text
from tests.fakes import FakeEmbedder
from tests.libraries import (
    EMBEDDER,
    contents,
    found_by_vectors,
    found_by_words,
    index_file,
    new_document,
    open_library,
    store,
    url_in,
)

OTHER = FakeEmbedder(name="other", dimensions=32)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of a closed library with three documents and a current index."""
    with open_library(tmp_path) as library:
        store(library, new_document("a.txt", "apples are red", "apples are sweet", title="Apples"))
        store(library, new_document("b.txt", "bananas are yellow"))
        store(library, new_document("c.txt", "cherries are red"))
        found_by_vectors(library, "apples")
        assert library.verify().problems == ()
    yield tmp_path


def run_sql(folder: Path, *statements: str) -> None:
    """Change the database behind the library's back; foreign keys are not looked at."""
    with closing(sqlite3.connect(folder / "library.sqlite3", isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            connection.execute(statement)


def problems(folder: Path) -> dict[str, list[str]]:
    with open_library(folder) as library:
        report = library.verify()
        assert report.to_json()["clean"] == (not report.problems)
        found: dict[str, list[str]] = {}
        for problem in report.problems:
            found.setdefault(problem.kind, []).append(problem.detail)
        return found


def test_a_sound_library_is_counted(folder: Path) -> None:
    with open_library(folder) as library:
        report = library.verify()
    assert (report.documents, report.chunks, report.vectors, report.revision) == (3, 4, 4, 3)
    assert report.problems == ()


SQL_DAMAGE = [
    (
        "UPDATE document_texts SET text = 'x' || text WHERE document_id = 2",
        {"text": "chunk 3 of document 2 (b.txt) is not"},
    ),
    ("UPDATE chunks SET start = start + 1 WHERE id = 4", {"text": "chunk 4 of document 3 (c.txt) is not"}),
    ("UPDATE documents SET title = 'Pears' WHERE id = 1", {"text": "chunk 1 of document 1 (a.txt) carries another"}),
    ("UPDATE chunks SET ordinal = 5 WHERE id = 2", {"text": "chunk 2 of document 1 (a.txt) is number 5"}),
    ("UPDATE chunks SET vector = x'0001' WHERE id = 3", {"vector": "chunk 3 of document 2 is not 64 finite"}),
    ("UPDATE chunks SET vector = zeroblob(128) WHERE id = 3", {"vector": "chunk 3 of document 2 is not 64 finite"}),
    (
        f"UPDATE chunks SET vector = x'{np.full(64, np.nan, dtype='<f2').tobytes().hex()}' WHERE id = 3",
        {"vector": "chunk 3 of document 2 is not 64 finite"},
    ),
    ("UPDATE chunks SET vector = 'text' WHERE id = 3", {"vector": "chunk 3 of document 2 is not 64 finite"}),
    (
        "UPDATE chunks SET embedder = 'strange' WHERE id = 3",
        {"vector": "chunk 3 of document 2 is of strange, not of fake", "index": "chunk 3, which is gone"},
    ),
    (
        "DELETE FROM documents WHERE id = 2",
        {
            "database": "row 3 of chunks points to a row of documents that is not there",
            "kept": "chunks keeps 1 rows of documents that are gone",
        },
    ),
    ("UPDATE state SET revision = 9", {"history": "at revision 9, but its history ends at 3"}),
    (
        "INSERT INTO chunk_words(chunk_words, rowid, text, heading, title) "
        "SELECT 'delete', id, text, heading, title FROM chunks WHERE id = 3",
        {"words": "the words of 1 chunks cannot be found (the first is 3)"},
    ),
    (
        "INSERT INTO chunk_words(rowid, text) VALUES (77, 'orphan')",
        {"words": "the words of 1 chunks that are gone are still there (the first is 77)"},
    ),
]


@pytest.mark.parametrize(("statement", "expected"), SQL_DAMAGE, ids=range(len(SQL_DAMAGE)))
def test_damage_to_the_rows_is_found(folder: Path, statement: str, expected: dict[str, str]) -> None:
    run_sql(folder, statement)
    found = problems(folder)
    for kind, detail in expected.items():
        assert any(detail in line for line in found[kind]), found
    allowed = set(expected) | {"index"} if "vector" in expected else set(expected)
    assert set(found) <= allowed


def test_vectors_of_an_embedder_that_the_library_has_forgotten_are_found(folder: Path) -> None:
    run_sql(folder, "UPDATE state SET embedder = NULL, dimensions = NULL")
    with Library.open(url_in(folder), index_folder=folder / "index") as library:
        found = [problem.detail for problem in library.verify().problems if problem.kind == "vector"]
    assert any("chunk 3 of document 2 is of fake, not of None" in detail for detail in found)


def test_words_that_are_not_those_of_the_text_are_found_and_healed(folder: Path) -> None:
    run_sql(
        folder,
        "INSERT INTO chunk_words(chunk_words, rowid, text, heading, title) "
        "SELECT 'delete', id, text, heading, title FROM chunks WHERE id = 3",
        "INSERT INTO chunk_words(rowid, text, title) VALUES (3, 'plums are blue', '')",
    )
    assert problems(folder) == {"words": ["the full-text table does not fit the texts; run 'rag-app rebuild'"]}
    with open_library(folder) as library:
        library.rebuild()
        assert library.verify().problems == ()
        assert found_by_words(library, "plums") == []
        assert found_by_words(library, "bananas") == ["bananas are yellow"]


def test_changes_behind_the_librarys_back_are_found_in_the_index_and_healed(folder: Path) -> None:
    opposite = np.full(64, -0.125, dtype="<f2").tobytes().hex()
    run_sql(folder, f"UPDATE chunks SET vector = x'{opposite}' WHERE id = 1", "DELETE FROM chunks WHERE id = 3")
    found = problems(folder)
    assert found == {
        "index": [
            "the index holds another vector than the library for chunk 1; run 'rag-app rebuild'",
            "the index holds a vector of chunk 3, which is gone; run 'rag-app rebuild'",
        ]
    }
    with open_library(folder) as library:
        library.rebuild()
        assert library.verify().problems == ()


def test_a_vector_that_the_index_lacks_or_invents_is_found(folder: Path) -> None:
    index = VectorIndex.load(index_file(folder))
    assert index is not None
    ids = np.array([3, 88], dtype=np.int64)
    index.replace(ids[:1], ids[1:], EMBEDDER.embed_query("invented")[None, :])
    index.save(index_file(folder))
    assert problems(folder)["index"] == [
        "the vector of chunk 3 is not in the index; run 'rag-app rebuild'",
        "the index holds a vector of chunk 88, which is gone; run 'rag-app rebuild'",
    ]
    with open_library(folder) as library:
        library.rebuild()
    assert problems(folder) == {}


def test_a_page_that_was_overwritten_is_found(folder: Path) -> None:
    with open_library(folder) as library:
        store(library, new_document("large.txt", *(f"piece {number} " * 50 for number in range(200))))
        report = library.verify()
        assert report.problems == ()
    file = folder / "library.sqlite3"
    content = bytearray(file.read_bytes())
    for page in range(40, 60):
        content[page * 4096 : page * 4096 + 100] = b"\xee" * 100
    file.write_bytes(content)
    found = problems(folder)
    assert "damaged" in found["database"][0]


def test_a_library_of_another_embedder_is_not_opened(folder: Path) -> None:
    for name, dimensions in (("other", 64), ("fake", 32)):
        with pytest.raises(EmbedderMismatch, match=rf"made by fake \(64 .* not by {name} \({dimensions} .*rebuild"):
            Library.open(url_in(folder), index_folder=folder, embedder=name, dimensions=dimensions)
    assert problems(folder) == {}


def test_an_empty_library_adopts_an_embedder(tmp_path: Path) -> None:
    assert Library.embedder_of(url_in(tmp_path)) is None
    assert not list(tmp_path.iterdir())
    with Library.open(url_in(tmp_path), index_folder=tmp_path) as library:
        assert library.embedder is None
        assert library.documents() == []
        assert library.search_words("anything", 3) == []
        assert library.verify().problems == ()
        library.rebuild()
        with pytest.raises(LibraryError, match="no embedder yet"):
            library.search_vectors(np.ones(64, dtype=np.float32), 3)
        with pytest.raises(LibraryError, match="no embedder yet"):
            library.store(new_document("a.txt", "one"), np.ones((1, 64), dtype=np.float32))
    assert Library.embedder_of(url_in(tmp_path)) is None
    with open_library(tmp_path):
        pass
    with Library.open(url_in(tmp_path), index_folder=tmp_path, embedder="other", dimensions=32):
        assert Library.embedder_of(url_in(tmp_path)) == ("other", 32)


def test_a_library_can_be_opened_without_naming_its_embedder(folder: Path) -> None:
    assert Library.embedder_of(url_in(folder)) == ("fake", 64)
    with Library.open(url_in(folder), index_folder=folder / "index") as library:
        assert library.embedder == ("fake", 64)
        assert found_by_vectors(library, "bananas")[0] == "bananas are yellow"
        store(library, new_document("d.txt", "dates are brown"))
    with pytest.raises(ValueError, match="belong together"):
        Library.open(url_in(folder), index_folder=folder, embedder="fake")


def best(library: Library, embedder: FakeEmbedder, query: str) -> str:
    return library.passages(library.search_vectors(embedder.embed_query(query), 1))[0].chunk.text


def test_a_library_is_embedded_anew_in_place(folder: Path) -> None:
    with Library.open(url_in(folder), index_folder=folder / "index") as library, open_library(folder) as bystander:
        before = contents(library)
        ids = [chunk.id for d in library.documents() for chunk in library.chunks(d.id)]
        library.rebuild(OTHER.embed_passages, embedder="other", dimensions=32)
        assert library.embedder == Library.embedder_of(url_in(folder)) == ("other", 32)
        assert best(library, OTHER, "bananas yellow") == "bananas are yellow"
        assert contents(library) == before
        assert [chunk.id for d in library.documents() for chunk in library.chunks(d.id)] == ids
        assert library.verify().problems == ()
        with pytest.raises(EmbedderMismatch):
            found_by_vectors(bystander, "bananas")
        with pytest.raises(EmbedderMismatch):
            store(bystander, new_document("d.txt", "dates"))
        assert found_by_words(bystander, "bananas") == ["bananas are yellow"]
    expected = {contextual_text("Apples", None, "apples are red"), contextual_text("", None, "bananas are yellow")}
    assert expected <= set(OTHER.embedded)


def test_embedding_anew_with_the_same_embedder_heals_a_vector(folder: Path) -> None:
    run_sql(folder, "UPDATE chunks SET vector = x'00', embedder = 'strange' WHERE id = 3")
    assert set(problems(folder)) == {"vector", "index"}
    with open_library(folder) as library:
        library.rebuild(EMBEDDER.embed_passages)
        assert library.verify().problems == ()
        assert found_by_vectors(library, "bananas")[0] == "bananas are yellow"


def test_an_interrupted_embedding_goes_on_where_it_was(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        store(library, new_document("many.txt", *(f"piece {number}" for number in range(600))))
        library.remove(store(library, new_document("gone.txt", "gone")).id)

    class OutOfMemoryError(Exception):
        pass

    done: list[str] = []

    def embed(texts: list[str]) -> NDArray[np.float32]:
        if len(done) >= 500:
            raise OutOfMemoryError
        done.extend(texts)
        return OTHER.embed_passages(texts)

    with Library.open(url_in(tmp_path), index_folder=tmp_path / "index") as library:
        with pytest.raises(OutOfMemoryError):
            library.rebuild(embed, embedder="other", dimensions=32)
        assert found_by_vectors(library, "piece 7", 1) == ["piece 7"]
        assert library.verify().problems == ()
        # What comes and goes in the meantime is embedded too, or forgotten.
        late = store(library, new_document("late.txt", "late arrival"))
        finished = OTHER.embed_passages
        already, count = set(done), len(done)
        done.clear()

        def rest(texts: list[str]) -> NDArray[np.float32]:
            if not done:
                store(library, new_document("later.txt", "even later"))
            done.extend(texts)
            return finished(texts)

        library.rebuild(rest, embedder="other", dimensions=32)
        assert not already & set(done)
        assert len(done) + count == 602
        assert best(library, OTHER, "late arrival") == library.text(late.id).strip()
        assert best(library, OTHER, "even later") == "even later"
        assert library.verify().problems == ()


def test_vectors_of_the_wrong_size_end_the_embedding_with_the_old_vectors_in_force(folder: Path) -> None:
    with open_library(folder) as library:
        with pytest.raises(ValueError, match="shape"):
            library.rebuild(OTHER.embed_passages, embedder="other", dimensions=48)
        assert library.embedder == ("fake", 64)
        assert found_by_vectors(library, "bananas")[0] == "bananas are yellow"
        assert library.verify().problems == ()
