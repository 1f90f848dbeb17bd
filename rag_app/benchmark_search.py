"""Measure the search by vectors in large libraries: ``python -m rag_app.benchmark_search --chunks 100000``.

A library is filled with made vectors, its index is built, and another process then opens it and searches, so that
neither the making nor the building counts in its memory. What is found is compared with what a search through all
vectors, one by one, finds.

The vectors are clustered as those of texts are, not noise: a chunk is the sum of what all chunks have in common, a
topic (one for 250 chunks), a document (ten chunks each) and itself. Each part is normally distributed with a spectrum
that falls as 1/rank, as an embedder's does: about 26 of 384 dimensions do most of the work. A query is a chunk of a
document that is not in the library under these very words: as near to its document as a question is to its answer
(cosine of the best hit 0.8, of the tenth 0.6), which is harder to find than a stored vector would be.
"""

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from rag_app.library import Library
from rag_app.records import NewDocument, Scope, Span

DIMENSIONS = 384
EMBEDDER = "made"
CHUNKS_PER_DOCUMENT = 10
CHUNKS_PER_TOPIC = 250
QUERIES = 300
K = 10
TENTH = "tenth"
"""The collection of every tenth batch of documents; the others are in the default one."""
_BATCH = 1000
_WORDS = "the of quick index large library answers with its own words and every page counts once more".split()

Vectors = NDArray[np.float32]


