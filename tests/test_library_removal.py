"""What was removed is nowhere any more, byte by byte, and a receipt says where it was looked for."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from snowballstemmer import stemmer

from rag_app.errors import LibraryLocked, NotFound
from rag_app.library import Library
from rag_app.library.erasing import probes_of
from rag_app.library.history import state_of
from rag_app.library.vector_index import Sizes, VectorIndex
from rag_app.records import FailedFile, NewDocument, TextBox
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

EVERYWHERE = {
    "documents", "versions", "positions", "signatures", "chunks", "pending vectors", "words", "vector index",
    "full-text index", "database file", "write-ahead log",
}  # fmt: skip


def marked_words(mark: str) -> list[str]:
    """Return odd words that all begin with a mark, some of them with accents, capitals and endings to be stemmed."""
    return [f"{mark}{letter}{ending}" for letter in "abcdefgh" for ending in ("", "ing", "É", "ß", "ations")]


def marked_document(name: str, mark: str, *, repeated: int = 40) -> NewDocument:
    words = marked_words(mark)
    pieces = [" ".join([*words, "plain", str(number)]) for number in range(repeated)]
    document = new_document(name, *pieces, title=f"{mark}title")
    spans = tuple(replace(span, heading=f"{mark}heading") for span in document.spans)
    return replace(document, spans=spans, notes=(f"sheet '{mark}note' left out",))


def traces(folder: Path, mark: str) -> dict[str, list[bytes]]:
    """Return each file that holds a form of the mark's words: as written, in lower case, without accents, stemmed."""
    stem = stemmer("porter").stemWord
    forms = {form for word in marked_words(mark) for form in (word, word.lower(), stem(word.lower()))} | {mark}
    wanted = [form.encode(code) for form in sorted(forms) for code in ("utf-8", "utf-16-le")]
    found = {
        file.name: [form for form in wanted if form in content]
        for file in folder.rglob("*")
        if file.is_file()
        for content in [file.read_bytes()]
    }
    return {name: forms for name, forms in found.items() if forms}


def test_a_removed_document_is_in_no_byte_of_any_file(tmp_path: Path) -> None:
    with open_library(tmp_path) as library, open_library(tmp_path) as bystander:
        for number in range(12):
            store(library, new_document(f"{number}.txt", *(f"plain piece {n} of {number}" for n in range(30))))
        gone = store(library, marked_document("gone.txt", "qzv"))
        store(library, marked_document("gone.txt", "qzv", repeated=25))
        store(library, marked_document("kept.txt", "wxk"))
        found_by_vectors(library, "plain")
        found_by_words(bystander, "qzva")
        bystander.near_duplicates()
        assert traces(tmp_path, "qzv")
        receipt = library.remove(gone.id)
        assert traces(tmp_path, "qzv") == {}
        assert set(receipt.checked) >= EVERYWHERE
        assert (receipt.versions, receipt.chunks) == (1, 25)
        assert found_by_words(bystander, "qzva") == []
        assert len(found_by_words(bystander, "wxka", 50)) == 40
        assert library.verify().problems == ()
    assert traces(tmp_path, "qzv") == {}
    assert traces(tmp_path, "wxk")


def test_a_document_between_many_others_leaves_nothing_in_pages_that_were_divided(tmp_path: Path) -> None:
    vectors = np.ones((20, EMBEDDER.dimensions), dtype=np.float32)
    with open_library(tmp_path) as library:
        for number in range(36):
            document = marked_document(f"{number}.txt", f"qz{number:02}q", repeated=1 + number % 20)
            library.store(document, vectors[: len(document.spans)])
        for number in range(0, 36, 2):
            document = marked_document(f"{number}.txt", f"qz{number:02}q", repeated=1 + (7 * number) % 20)
            library.store(document, vectors[: len(document.spans)])
        receipts = library.remove_many([d.id for d in library.documents() if int(d.name.split(".")[0]) % 3 == 0])
        assert len(receipts) == 12
        assert all(set(receipt.checked) >= EVERYWHERE for receipt in receipts)
        assert [n for n in range(0, 36, 3) if traces(tmp_path, f"qz{n:02}q")] == []
        assert all(traces(tmp_path, f"qz{n:02}q") for n in (1, 2, 35))
        assert library.verify().problems == ()


