"""Put the parts together: from settings to a library, models and an assistant.

Everything above (the command line, the pages) begins here, and nothing below reads settings.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from ingest.chunking import split_sections
from ingest.pipeline import IngestOptions
from rag_app.answering.assistant import Assistant, Limits
from rag_app.errors import SettingsError
from rag_app.library import Library
from rag_app.models.catalogue import EVIDENCE_ADAPTER, resolve_model
from rag_app.models.devices import choose_device, choose_dtype
from rag_app.models.embedding import Embedder, load_embedder
from rag_app.models.evidence import EvidenceModel, load_evidence
from rag_app.models.generation import Generator, load_generator
from rag_app.records import (
    Chunk,
    Document,
    ExtractedText,
    NewDocument,
    Passage,
    Section,
    Span,
    VerifyReport,
    contextual_text,
)
from rag_app.settings import Settings

log = logging.getLogger(__name__)
EVIDENCE_BASE = "all-MiniLM-L6-v2"


def open_embedder(settings: Settings) -> Embedder:
    """Load the embedder that the settings name."""
    _use_threads(settings)
    source = resolve_model(settings.embedder, kind="embedder", home=settings.home)
    return load_embedder(source, device=settings.device)


def open_library(settings: Settings, embedder: Embedder | None = None, *, read_only: bool = False) -> Library:
    """Open the library in the settings' home; without an embedder it can be read but not searched by meaning."""
    return Library.open(
        settings.url,
        index_folder=settings.home / "index",
        embedder=embedder.name if embedder else None,
        dimensions=embedder.dimensions if embedder else None,
        read_only=read_only,
    )


def open_evidence(settings: Settings) -> EvidenceModel:
    """Load the evidence model that ships with rag_app."""
    base = resolve_model(EVIDENCE_BASE, kind="embedder", home=settings.home)
    device = choose_device(settings.device)
    return load_evidence(base.folder, EVIDENCE_ADAPTER, device=device, dtype=choose_dtype(device))


def open_generator(settings: Settings) -> Generator:
    """Load the language model that the settings name."""
    _use_threads(settings)
    return load_generator(
        resolve_model(settings.generator, kind="generator", home=settings.home), device=settings.device
    )


def ingest_options(settings: Settings, *, collection: str, dry_run: bool = False, workers: int = 0) -> IngestOptions:
    """Return how to ingest, by the settings."""
    if not collection.strip():
        raise SettingsError("The name of a collection is empty. Give one, such as 'default'.")
    return IngestOptions(
        collection=collection,
        dry_run=dry_run,
        workers=workers,
        chunk_tokens=settings.chunk_tokens,
        chunk_overlap=settings.chunk_overlap,
        max_file_bytes=settings.max_file_mb * 2**20,
    )


def _use_threads(settings: Settings) -> None:
    if settings.threads:
        torch.set_num_threads(settings.threads)


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that an open rag_app is made of."""

    settings: Settings
    embedder: Embedder
    library: Library
    evidence: EvidenceModel
    generator: Generator
    assistant: Assistant

    @classmethod
    def open(cls, settings: Settings) -> "Application":
        """Load the models and open the library.

        Raises:
            ModelError: a model is missing or damaged.
            LibraryError: the library cannot be opened.
        """
        embedder = open_embedder(settings)
        library = open_library(settings, embedder)
        evidence, generator = open_evidence(settings), open_generator(settings)
        assistant = Assistant(library, embedder, evidence=evidence, generator=generator, limits=limits_of(settings))
        return cls(settings, embedder, library, evidence, generator, assistant)

    def close(self) -> None:
        """Write the index to the disk and let the database go."""
        self.library.close()


def limits_of(settings: Settings) -> Limits:
    """Return the assistant's limits, by the settings."""
    return Limits(
        passages=settings.passages,
        threshold=settings.threshold,
        answer_tokens=settings.max_answer_tokens,
        question_characters=settings.max_question_characters,
    )


