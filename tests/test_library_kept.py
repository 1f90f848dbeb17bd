"""Versions, positions, failures, moves and copies; and damage to them, which is found, named and healed."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alembic import command

from rag_app.errors import EmbedderMismatch, LibraryError, NotFound
from rag_app.library import Library
from rag_app.library.database import Database
from rag_app.library.migrating import _config
from rag_app.records import FailedFile, Scope, TextBox, contextual_text
from tests.libraries import (
    EMBEDDER,
    found_by_vectors,
    found_by_words,
    new_document,
    open_library,
    store,
    url_in,
    vectors_of,
)


def run_sql(folder: Path, *statements: str) -> None:
    """Change the database behind the library's back; foreign keys are not looked at."""
    with closing(sqlite3.connect(folder / "library.sqlite3", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def line(start: int, end: int, page: int = 1) -> TextBox:
    return TextBox(start, end, page, left=0.125, top=start / 1000, right=0.75, bottom=(start + 8) / 1000)


def test_what_a_document_was_is_kept_but_not_found(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        texts = ["first wording\n", "second wording\n", "third \x00 – naïve wording\n"]
        stored = [store(library, new_document("a.txt", text[:-1], title=f"Title {n}")) for n, text in enumerate(texts)]
        number = stored[0].id
        kept = library.versions(number)
        assert [version.number for version in kept] == [1, 2]
        assert [(v.sha256, v.size, v.title, v.pages) for v in kept] == [
            (d.sha256, d.size, d.title, d.pages) for d in stored[:2]
        ]
        assert [v.ingested_at for v in kept] == [d.ingested_at for d in stored[:2]]
        assert [v.superseded_at for v in kept] == [d.ingested_at for d in stored[1:]]
        assert [library.version_text(number, n) for n in (1, 2, 3)] == texts
        assert found_by_words(library, "first second") == []
        assert len(found_by_vectors(library, "first wording")) == 1
        with pytest.raises(NotFound, match="Version 4 of document 1"):
            library.version_text(number, 4)
        for ask in (library.versions, lambda n: library.version_text(n, 1), lambda n: library.boxes(n, 0, 1)):
            with pytest.raises(NotFound, match="no document 99"):
                ask(99)


def test_only_so_many_versions_are_kept(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        for number in range(15):
            stored = store(library, new_document("a.txt", f"wording {number}"))
        assert [version.number for version in library.versions(stored.id)] == list(range(5, 15))
        assert library.verify().problems == ()
    with Library.open(url_in(tmp_path), index_folder=tmp_path / "index", versions_kept=0) as library:
        store(library, new_document("a.txt", "last wording"))
        assert library.versions(stored.id) == []


def test_positions_are_found_by_the_span_that_they_touch(tmp_path: Path) -> None:
    document = new_document("a.pdf", "x" * 99, "y" * 99)
    boxes = (*(line(start, start + 10) for start in range(0, 100, 10)), *(line(s, s + 20, 2) for s in (100, 120, 140)))
    with open_library(tmp_path) as library:
        stored = store(library, replace(document, boxes=boxes[::-1], format="pdf", notes=("2 images without text",)))
        assert (stored.format, stored.notes) == ("pdf", ("2 images without text",))
        assert library.boxes(stored.id, 0, 200) == list(boxes)
        assert library.boxes(stored.id, 15, 30) == list(boxes[1:3])
        assert library.boxes(stored.id, 99, 101) == [boxes[9], boxes[10]]
        assert library.boxes(stored.id, 160, 200) == library.boxes(stored.id, 15, 15) == []
        store(library, replace(document, boxes=boxes[:2]))
        assert library.boxes(stored.id, 0, 200) == list(boxes[:2])
        for bad in (line(5, 5), line(-1, 3), line(0, 201)):
            with pytest.raises(ValueError, match="is of no piece of 200 characters"):
                store(library, replace(document, boxes=(bad,)))
        assert library.boxes(stored.id, 0, 200) == list(boxes[:2])


def test_a_file_that_moved_keeps_its_id_and_its_vectors(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        stored = store(library, new_document("a.txt", "steady words"))
        other = store(library, new_document("other.txt", "other words"))
        chunks = library.chunks(stored.id)
        library.note_failure(FailedFile("default", "/new/b.txt", "b.txt", "/new", 1, 1, None, "unreadable"))
        moved = library.move(stored.id, name="b.txt", path="/new/b.txt", root="/new", mtime_ns=7)
        assert moved == replace(stored, name="b.txt", path="/new/b.txt", root="/new", mtime_ns=7)
        assert library.document(stored.id) == moved
        assert library.chunks(stored.id) == chunks
        assert library.failures() == []
        assert found_by_vectors(library, "steady words", 1) == ["steady words"]
        with pytest.raises(LibraryError, match=r"b\.txt cannot be moved to /folder/other\.txt, which is document 2"):
            library.move(stored.id, name="other.txt", path=other.path, root="/folder", mtime_ns=8)
        with pytest.raises(NotFound, match="no document 9"):
            library.move(9, name="c.txt", path="/c.txt", root="/", mtime_ns=8)
        assert library.documents() == [moved, other]
        assert library.verify().problems == ()


def failure(path: str = "/in/x.pdf", *, size: int = 10, collection: str = "default") -> FailedFile:
    return FailedFile(collection, path, path[4:], "/in", size, 5, "ab" * 32, "it is broken", reader="1")


def test_a_file_that_failed_is_remembered_until_it_is_stored_moved_or_forgotten(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        noted = library.note_failure(failure())
        assert library.failures() == [noted] == [replace(failure(), failed_at=noted.failed_at)]
        assert library.note_failure(failure()).attempts == 2
        assert library.note_failure(failure(size=11)).attempts == 1
        library.note_failure(failure("/in/y.pdf", collection="other"))
        assert [f.collection for f in library.failures()] == ["default", "other"]
        assert [f.name for f in library.failures(Scope(collections=("other",)))] == ["y.pdf"]
        assert library.forget_failure("other", "/in/y.pdf")
        assert not library.forget_failure("other", "/in/y.pdf")
        stored = store(library, replace(new_document("x.pdf", "whole now"), path="/in/x.pdf"))
        assert library.failures() == []
        library.note_failure(failure())
        library.remove(stored.id)
        assert library.failures() == []


def test_twins_are_found_by_digest_within_their_collection(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        one = store(library, new_document("a.txt", "same words"))
        two = store(library, new_document("b.txt", "same words"))
        store(library, new_document("c.txt", "same words"), "other")
        different = store(library, new_document("d.txt", "different words"))
        assert library.twins([one.sha256, different.sha256, "0" * 64], collection="default") == {
            one.sha256: two,
            different.sha256: different,
        }
        assert library.twins([], collection="default") == {}


def test_vectors_of_texts_that_were_embedded_before_are_known(tmp_path: Path) -> None:
    document = new_document("a.txt", "one piece", "another piece", title="Title")
    texts = [contextual_text("Title", None, piece) for piece in ("one piece", "another piece")]
    with Library.open(url_in(tmp_path), index_folder=tmp_path / "index") as library:
        assert library.known_vectors(texts) == [None, None]
        library.choose_embedder(EMBEDDER.name, EMBEDDER.dimensions)
        store(library, document)
        known = library.known_vectors([texts[1], "one piece", texts[0], texts[1]])
        assert known[1] is None
        expected = vectors_of(document)
        for found, vector in ((known[0], expected[1]), (known[2], expected[0]), (known[3], expected[1])):
            assert found is not None
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, vector, atol=1e-3)
        assert library.known_vectors([]) == []
        with pytest.raises(EmbedderMismatch):
            library.choose_embedder("other", 32)


def test_hits_of_the_same_content_are_made_one(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        older = store(library, new_document("a.txt", "same words", "only here", title="Old name"))
        store(library, new_document("b.txt", "more words"))
        newer = store(library, new_document("copy.txt", "same words", "only here", title="New name"))
        hits = library.search_vectors(EMBEDDER.embed_query("same words"), 10)
        assert len(hits) == 5
        distinct = library.distinct(hits)
        passages = library.passages(distinct)
        assert sorted(p.chunk.text for p in passages) == ["more words", "only here", "same words"]
        assert passages[0].chunk.text == "same words"
        assert older.id not in {p.document.id for p in passages}
        assert [p.document.id for p in passages].count(newer.id) == 2
        assert distinct[0].score == hits[0].score
        assert [hit.score for hit in distinct] == sorted((hit.score for hit in distinct), reverse=True)
        assert library.distinct([]) == []


LONG = [f"sentence {n} tells of subject {n * 7 % 13} and of place {n * 5 % 11} at hour {n}." for n in range(120)]


def test_documents_that_say_nearly_the_same_are_shown_in_pairs(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        one = store(library, new_document("one.txt", *LONG))
        copy = store(library, new_document("copy.txt", *LONG))
        changed = store(library, new_document("changed.txt", *LONG[:60], "a sentence of its own", *LONG[61:]))
        store(library, new_document("half.txt", *LONG[:60]))
        store(library, new_document("blank.txt"))
        store(library, new_document("blank too.txt", "—"))
        store(library, new_document("other.txt", "quite another matter altogether, of which nothing else speaks"))
        exact, near = library.near_duplicates()
        assert (exact.document, exact.other, exact.similarity, exact.exact) == (one, copy, 1.0, True)
        assert (near.document, near.other, near.exact) == (one, changed, False)
        assert 0.9 < near.similarity < 1
        assert len(library.near_duplicates(threshold=0.3)) > 2
        assert library.near_duplicates(Scope(documents=(changed.id,))) == []
        before = library.near_duplicates(threshold=0.3)
        run_sql(
            tmp_path,
            "UPDATE signatures SET method = 'older' WHERE document_id = 1",
            "DELETE FROM signatures WHERE document_id = 2",
        )
        assert library.near_duplicates(threshold=0.3) == before
        with pytest.raises(ValueError, match="threshold of 0 "):
            library.near_duplicates(threshold=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a closed library whose first document has a version, positions and a receipt beside it."""
    with open_library(tmp_path) as library:
        store(library, new_document("a.txt", "old apples"))
        store(library, replace(new_document("a.txt", "new apples", "and pears"), boxes=(line(0, 10), line(11, 20, 2))))
        store(library, new_document("b.txt", "bananas"))
        library.remove(store(library, new_document("c.txt", "cherries")).id)
        assert library.verify().problems == ()
    return tmp_path


DAMAGE = [
    ("UPDATE chunks SET content_hash = 'ab' WHERE id = 2", "chunk 2 of document 1 has the hash of another text"),
    ("UPDATE document_versions SET number = 7", "version 7 of document 1 is not older than the document"),
    ("UPDATE document_versions SET text = x'00'", "the text of version 1 of document 1 cannot be read"),
    ("UPDATE document_versions SET document_id = 9", "document_versions keeps 1 rows of documents that are gone"),
    ("UPDATE document_boxes SET boxes = x'00' WHERE page = 2", "the positions on page 2 of document 1 cannot be read"),
    (
        "UPDATE document_boxes SET start = 12 WHERE page = 2",
        "document 1 are not those of characters 12 to 20",
    ),
    ("UPDATE document_boxes SET document_id = 2", "the positions on page 2 of document 2 lie outside of its text"),
    ("UPDATE document_boxes SET document_id = 9 WHERE page = 1", "document_boxes keeps 1 rows of documents"),
    ("UPDATE signatures SET signature = x'0011' WHERE document_id = 2", "signature of document 2 has the wrong length"),
    ("UPDATE signatures SET document_id = 9 WHERE document_id = 2", "signatures keeps 1 rows of documents"),
    ("INSERT INTO pending_vectors VALUES (99, 'x', x'00')", "pending_vectors keeps 1 rows"),
    ("INSERT INTO document_texts VALUES (9, 'lost')", "document_texts keeps 1 rows of documents that are gone"),
    ("DELETE FROM documents WHERE id = 2", "chunks keeps 1 rows of documents that are gone"),
    ("INSERT INTO collections(name) VALUES ('hollow')", "the collection 'hollow' holds no document"),
    ("UPDATE documents SET notes = '{' WHERE id = 2", "the notes on document 2 (b.txt) are not readable"),
    ("UPDATE receipts SET document_id = 2", "receipt 1 says that document 2 was removed, but it is there"),
    ("UPDATE receipts SET checked = ''", "receipt 1 is not readable"),
]


@pytest.mark.parametrize(("statement", "detail"), DAMAGE, ids=range(len(DAMAGE)))
def test_damage_to_what_is_kept_is_found_and_healed(folder: Path, statement: str, detail: str) -> None:
    run_sql(folder, statement)
    with open_library(folder) as library:
        found = [problem for problem in library.verify().problems if detail in problem.detail]
        assert [problem.kind for problem in found] == ["kept"], library.verify().problems
        assert "run 'rag-app rebuild'" in found[0].detail
        library.rebuild()
        assert library.verify().problems == ()
        assert found_by_words(library, "apples") == ["new apples"]
        assert library.documents()[0].name == "a.txt"
        assert len(library.receipts()) <= 1


def test_a_document_without_its_text_is_found(folder: Path) -> None:
    run_sql(folder, "DELETE FROM document_texts WHERE document_id = 2")
    with open_library(folder) as library:
        assert [p.detail for p in library.verify().problems] == [
            "document 2 has no text; run 'rag-app documents remove ID' for the document and ingest it again"
        ]
        assert store(library, new_document("b.txt", "bananas again")).version == 2
        assert library.verify().problems == ()
    run_sql(folder, "DELETE FROM document_texts WHERE document_id = 2")
    with open_library(folder) as library:
        library.remove(2)
        assert library.verify().problems == ()


def test_a_library_of_the_first_schema_is_upgraded_with_all_it_holds(tmp_path: Path) -> None:
    database = Database(url_in(tmp_path))
    with database.writing() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    database.close()
    vector = np.full(64, 0.125, dtype="<f2").tobytes().hex()
    run_sql(
        tmp_path,
        "UPDATE state SET revision = 1, embedder = 'fake', dimensions = 64",
        "INSERT INTO revisions VALUES (1, 'token')",
        "INSERT INTO collections VALUES (1, 'default')",
        "INSERT INTO documents VALUES (4, 1, '/folder/a.txt', 'a.txt', '/folder', 'ab', 9, 1, 'Old', NULL, 3, "
        "'2026-01-02 03:04:05.000000', 'old – text and more')",
        f"INSERT INTO chunks VALUES (8, 4, 0, 0, 10, NULL, 'Old', 'Part', 'old – text', 'fake', x'{vector}')",
        f"INSERT INTO chunks VALUES (9, 4, 1, 11, 19, NULL, 'Old', NULL, 'and more', 'fake', x'{vector}')",
    )
    with open_library(tmp_path, timeout=5) as library:
        (document,) = library.documents()
        assert (document.id, document.version, document.chunks, document.format, document.notes) == (4, 3, 2, "", ())
        assert library.text(4) == "old – text and more"
        assert [chunk.id for chunk in library.chunks(4)] == [8, 9]
        assert library.verify().problems == ()
        assert found_by_words(library, "text") == ["old – text"]
        known = library.known_vectors([contextual_text("Old", "Part", "old – text"), "and more"])
        assert [vector is None for vector in known] == [False, True]
        store(library, new_document("a.txt", "new text"))
        assert library.version_text(4, 3) == "old – text and more"
        assert library.near_duplicates() == []
        assert library.remove(4).versions == 1