def test_vectors_that_wait_and_positions_go_with_the_document(tmp_path: Path) -> None:
    other = FakeEmbedder(name="other")
    with open_library(tmp_path) as library:
        document = replace(new_document("a.txt", "first words", "second words"), boxes=(TextBox(0, 5, 1, 0, 0, 1, 1),))
        stored = store(library, document)

        def interrupted(texts: list[str]) -> np.ndarray:
            raise KeyboardInterrupt

        def half(texts: list[str]) -> np.ndarray:
            return other.embed_passages(texts)

        with pytest.raises(KeyboardInterrupt):
            library.rebuild(interrupted, embedder="other", dimensions=64)
        with closing(sqlite3.connect(tmp_path / "library.sqlite3", isolation_level=None)) as connection:
            chunk = library.chunks(stored.id)[0].id
            connection.execute("INSERT INTO pending_vectors VALUES (?, 'other', x'00')", (chunk,))
        assert {"positions", "pending vectors"} <= set(library.remove(stored.id).checked)
        for table in ("pending_vectors", "document_boxes", "document_texts", "document_versions", "signatures"):
            with closing(sqlite3.connect(tmp_path / "library.sqlite3")) as connection:
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_version_that_is_no_longer_kept_is_overwritten_when_the_library_closes(tmp_path: Path) -> None:
    def open_keeping_one() -> Library:
        folder = tmp_path / "index"
        return Library.open(url_in(tmp_path), index_folder=folder, embedder="fake", dimensions=64, versions_kept=1)

    with open_keeping_one() as library:
        stored = store(library, marked_document("a.txt", "qzv"))
        store(library, marked_document("a.txt", "wxk"))
        assert [version.number for version in library.versions(stored.id)] == [1]
        store(library, marked_document("a.txt", "jjh"))
        assert [version.number for version in library.versions(stored.id)] == [2]
        with pytest.raises(NotFound, match=r"Version 1 of document 1 is not kept.*documents versions 1"):
            library.version_text(stored.id, 1)
        assert "wxka" in library.version_text(stored.id, 2)
    assert traces(tmp_path, "qzv") == {}
    assert traces(tmp_path, "jjh")


