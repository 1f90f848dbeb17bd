"""Answer questions from a library: retrieve, weigh the evidence, write, check, cite, or say that it is silent."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag_app.answering.confidence import YES_NO
from rag_app.answering.conversation import standalone_question
from rag_app.answering.grounding import SupportModel, quote_around
from rag_app.answering.reply import Draft, Reply, Stage
from rag_app.answering.retrieval import QueryEmbedder, Searchable, retrieve
from rag_app.answering.weighing import PassageJudge, weigh_passages
from rag_app.answering.writing import TextGenerator, Writer, flatten
from rag_app.errors import QuestionError
from rag_app.records import Message, Passage, Scope, Sentence


class EvidenceJudge(PassageJudge, SupportModel, Protocol):
    """What answering needs of the evidence model."""

    @property
    def name(self) -> str: ...


class NamedEmbedder(QueryEmbedder, Protocol):
    """An embedder of queries that says which it is."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an answer may take. ``threshold`` is the confidence below which the assistant abstains."""

    passages: int = 12
    threshold: float = 0.5
    answer_tokens: int = 160
    question_characters: int = 4000


class Assistant:
    """Answers from a library, or says that the library is silent.

    Args:
        library: where to search.
        embedder: embeds queries; must be the one that made the library's vectors.
        evidence: judges passages and sentences.
        generator: writes; None to quote only.
    """

    def __init__(
        self,
        library: Searchable,
        embedder: NamedEmbedder,
        *,
        evidence: EvidenceJudge,
        generator: TextGenerator | None,
        limits: Limits | None = None,
    ) -> None:
        self._library = library
        self._embedder = embedder
        self._evidence = evidence
        self._limits = limits or Limits()
        self._writer = (
            Writer(generator, evidence, threshold=self._limits.threshold, answer_tokens=self._limits.answer_tokens)
            if generator
            else None
        )
        self.models = {
            "embedder": embedder.name,
            "evidence": evidence.name,
            "generator": generator.name if generator else "none",
        }

    def search(self, query: str, k: int = 8, scope: Scope | None = None) -> list[Passage]:
        """Return the ``k`` passages that answer the query best, best first, without writing anything."""
        self._check_question(query)
        found = retrieve(
            query, max(k, self._limits.passages), library=self._library, embedder=self._embedder, scope=scope or Scope()
        )
        return [w.passage for w in weigh_passages(query, found, self._evidence)][:k]

    def ask(self, question: str, *, history: Sequence[Message] = (), scope: Scope | None = None) -> Reply:
        """Begin a reply to a question about the documents in ``scope``.

        Raises:
            QuestionError: the question is empty or too long.
        """
        self._check_question(question)
        draft = Draft(question, standalone_question(question, history), time.perf_counter())

        def find() -> list[Passage]:
            return retrieve(
                draft.standalone,
                self._limits.passages,
                library=self._library,
                embedder=self._embedder,
                scope=scope or Scope(),
            )

        return Reply(draft, self._work(draft, find), self.models)

    def answer_from(self, question: str, passages: Sequence[Passage], *, history: Sequence[Message] = ()) -> Reply:
        """Begin a reply to a question from given passages, without retrieval."""
        self._check_question(question)
        draft = Draft(question, standalone_question(question, history), time.perf_counter())
        return Reply(draft, self._work(draft, lambda: list(passages)), self.models)

    def _check_question(self, question: str) -> None:
        limit = self._limits.question_characters
        if not question.strip():
            raise QuestionError("The question is empty. Ask in a sentence or a few words.")
        if len(question) > limit:
            raise QuestionError(
                f"The question has {len(question):,} characters; at most {limit:,} are read. Shorten it, or ingest "
                f"the long text as a document and ask about it."
            )

    def _work(self, draft: Draft, find: Callable[[], list[Passage]]) -> Iterator[Stage | Sentence]:
        yield from self._find_and_write(draft, find)
        draft.clock("total", draft.started)
        draft.finished = True

    def _find_and_write(self, draft: Draft, find: Callable[[], list[Passage]]) -> Iterator[Stage | Sentence]:
        yield Stage("retrieving")
        since = draft.clock("start", draft.started)
        found = find()
        since = draft.clock("retrieve", since)
        yield Stage("weighing")
        weighed = weigh_passages(draft.standalone, found, self._evidence)
        draft.passages = [w.passage for w in weighed]
        draft.clock("evidence", since)
        if not weighed:
            return
        best = weighed[0]
        draft.confidence = best.confidence
        if best.span is None or draft.confidence < self._limits.threshold:
            return
        draft.short_answer = best.passage.chunk.text[best.span.start : best.span.end]
        yield Stage("writing")
        if self._writer and not YES_NO.match(draft.standalone):
            yield from self._writer.write(draft, weighed)
        if not draft.sentences:
            window = quote_around(best.passage, (best.span.start, best.span.end))
            yield draft.keep(Sentence(flatten(window.text), "quoted"), window)
