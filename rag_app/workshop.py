"""What an evaluation works with: passages and libraries made of a file's texts, and the systems that it compares."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

from ingest.chunking import split_sections
from rag_app.answering.assistant import ALL_PARTS, Assistant
from rag_app.answering.parts import Parts
from rag_app.answering.retrieval import Searchable, retrieve
from rag_app.assembly import Application, limits_of, open_generator
from rag_app.evaluation.evaluate import Answerer, System
from rag_app.evaluation.plain import PlainAssistant
from rag_app.evaluation.ranking import PASSAGES, Search
from rag_app.library import Library
from rag_app.models.catalogue import PLAIN_GENERATOR, is_adapted
from rag_app.records import Chunk, Document, ExtractedText, NewDocument, Passage, Scope, Section, Span, contextual_text

EMBEDDED_AT_ONCE = 512
"""Chunks whose vectors are held before they are stored."""


class EvaluationWorkshop:
    """Makes passages and temporary libraries out of the texts of an evaluation file."""

    def __init__(self, application: Application) -> None:
        """Take over the models and the settings of an application."""
        self._embedder = application.embedder
        self._settings = application.settings

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
    def library_of(
        self, texts: Sequence[tuple[str, str]], *, on_stored: Callable[[], None] = lambda: None
    ) -> Iterator[Library]:
        """Store the texts in a temporary library, a document each, named by its place from 0."""
        with tempfile.TemporaryDirectory(prefix="rag_app_eval_") as folder:
            library = Library.open(
                f"sqlite:///{Path(folder) / 'library.sqlite3'}",
                index_folder=Path(folder) / "index",
                embedder=self._embedder.name,
                dimensions=self._embedder.dimensions,
            )
            try:
                self._fill(library, texts, on_stored)
                yield library
            finally:
                library.close()

    def _fill(self, library: Library, texts: Sequence[tuple[str, str]], on_stored: Callable[[], None]) -> None:
        waiting: list[NewDocument] = []
        for place, (title, text) in enumerate(texts):
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
                spans=self._split(title, text),
            )
            waiting.append(document)
            if sum(len(d.spans) for d in waiting) >= EMBEDDED_AT_ONCE:
                self._store(library, waiting, on_stored)
                waiting.clear()
        if waiting:
            self._store(library, waiting, on_stored)

    def _store(self, library: Library, documents: Sequence[NewDocument], on_stored: Callable[[], None]) -> None:
        wanted = [contextual_text(d.title, None, d.text[s.start : s.end]) for d in documents for s in d.spans]
        vectors = self._embedder.embed_passages(wanted)
        done = 0
        for document in documents:
            library.store(document, vectors[done : done + len(document.spans)], collection="evaluation")
            done += len(document.spans)
            on_stored()

    def _split(self, title: str, text: str) -> tuple[Span, ...]:
        return split_sections(
            ExtractedText(text, (Section(0, len(text)),), title=title),
            chunk_tokens=self._settings.chunk_tokens,
            overlap=self._settings.chunk_overlap,
            max_tokens=self._embedder.max_tokens,
            count_tokens=self._embedder.count_tokens,
            title=title,
        )


def our_system(application: Application, *, name: str = "ours", parts: Parts = ALL_PARTS) -> System:
    """Return the product's own assistant, with these of its parts at work."""

    def build(library: Searchable) -> Answerer:
        return Assistant(
            library,
            application.embedder,
            evidence=application.evidence,
            generator=application.generator,
            belief=application.belief,
            limits=limits_of(application.settings),
            parts=parts,
        )

    return System(name, build)


def unguarded_system(application: Application) -> System:
    """Return the assistant that answers however low its confidence, which is the evidence model's alone."""
    return our_system(replace(application, belief=None), name="unguarded", parts=Parts(abstention=False))


def ablated_systems(application: Application, names: Sequence[str]) -> list[System]:
    """Return the assistant with one part switched, for each of these parts' names; "all" stands for every part."""
    usual = {f.name: bool(f.default) for f in fields(Parts)}
    chosen = list(usual) if "all" in names else list(dict.fromkeys(names))
    return [
        our_system(
            application,
            name=f"{'without' if usual[part] else 'with'} {part}",
            parts=replace(Parts(), **{part: not usual[part]}),
        )
        for part in chosen
    ]


def plain_system(application: Application) -> System:
    """Return the naive pipeline on the models of the application, of which the embedded ones are taken as published."""
    generator = application.generator
    if is_adapted(application.settings.generator):
        generator = open_generator(replace(application.settings, generator=PLAIN_GENERATOR))

    def build(library: Searchable) -> Answerer:
        limits = limits_of(application.settings)
        return PlainAssistant(library, application.embedder, generator=generator, answer_tokens=limits.answer_tokens)

    return System("plain", build)


def searches_of(application: Application, library: Searchable, *, weighed: int | None = None) -> dict[str, Search]:
    """Return the ways to search a library, each part alone and the whole, by name.

    ``reranked`` is the product's search, which weighs the first ``weighed`` passages (by the settings, if left out);
    those that it does not weigh follow in the order of ``fused``.
    """
    embedder, limits = application.embedder, limits_of(application.settings)
    limits = replace(limits, passages=weighed or limits.passages)
    assistant = Assistant(library, embedder, evidence=application.evidence, generator=None, limits=limits)

    def dense(query: str) -> list[Passage]:
        return library.passages(library.search_vectors(embedder.embed_query(query), PASSAGES, Scope()))

    def words(query: str) -> list[Passage]:
        return library.passages(library.search_words(query, PASSAGES, Scope()))

    def fused(query: str) -> list[Passage]:
        return retrieve(query, PASSAGES, library=library, embedder=embedder, scope=Scope())

    def reranked(query: str) -> list[Passage]:
        first = assistant.search(query, limits.passages)
        seen = {p.chunk.id for p in first}
        return first + [p for p in fused(query) if p.chunk.id not in seen]

    return {"dense": dense, "words": words, "fused": fused, "reranked": reranked}