def test_a_receipt_is_kept_and_holds_nothing_of_the_text(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        first = store(library, marked_document("a.txt", "qzv"))
        second = store(library, marked_document("b.txt", "wxk"), "other")
        receipts = [library.remove(first.id), library.remove(second.id)]
    with open_library(tmp_path) as library:
        assert library.receipts() == receipts
        assert [r.document for r in receipts] == [replace(d, title="", notes=()) for d in (first, second)]
        assert "qzv" not in str(receipts)
        assert [receipt.id for receipt in receipts] == [1, 2]


def test_a_collection_is_removed_in_one_transaction_with_a_receipt_each(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        for name in ("a.txt", "b.txt", "c.txt"):
            store(library, marked_document(name, f"qzv{name[0]}", repeated=3), "old")
        kept = store(library, new_document("kept.txt", "kept words"))
        for collection in ("old", "default"):
            library.note_failure(FailedFile(collection, "/x", "x", "/", 1, 1, None, "unreadable"))
        revision = library.revision
        receipts = library.remove_collection("old")
        assert [receipt.document.name for receipt in receipts] == ["a.txt", "b.txt", "c.txt"]
        assert library.revision == revision + 1
        assert library.documents() == [kept]
        assert [failure.collection for failure in library.failures()] == ["default"]
        assert traces(tmp_path, "qzv") == {}
        assert library.remove_collection("old") == []


def test_many_are_removed_all_or_none(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        stored = store(library, new_document("a.txt", "one"))
        with pytest.raises(NotFound, match="no document 99"):
            library.remove_many([stored.id, 99])
        assert library.documents() == [stored]
        assert library.receipts() == []
        assert len(library.remove_many([stored.id, stored.id])) == 1


def test_a_removal_while_another_reads_is_finished_when_that_one_is_done(tmp_path: Path) -> None:
    with open_library(tmp_path) as library, closing(sqlite3.connect(tmp_path / "library.sqlite3")) as reader:
        stored = store(library, marked_document("a.txt", "qzv"))
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM documents").fetchone()
        receipt = library.remove(stored.id)
        assert not {"database file", "write-ahead log"} & set(receipt.checked)
        assert found_by_words(library, "qzva") == []
        reader.rollback()
        next_one = store(library, new_document("b.txt", "other words"))
        assert "database file" in library.remove(next_one.id).checked
        assert traces(tmp_path, "qzv") == {}
        assert library.receipts()[0] == receipt
    with open_library(tmp_path) as library:
        assert set(library.receipts()[0].checked) >= EVERYWHERE


def test_a_process_that_closes_later_does_not_put_removed_vectors_back(tmp_path: Path) -> None:
    with open_library(tmp_path) as longer:
        store(longer, new_document("keep.txt", "plain words"))
        gone = store(longer, new_document("gone.txt", "the zeppelin lands"))
        assert found_by_vectors(longer, "zeppelin")
        with closing(sqlite3.connect(tmp_path / "library.sqlite3")) as connection:
            chosen = connection.execute("SELECT vector FROM chunks WHERE document_id = ?", (gone.id,))
            vector: bytes = chosen.fetchone()[0]
        with open_library(tmp_path) as other:
            other.remove(gone.id)
    held = index_file(tmp_path).read_bytes()
    assert held
    assert vector[:64] not in held
    with open_library(tmp_path) as again:
        assert not again.verify().problems


def test_a_removal_cleans_the_better_index_that_another_process_saved(tmp_path: Path) -> None:
    sizes = Sizes(exact_up_to=20, compared=1000, candidates=20)
    url, folder = url_in(tmp_path), tmp_path / "index"
    with (
        Library.open(url, index_folder=folder, embedder="fake", dimensions=64, sizes=sizes) as older,
        Library.open(url, index_folder=folder, embedder="fake", dimensions=64, sizes=sizes) as other,
    ):
        for number in range(40):
            last = store(older, new_document(f"{number}.txt", f"plain words {number}"))
            with older._index.lock, older._database.reading() as connection:
                older._index.at(connection, state_of(connection))
        other.settle_index()
        receipt = older.remove(last.id)
        assert "vector index" in receipt.checked
        saved = VectorIndex.load(index_file(tmp_path), sizes=sizes)
        assert saved
        assert saved.made_for == 40
        assert len(saved) == 39


def test_a_removal_that_another_program_keeps_from_cleaning_is_a_removal(tmp_path: Path) -> None:
    """The other program takes the library between the removal and the cleaning."""
    with open_library(tmp_path, timeout=0.2) as library:
        stored = store(library, marked_document("a.txt", "qzv"))
        found_by_vectors(library, "qzva")
        taken = threading.Event()
        other = sqlite3.connect(tmp_path / "library.sqlite3", isolation_level=None, check_same_thread=False)
        library._index.lock.acquire()

        def take() -> None:
            while library.documents():
                pass
            other.execute("BEGIN IMMEDIATE")
            taken.set()
            library._index.lock.release()

        thread = threading.Thread(target=take)
        thread.start()
        receipt = library.remove(stored.id)
        thread.join()
        assert taken.is_set()
        assert "full-text index" not in receipt.checked
        assert contents(library) == {}
        with pytest.raises(LibraryLocked):
            library.note_failure(FailedFile("default", "/x", "x", "/", 1, 1, None, "unreadable"))
        other.rollback()
        other.close()
    assert traces(tmp_path, "qzv") == {}


def test_pieces_that_tell_a_text_are_taken_from_all_over_it() -> None:
    text = "".join(f"{number:06} and so on. " for number in range(1000))
    pieces = probes_of(text)
    assert len(pieces) >= 8
    assert all(piece in text for piece in pieces)
    assert text.index(pieces[-1]) > 0.85 * len(text)
    assert probes_of("") == probes_of("word") == ()
    assert probes_of("two words") == ("two words",)


def test_remains_in_a_page_are_found_and_the_file_is_written_anew(tmp_path: Path) -> None:
    """SQLite's own tables hold no such remains, so that they are planted where SQLite keeps free space."""
    with open_library(tmp_path) as library:
        stored = store(library, marked_document("a.txt", "qzv", repeated=3))
        text = library.text(stored.id)
        store(library, new_document("b.txt", "plain words"))
    file = tmp_path / "library.sqlite3"
    content = bytearray(file.read_bytes())
    free = content.index(bytes(2 * len(text.encode())))
    content[free + 100 : free + 100 + len(text.encode())] = text.encode()
    file.write_bytes(content)
    with open_library(tmp_path) as library:
        assert set(library.remove(stored.id).checked) >= EVERYWHERE
        assert traces(tmp_path, "qzv") == {}
        assert library.verify().problems == ()


def test_words_that_another_document_still_has_are_no_remains(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        one = store(library, marked_document("a.txt", "qzv"))
        store(library, marked_document("b.txt", "qzv"))
        assert set(library.remove(one.id).checked) >= EVERYWHERE
        assert len(found_by_words(library, "qzva", 50)) == 40
