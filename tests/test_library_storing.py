"""Documents that are stored together are stored as if one by one, all of them or none."""

from pathlib import Path

import numpy as np
import pytest

from ingest.pipeline import ingest_folder
from rag_app.errors import LibraryError
from rag_app.library import Arrival, Library
from rag_app.records import NewDocument, TextBox
from tests.fakes import FakeEmbedder
from tests.folders import OPTIONS, write
from tests.libraries import contents, found_by_words, new_document, open_library, store, vectors_of
from tests.reading_here import ReadingHere


def documents() -> list[NewDocument]:
    return [new_document(f"{n}.txt", f"first piece of {n}", f"second piece of {n}") for n in range(5)]


def arrivals(*given: NewDocument) -> list[Arrival]:
    return [Arrival(document, vectors_of(document)) for document in given]


def test_documents_that_are_stored_together_are_as_if_stored_one_by_one(tmp_path: Path) -> None:
    with open_library(tmp_path / "one") as one, open_library(tmp_path / "many") as many:
        for document in documents():
            store(one, document)
        stored = many.store_many(arrivals(*documents()))
        assert [document.name for document in stored] == [document.name for document in documents()]
        assert [many.document(document.id) for document in stored] == stored
        assert contents(many) == contents(one)
        assert [d.id for d in many.documents()] == [d.id for d in one.documents()]
        assert found_by_words(many, "piece 3")[:2] == found_by_words(one, "piece 3")[:2]
        assert many.verify().problems == ()


def test_documents_are_stored_together_in_one_change(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        before = library.revision
        library.store_many(arrivals(*documents()))
        assert library.revision == before + 1


def test_new_documents_and_new_versions_are_stored_together(tmp_path: Path) -> None:
    first, second, *_ = documents()
    changed = new_document("0.txt", "other words")
    with open_library(tmp_path) as library:
        store(library, first)
        stored = library.store_many(arrivals(second, changed))
        assert [(document.name, document.version) for document in stored] == [("1.txt", 1), ("0.txt", 2)]
        assert library.version_text(stored[1].id, 1) == first.text
        assert library.verify().problems == ()


def test_one_that_cannot_be_stored_keeps_the_others_out(tmp_path: Path) -> None:
    first, second, *_ = documents()
    with open_library(tmp_path) as library:
        with pytest.raises(LibraryError, match="no usable vector for piece 1 of 1.txt"):
            library.store_many([*arrivals(first), Arrival(second, np.zeros((2, 64), np.float32))])
        assert library.documents() == []
        bad = NewDocument(**{n: getattr(second, n) for n in second.__dataclass_fields__} | {"boxes": (OUTSIDE,)})
        with pytest.raises(ValueError, match="is of no piece"):
            library.store_many(arrivals(first, bad))
        assert library.documents() == []
        assert library.verify().problems == ()


OUTSIDE = TextBox(0, 1000, 1, 0.0, 0.0, 1.0, 1.0)


def test_what_another_program_has_stored_meanwhile_is_left_alone(tmp_path: Path) -> None:
    first, second, *_ = documents()
    with open_library(tmp_path) as library:
        there = store(library, first)
        before = library.revision
        late = Arrival(first, vectors_of(first), over=0)
        assert library.store_many([late]) == [there]
        assert library.revision == before
        assert [d.version for d in library.store_many([late, *arrivals(second)])] == [1, 1]
        assert library.revision == before + 1


class FailsOnce(FakeEmbedder):
    """Gives no vector for one text."""

    def _vector(self, text: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        return np.zeros(64, np.float32) if "unlucky" in text else super()._vector(text)


def test_an_ingestion_keeps_what_was_stored_before_a_document_that_cannot_be(library: Library, folder: Path) -> None:
    for n in range(6):
        write(folder, f"{n}.txt", "An unlucky text." if n == 4 else f"Text number {n}.")
    with pytest.raises(LibraryError, match=r"no usable vector for piece 1 of 4\.txt"):
        ingest_folder(folder, library, FailsOnce(), options=OPTIONS, open_reading=ReadingHere)
    assert [document.name for document in library.documents()] == ["0.txt", "1.txt", "2.txt", "3.txt"]
    assert library.verify().problems == ()
