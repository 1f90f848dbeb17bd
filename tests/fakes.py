"""Hand-written stand-ins for models, for tests in which a real one would only be slow."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from rag_app.answering.sentences import split_sentences
from rag_app.answering.wording import coverage
from rag_app.models.decoding import Decoding
from rag_app.models.evidence import AnswerSpan, Evidence
from rag_app.models.streaming import Progress, Writing
from rag_app.records import Chunk, Document, Hit, Message, Passage, Scope
from tests.fake_embedder import FakeEmbedder as FakeEmbedder


class ScriptedGenerator:
    """Says the lines it was given, one call after another, in pieces of a few characters; a token is a word.

    It is sure of what it says: an opening is as probable as its line begins with it, each word has ``probability``.
    """

    name = "scripted"
    context_tokens = 2048

    def __init__(self, *lines: str, probability: float = 0.9) -> None:
        self.lines = list(lines)
        self.probability = probability
        self.prompts: list[list[Message]] = []
        self.decodings: list[Decoding] = []

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(m.content.split()) + 4 for m in messages)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_new_tokens: int,
        stop: Callable[[], bool] | None = None,
        decoding: Decoding = Decoding(),
    ) -> Writing:
        self.prompts.append(list(messages))
        self.decodings.append(decoding)
        progress = Progress(self.count_tokens(messages))
        line = self.lines.pop(0) if self.lines else ""
        words = list(re.finditer(r"\S+", line))
        if len(words) > max_new_tokens:
            line = line[: words[max_new_tokens - 1].end()]
        return Writing(self._say(line, progress, stop), progress)

    def _say(self, line: str, progress: Progress, stop: Callable[[], bool] | None) -> Iterator[str]:
        if not (stop and stop()):
            progress.opening = lambda text: float(bool(line) and line.startswith(text.split()[0]))
        for low in range(0, len(line), 7):
            if stop and stop():
                return
            progress.tokens = len(line[: low + 7].split())
            progress.log_probability = progress.tokens * math.log(self.probability)
            yield line[low : low + 7]


class WordEvidence:
    """Judges by shared words: a passage answers if it has all the question's content words, as a claim likewise."""

    name = "words"

    def weigh(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Evidence]:
        found = []
        for heading, text in passages:
            share = coverage(question, f"{heading} {text}")
            sentences = split_sentences(text)
            spans = tuple(AnswerSpan(a, b, coverage(question, text[a:b])) for a, b in sentences)
            best = tuple(sorted(spans, key=lambda span: -span.margin))
            found.append(Evidence(share if best else 0.0, best, share, share, relevance=share))
        return found

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [coverage(claim, evidence) for claim, evidence in pairs]


def make_passages(*texts: str, title: str = "Handbook", gap: str = "\n\n", names: Sequence[str] = ()) -> list[Passage]:
    """Return a passage per text, all of one document that holds them one after another, or of documents so named."""
    document = Document(
        id=1,
        name="handbook.md",
        path="/handbook.md",
        root="/",
        collection="default",
        sha256="0" * 64,
        size=1,
        mtime_ns=0,
        title=title,
        version=1,
        pages=None,
        chunks=len(texts),
        ingested_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    passages, start = [], 0
    for number, text in enumerate(texts, start=1):
        chunk = Chunk(number, 1, number - 1, start, start + len(text), None, None, text)
        owner = replace(document, name=names[number - 1]) if names else document
        passages.append(Passage(number, 0.0, chunk, owner))
        start += len(text) + len(gap)
    return passages


class ListLibrary:
    """A library of ready passages, all of which every search finds."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = {p.chunk.id: p for p in passages}

    def search_vectors(self, query: NDArray[np.float32], k: int, scope: Scope | None = None) -> list[Hit]:
        return [Hit(i, 1.0) for i in self._passages][:k]

    def search_words(self, query: str, k: int, scope: Scope | None = None) -> list[Hit]:
        return []

    def distinct(self, hits: Sequence[Hit]) -> list[Hit]:
        return list(hits)

    def passages(self, hits: Sequence[Hit]) -> list[Passage]:
        return [replace(self._passages[h.chunk_id], rank=r, score=h.score) for r, h in enumerate(hits, start=1)]

    def documents(self, scope: Scope | None = None) -> list[Document]:
        return list({p.document.id: p.document for p in self._passages.values()}.values())

    def chunks(self, document_id: int) -> list[Chunk]:
        return [p.chunk for p in self._passages.values() if p.document.id == document_id]