class EvaluationWorkshop:
    """Makes passages and temporary libraries out of the texts of an evaluation file."""

    def __init__(self, application: Application, *, generator: Generator | Literal["same"] | None = "same") -> None:
        """Take over the parts of an application; ``generator`` None lets the assistants quote only."""
        self._application = application
        self._generator = application.generator if generator == "same" else generator

    def cut(self, texts: Sequence[tuple[str, str]]) -> list[Passage]:
        """Cut (title, text) pairs into passages, without storing them."""
        passages: list[Passage] = []
        for place, (title, text) in enumerate(texts):
            spans = self._split(title, text)
            document = Document(
                id=place + 1,
                name=str(place),
                path=str(place),
                root="",
                collection="evaluation",
                sha256="",
                size=len(text),
                mtime_ns=0,
                title=title,
                version=1,
                pages=None,
                chunks=len(spans),
                ingested_at=datetime.now(UTC),
            )
            for ordinal, span in enumerate(spans):
                chunk = Chunk(
                    id=len(passages) + 1,
                    document_id=document.id,
                    ordinal=ordinal,
                    start=span.start,
                    end=span.end,
                    page=None,
                    heading=None,
                    text=text[span.start : span.end],
                )
                passages.append(Passage(len(passages) + 1, 0.0, chunk, document))
        return passages

    @contextmanager
    def library_of(self, texts: Sequence[tuple[str, str]]) -> Iterator[Assistant]:
        """Store the texts in a temporary library and give an assistant over it."""
        own = self._application
        with tempfile.TemporaryDirectory(prefix="rag_app_eval_") as folder:
            library = Library.open(
                f"sqlite:///{Path(folder) / 'library.sqlite3'}",
                index_folder=Path(folder) / "index",
                embedder=own.embedder.name,
                dimensions=own.embedder.dimensions,
            )
            try:
                self._fill(library, texts)
                yield Assistant(
                    library,
                    own.embedder,
                    evidence=own.evidence,
                    generator=self._generator,
                    limits=limits_of(own.settings),
                )
            finally:
                library.close()

    def _fill(self, library: Library, texts: Sequence[tuple[str, str]]) -> None:
        split = [self._split(title, text) for title, text in texts]
        wanted = [
            contextual_text(title, None, text[span.start : span.end])
            for (title, text), spans in zip(texts, split, strict=True)
            for span in spans
        ]
        vectors = self._application.embedder.embed_passages(wanted)
        done = 0
        for place, ((title, text), spans) in enumerate(zip(texts, split, strict=True)):
            document = NewDocument(
                name=str(place),
                path=str(place),
                root="",
                sha256=f"{place:064d}",
                size=len(text),
                mtime_ns=0,
                title=title,
                text=text,
                pages=None,
                spans=spans,
            )
            library.store(document, np.asarray(vectors[done : done + len(spans)]), collection="evaluation")
            done += len(spans)

    def _split(self, title: str, text: str) -> tuple[Span, ...]:
        embedder, settings = self._application.embedder, self._application.settings
        return split_sections(
            ExtractedText(text, (Section(0, len(text)),), title=title),
            chunk_tokens=settings.chunk_tokens,
            overlap=settings.chunk_overlap,
            max_tokens=embedder.max_tokens,
            count_tokens=embedder.count_tokens,
            title=title,
        )


def rebuild_library(settings: Settings, embedder: Embedder) -> VerifyReport:
    """Make the indexes anew from the database, re-embedding all text if another embedder made its vectors."""
    made_by = Library.embedder_of(settings.url)
    library = open_library(settings)
    try:
        if made_by is None or made_by[0] == embedder.name:
            library.rebuild()
        else:
            library.rebuild(embedder.embed_passages, embedder=embedder.name, dimensions=embedder.dimensions)
        return library.verify()
    finally:
        library.close()
