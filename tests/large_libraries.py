"""A library of 2,000 made chunks, with a rough index and without, and what an exact search finds in it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag_app.benchmark_search import DIMENSIONS, Texts
from rag_app.library import Library
from rag_app.library.vector_index import Sizes, VectorIndex
from rag_app.records import Document
from tests.libraries import index_file, new_document, url_in

SIZES = Sizes(exact_up_to=200, compared=1000)
DOCUMENTS, PIECES = 50, 40
TEXTS = Texts(DOCUMENTS * PIECES)
QUERIES = TEXTS.queries(40)
VECTORS = np.concatenate(list(TEXTS.batches()))


def open_large(folder: Path, *, embedder: str = "made", dimensions: int = DIMENSIONS) -> Library:
    return Library.open(
        url_in(folder), index_folder=folder / "index", embedder=embedder, dimensions=dimensions, sizes=SIZES
    )


def store_vectors(library: Library, name: str, vectors: NDArray[np.float32]) -> Document:
    return library.store(new_document(name, *(f"{name} piece {n}" for n in range(len(vectors)))), vectors)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library of 2,000 chunks, whose ids count from 1, without an index."""
    folder = tmp_path_factory.mktemp("large")
    with open_large(folder) as library:
        for number in range(DOCUMENTS):
            store_vectors(library, f"{number}.txt", VECTORS[number * PIECES : (number + 1) * PIECES])
    return folder


@pytest.fixture(scope="module")
def indexed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same library with its index; only to be read."""
    folder = tmp_path_factory.mktemp("indexed") / "library"
    shutil.copytree(template, folder)
    with open_large(folder) as library:
        library.settle_index()
    return folder


def nearest(query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> dict[int, float]:
    """Return ids and cosines of the nearest chunks, by comparing with every vector."""
    scores = VECTORS @ query / np.linalg.norm(VECTORS, axis=1)
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    best = np.argsort(-scores)[:k]
    return {int(n) + 1: float(scores[n]) for n in best if np.isfinite(scores[n])}


def recall(library: Library) -> float:
    found = [{hit.chunk_id for hit in library.search_vectors(query, 10)} for query in QUERIES]
    return float(np.mean([len(hits & set(nearest(q, 10))) / 10 for hits, q in zip(found, QUERIES, strict=True)]))


def form(folder: Path) -> int:
    """Return for how many vectors the saved index was made; 0 for an exact one."""
    index = VectorIndex.load(index_file(folder), sizes=SIZES)
    assert index is not None
    return index.made_for if index.fits(len(index)) else -1
