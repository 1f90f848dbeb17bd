"""Plain retrieval-augmented generation, to measure against: what a first afternoon with the same models gives.

Embed the question, take the three nearest chunks, ask the language model to answer from them. Nothing is weighed,
checked or declined; all three passages are cited for every sentence.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag_app.answering.retrieval import Searchable
from rag_app.answering.sentences import split_sentences
from rag_app.errors import QuestionError
from rag_app.records import Answer, Citation, Message, Passage, Scope, Sentence, contextual_text

PASSAGES = 3
INSTRUCTION = "Answer the question from the context."


class TextEmbedder(Protocol):
    """What the pipeline needs of an embedder."""

    @property
    def name(self) -> str: ...
    def embed_query(self, text: str) -> NDArray[np.float32]: ...
    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class TextGenerator(Protocol):
    """What the pipeline needs of a language model."""

    @property
    def name(self) -> str: ...
    def count_tokens(self, messages: Sequence[Message]) -> int: ...
    def stream(self, messages: Sequence[Message], *, max_new_tokens: int) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class PlainReply:
    """A finished answer."""

    answer: Answer


class PlainAssistant:
    """Answers every question from its three nearest passages, whatever they hold."""

    def __init__(
        self, library: Searchable, embedder: TextEmbedder, *, generator: TextGenerator, answer_tokens: int = 160
    ) -> None:
        self._library = library
        self._embedder = embedder
        self._generator = generator
        self._answer_tokens = answer_tokens
        self.models = {"embedder": embedder.name, "evidence": "none", "generator": generator.name}

    def ask(self, question: str, *, history: Sequence[Message] = ()) -> PlainReply:
        """Answer from the library.

        Raises:
            QuestionError: the question is empty.
        """

        def find() -> list[Passage]:
            hits = self._library.search_vectors(self._embedder.embed_query(question), PASSAGES, Scope())
            return self._library.passages(hits)

        return self._answer(question, find, history)

    def answer_from(self, question: str, passages: Sequence[Passage], *, history: Sequence[Message] = ()) -> PlainReply:
        """Answer from those of the given passages that are nearest to the question; raises as ``ask``."""

        def find() -> list[Passage]:
            texts = [contextual_text(p.document.title, p.chunk.heading, p.chunk.text) for p in passages]
            if not texts:
                return []
            near = self._embedder.embed_passages(texts) @ self._embedder.embed_query(question)
            order = sorted(range(len(texts)), key=lambda i: (-near[i], i))[:PASSAGES]
            return [replace(passages[i], rank=rank, score=float(near[i])) for rank, i in enumerate(order, start=1)]

        return self._answer(question, find, history)

    def _answer(self, question: str, find: Callable[[], list[Passage]], history: Sequence[Message]) -> PlainReply:
        if not question.strip():
            raise QuestionError("The question is empty. Ask in a sentence or a few words.")
        started = time.perf_counter()
        passages = find()
        found = time.perf_counter()
        prompt = [*history, Message("user", _prompt(question, passages))]
        first, text = found, ""
        for piece in self._generator.stream(prompt, max_new_tokens=self._answer_tokens):
            first = first if text else time.perf_counter()
            text += piece
        text = text.strip()
        citations = tuple(_cite(p, number) for number, p in enumerate(passages, start=1))
        numbers = tuple(c.number for c in citations)
        answer = Answer(
            question=question,
            standalone_question=question,
            text=text,
            short_answer=text,
            abstained=False,
            # The only measure of trust that such a pipeline has.
            confidence=min(max(passages[0].score, 0.0), 1.0) if passages else 0.0,
            sentences=tuple(Sentence(text[low:high], "supported", numbers) for low, high in split_sentences(text)),
            citations=citations,
            passages=tuple(passages),
            models=self.models,
            usage={"prompt_tokens": self._generator.count_tokens(prompt), "completion_tokens": 0},
            timings_ms={
                "retrieve": 1000 * (found - started),
                "evidence": 0.0,
                "first_token": 1000 * (first - started),
                "total": 1000 * (time.perf_counter() - started),
            },
        )
        return PlainReply(answer)


def _prompt(question: str, passages: Sequence[Passage]) -> str:
    context = "\n\n".join(p.chunk.text for p in passages)
    return f"{INSTRUCTION}\n\nContext:\n{context}\n\nQuestion: {question}"


def _cite(passage: Passage, number: int) -> Citation:
    chunk = passage.chunk
    return Citation(number, passage.document, chunk.page, chunk.heading, chunk.start, chunk.end, chunk.text)
