"""Of a library all chunks can be had with their vectors, or a fair sample of them."""

from pathlib import Path

import numpy as np
import pytest

from rag_app.library import Library
from rag_app.library.sampling import OPENING_CHARACTERS
from rag_app.records import Scope
from tests.libraries import EMBEDDER, new_document, open_library

TEXTS = [f"Paragraph {number} is about the number {number}." for number in range(40)]


@pytest.fixture
def filled(tmp_path: Path) -> Library:
    library = open_library(tmp_path)
    for name, texts in (("a.md", TEXTS), ("b.md", ["Elsewhere.\n\n" + "long " * 100])):
        document = new_document(name, *texts)
        vectors = EMBEDDER.embed_passages(texts)
        library.store(document, vectors, collection="one" if name == "a.md" else "two")
    return library


def test_all_chunks_come_with_their_vectors(filled: Library) -> None:
    sample = filled.sample(most=100)
    assert sample.total == len(sample.chunks) == len(sample.vectors) == 41
    assert np.linalg.norm(sample.vectors, axis=1) == pytest.approx(1, abs=1e-3)
    vector = EMBEDDER.embed_passages([TEXTS[7]])[0]
    assert sample.vectors[7] @ vector == pytest.approx(np.linalg.norm(vector), abs=1e-2)
    assert sample.chunks[7].opening == TEXTS[7]


def test_an_opening_is_short_and_on_one_line(filled: Library) -> None:
    opening = filled.sample(Scope(collections=("two",)), most=9).chunks[0].opening
    assert opening.startswith("Elsewhere. long long")
    assert len(opening) == OPENING_CHARACTERS


def test_a_scope_holds_only_its_own(filled: Library) -> None:
    assert filled.sample(Scope(collections=("two",)), most=9).total == 1
    assert filled.sample(Scope(documents=()), most=9).total == 0


def test_of_too_many_a_sample_is_taken_from_everywhere_and_always_the_same(filled: Library) -> None:
    sample, again = filled.sample(most=10), filled.sample(most=10)
    ids = [chunk.id for chunk in sample.chunks]
    assert (sample.total, len(ids), len(sample.vectors)) == (41, 10, 10)
    assert ids == [chunk.id for chunk in again.chunks]
    assert ids != list(range(ids[0], ids[0] + 10))


def test_a_library_without_an_embedder_is_empty(tmp_path: Path) -> None:
    with Library.open(f"sqlite:///{tmp_path}/new.sqlite3", index_folder=tmp_path) as library:
        sample = library.sample(most=10)
    assert (sample.total, sample.chunks, len(sample.vectors)) == (0, (), 0)


def test_what_is_removed_is_in_no_sample(filled: Library) -> None:
    (document,) = filled.documents(Scope(collections=("two",)))
    filled.remove(document.id)
    assert filled.sample(most=100).total == 40
