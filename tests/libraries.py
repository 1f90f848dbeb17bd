"""Libraries for tests: short documents, and vectors that a fake embedder makes of them."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag_app.library import Library
from rag_app.records import Document, NewDocument, Span
from tests.fake_embedder import FakeEmbedder

EMBEDDER = FakeEmbedder()
ROOT = Path(__file__).parents[1]
FORKING = {"OMP_NUM_THREADS": "1"}
"""What a program that forks must find in its environment: its children would wait for threads they do not have."""


def url_in(folder: Path, *, timeout: float = 30) -> str:
    return f"sqlite:///{folder / 'library.sqlite3'}?timeout={timeout}"


def open_library(folder: Path, *, timeout: float = 30, read_only: bool = False) -> Library:
    return Library.open(
        url_in(folder, timeout=timeout),
        index_folder=folder / "index",
        embedder=EMBEDDER.name,
        dimensions=EMBEDDER.dimensions,
        read_only=read_only,
    )


def index_file(folder: Path) -> Path:
    return folder / "index" / "vectors.index"


def new_document(name: str, *pieces: str, title: str = "") -> NewDocument:
    """Return a document whose spans are the given pieces, with a line break after each."""
    spans, start = [], 0
    for number, piece in enumerate(pieces):
        spans.append(Span(start, start + len(piece), page=number + 1, heading=None))
        start += len(piece) + 1
    text = "".join(piece + "\n" for piece in pieces)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return NewDocument(
        name=name,
        path=f"/folder/{name}",
        root="/folder",
        sha256=digest,
        size=len(text),
        mtime_ns=1,
        title=title,
        text=text,
        pages=len(pieces) or None,
        spans=tuple(spans),
    )


def vectors_of(document: NewDocument) -> NDArray[np.float32]:
    return EMBEDDER.embed_passages([document.text[span.start : span.end] for span in document.spans])


def store(library: Library, document: NewDocument, collection: str = "default") -> Document:
    return library.store(document, vectors_of(document), collection=collection)


def store_large(library: Library, name: str, *, characters: int) -> Document:
    """Store one chunk of that many characters, with any vector: the fake embedder would take long over its words."""
    document = new_document(name, ("large words " * (characters // 12 + 1))[:characters])
    return library.store(document, np.ones((1, EMBEDDER.dimensions), dtype=np.float32))


def found_by_vectors(library: Library, query: str, k: int = 10) -> list[str]:
    """Return the texts of the chunks that the search by vectors finds."""
    return [p.chunk.text for p in library.passages(library.search_vectors(EMBEDDER.embed_query(query), k))]


def found_by_words(library: Library, query: str, k: int = 10) -> list[str]:
    """Return the texts of the chunks that the search by words finds."""
    return [p.chunk.text for p in library.passages(library.search_words(query, k))]


def contents(library: Library) -> dict[str, tuple[int, str, list[str]]]:
    """Return version, text and chunk texts of every document, by name."""
    return {
        d.name: (d.version, library.text(d.id), [chunk.text for chunk in library.chunks(d.id)])
        for d in library.documents()
    }


def every_row(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table of a library, those of the full-text index included."""
    with closing(sqlite3.connect(folder / "library.sqlite3")) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM '{name}'"), key=repr) for name in names}


def start_python(script: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start a script in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=os.environ | FORKING,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