class Texts:
    """Vectors as texts of many topics have them; the same for the same number and seed."""

    def __init__(self, chunks: int, seed: int = 0) -> None:
        self.chunks = chunks
        self._random = np.random.default_rng(seed)
        falling = np.arange(1, DIMENSIONS + 1) ** -0.5
        self._spectrum: Vectors = (falling / np.linalg.norm(falling)).astype(np.float32)
        self._turn = np.linalg.qr(self._random.standard_normal((DIMENSIONS, DIMENSIONS)))[0].astype(np.float32)
        topics = self._part(max(4, chunks // CHUNKS_PER_TOPIC))
        documents = -(-chunks // CHUNKS_PER_DOCUMENT)
        of = self._random.integers(0, len(topics), documents)
        centres: Vectors = topics[of] + 0.7 * self._part(documents) + 0.5 * self._part(1)
        self._documents = centres.astype(np.float16)  # Half as many bytes, and no precision is needed.

    def queries(self, count: int) -> Vectors:
        """Return queries of length 1: shape (count, dimensions)."""
        of = self._random.integers(0, len(self._documents), count)
        chunks = _units(self._documents[of] + 0.7 * self._part(count))
        return _units(chunks + 0.8 * self._part(count))

    def batches(self) -> Iterator[Vectors]:
        """Give all chunks in their order, as they are stored."""
        for start in range(0, self.chunks, _BATCH):
            of = np.arange(start, min(start + _BATCH, self.chunks)) // CHUNKS_PER_DOCUMENT
            yield _units(self._documents[of] + 0.7 * self._part(len(of))).astype(np.float16).astype(np.float32)

    def _part(self, count: int) -> Vectors:
        noise = self._random.standard_normal((count, DIMENSIONS), dtype=np.float32) * self._spectrum
        return np.asarray(noise @ self._turn, dtype=np.float32)


@dataclass(slots=True)
class Nearest:
    """The best of all vectors that have been compared with each query so far."""

    queries: Vectors
    ids: NDArray[np.int64]
    scores: Vectors

    @classmethod
    def to(cls, queries: Vectors) -> "Nearest":
        shape = (len(queries), K)
        return cls(queries, np.full(shape, -1, dtype=np.int64), np.full(shape, -2, dtype=np.float32))

    def compare(self, ids: NDArray[np.int64], vectors: Vectors) -> None:
        scores = np.concatenate([self.scores, self.queries @ vectors.T], axis=1)
        known = np.concatenate([self.ids, np.broadcast_to(ids, (len(self.queries), len(ids)))], axis=1)
        best = np.argpartition(-scores, K - 1, axis=1)[:, :K]
        self.scores, self.ids = np.take_along_axis(scores, best, 1), np.take_along_axis(known, best, 1)

    def recall(self, found: list[list[int]]) -> float:
        """Return the share of the nearest that were found."""
        shares = [len(set(hits) & set(row[row >= 0].tolist())) / K for hits, row in zip(found, self.ids, strict=True)]
        return float(np.mean(shares))


def fill_library(folder: Path, texts: Texts, queries: Vectors) -> tuple[Nearest, Nearest]:
    """Make the library; return what is nearest to each query in all of it and in the collection ``tenth``."""
    everywhere, in_tenth = Nearest.to(queries), Nearest.to(queries)
    start = 1
    with _open(folder) as library:
        for number, vectors in enumerate(texts.batches()):
            collection = TENTH if number % 10 == 0 else "default"
            document = library.store(_document(number, len(vectors)), vectors, collection=collection)
            ids = np.arange(start, start + len(vectors))
            if library.chunks(document.id)[-1].id != ids[-1]:
                raise AssertionError("chunks are not numbered in the order they were stored")
            start += len(vectors)
            everywhere.compare(ids, vectors)
            if collection == TENTH:
                in_tenth.compare(ids, vectors)
    return everywhere, in_tenth


def measure_build(folder: Path) -> dict[str, Any]:
    """Build the index that suits the library in a folder."""
    with _open(folder) as library:
        started = time.perf_counter()
        library.settle_index()
        return {"seconds": time.perf_counter() - started, "memory_mb": _peak_kilobytes() / 1024}


def measure_search(folder: Path) -> dict[str, Any]:
    """Open the library, search with all queries, first in all of it, then in the collection ``tenth``."""
    queries = np.load(folder / "queries.npy")
    started = time.perf_counter()
    with _open(folder, read_only=True) as library:
        library.search_vectors(queries[0], K)
        opened = time.perf_counter() - started
        results = {}
        for name, scope in (("all", Scope()), (TENTH, Scope(collections=(TENTH,)))):
            # As in use: what a scope holds is looked up at its first search, and kept until the library changes.
            library.search_vectors(queries[0], K, scope)
            milliseconds, found = [], []
            for query in queries:
                started = time.perf_counter()
                hits = library.search_vectors(query, K, scope)
                milliseconds.append((time.perf_counter() - started) * 1000)
                found.append([hit.chunk_id for hit in hits])
            results[name] = {"milliseconds": milliseconds, "found": found}
    return {"open_seconds": opened, "memory_mb": _peak_kilobytes() / 1024, **results}


def measure(chunks: int) -> dict[str, Any]:
    """Return the figures of a library of so many chunks."""
    with TemporaryDirectory(prefix="rag_app-search-") as place:
        folder = Path(place)
        texts = Texts(chunks)
        queries = texts.queries(QUERIES)
        np.save(folder / "queries.npy", queries)
        everywhere, in_tenth = fill_library(folder, texts, queries)
        built = _in_another_process("--build-in", folder)
        measured = _in_another_process("--search-in", folder)
        index = next(folder.glob("*.index")).stat().st_size
    return {
        "chunks": chunks,
        "n": QUERIES,
        **_latency(measured["all"]["milliseconds"]),
        "recall_at_10": round(everywhere.recall(measured["all"]["found"]), 4),
        "in_a_tenth": {
            **_latency(measured[TENTH]["milliseconds"]),
            "recall_at_10": round(in_tenth.recall(measured[TENTH]["found"]), 4),
        },
        "peak_memory_mb": round(measured["memory_mb"]),
        "index_file_mb": round(index / 2**20, 1),
        "open_seconds": round(measured["open_seconds"], 2),
        "build_seconds": round(built["seconds"], 1),
        "build_peak_memory_mb": round(built["memory_mb"]),
    }


def main(
    chunks: Annotated[list[int], typer.Option(help="How many chunks; may be repeated.")] = [100_000],  # noqa: B006
    search_in: Annotated[Path | None, typer.Option(hidden=True)] = None,
    build_in: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure the search by vectors in libraries of made vectors; prints a JSON object for each size."""
    for folder, part in ((search_in, measure_search), (build_in, measure_build)):
        if folder is not None:
            typer.echo(json.dumps(part(folder)))
            return
    for count in chunks:
        typer.echo(json.dumps(measure(count), indent=2))


def _in_another_process(option: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "rag_app.benchmark_search", option, str(folder)]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    measured: dict[str, Any] = json.loads(output)
    return measured


def _latency(milliseconds: list[float]) -> dict[str, float]:
    p50, p95 = np.quantile(milliseconds, [0.5, 0.95])
    return {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2)}


def _peak_kilobytes() -> int:
    """Return the most memory that this process has held. What getrusage tells counts the parent's in, on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _open(folder: Path, *, read_only: bool = False) -> Library:
    return Library.open(
        f"sqlite:///{folder / 'library.sqlite3'}",
        index_folder=folder,
        embedder=EMBEDDER,
        dimensions=DIMENSIONS,
        read_only=read_only,
    )


def _document(number: int, chunks: int) -> NewDocument:
    """Return a document of so many chunks of a dozen words each, none like another."""
    pieces = [" ".join([*_WORDS, f"{number}-{chunk}"]) for chunk in range(chunks)]
    length = [len(piece) + 1 for piece in pieces]
    starts = np.cumsum([0, *length]).tolist()
    return NewDocument(
        name=f"{number}.txt",
        path=f"/made/{number}.txt",
        root="/made",
        sha256=f"{number:064x}",
        size=starts[-1],
        mtime_ns=number,
        title="",
        text="\n".join(pieces) + "\n",
        pages=None,
        spans=tuple(
            Span(start, start + len(piece), page=None, heading=None)
            for start, piece in zip(starts, pieces, strict=False)
        ),
    )


def _units(vectors: Vectors) -> Vectors:
    units: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units


if __name__ == "__main__":
    typer.run(main)
