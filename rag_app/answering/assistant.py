"""Answer questions from a library: retrieve, weigh the evidence, write, check, cite, or say that it is silent."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rag_app.answering.confidence import YES_NO
from rag_app.answering.contradiction import find_disagreement
from rag_app.answering.grounding import SupportModel, quote_around
from rag_app.answering.parts import Parts
from rag_app.answering.reply import Draft, Reply, Stage
from rag_app.answering.retrieval import PartlySearched, QueryEmbedder, Searchable, retrieve
from rag_app.answering.rewriting import model_rewriter, standalone_question
from rag_app.answering.small_talk import REPLIES, small_talk
from rag_app.answering.weighing import PassageJudge, Weighed, weigh_passages
from rag_app.answering.writing import TextGenerator, Writer, flatten
from rag_app.errors import QuestionError
from rag_app.models.evidence import AnswerSpan
from rag_app.records import Message, Passage, Scope, Sentence

ALL_PARTS = Parts()


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
    """What an answer may take and show.

    ``threshold`` is the confidence below which the assistant abstains; with ``show_unsupported``, sentences that
    nothing supports are shown as such instead of being dropped.
    """

    passages: int = 12
    threshold: float = 0.5
    answer_tokens: int = 160
    question_characters: int = 4000
    show_unsupported: bool = False


class Assistant:
    """Answers from a library, or says that the library is silent.

    Args:
        library: where to search.
        embedder: embeds queries; must be the one that made the library's vectors.
        evidence: judges passages and sentences.
        generator: writes; None to quote only.
        limits: what an answer may take.
        parts: what is at work; an evaluation switches parts off to see what they are worth.
    """

    def __init__(
        self,
        library: Searchable,
        embedder: NamedEmbedder,
        *,
        evidence: EvidenceJudge,
        generator: TextGenerator | None,
        limits: Limits | None = None,
        parts: Parts = ALL_PARTS,
    ) -> None:
        self._library = PartlySearched(library, dense=parts.dense, words=parts.words)
        self._embedder = embedder
        self._evidence = evidence
        self._parts = parts
        self._limits = limits or Limits()
        if not parts.abstention:
            self._limits = replace(self._limits, threshold=0.0)
        if not parts.generator:
            generator = None
        self._rewrite = model_rewriter(generator, faithful=parts.faithful) if generator else None
        self._writer = (
            Writer(
                generator,
                evidence,
                threshold=self._limits.threshold,
                answer_tokens=self._limits.answer_tokens,
                parts=parts,
            )
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
        return [w.passage for w in self._weigh(query, found)][:k]

    def ask(self, question: str, *, history: Sequence[Message] = (), scope: Scope | None = None) -> Reply:
        """Begin a reply to a question about the documents in ``scope``.

        Raises:
            QuestionError: the question is empty or too long.
        """
        self._check_question(question)
        draft = Draft(question, question, time.perf_counter())

        def find() -> list[Passage]:
            return retrieve(
                draft.standalone,
                self._limits.passages,
                library=self._library,
                embedder=self._embedder,
                scope=scope or Scope(),
            )

        return Reply(draft, self._work(draft, history, find), self.models)

    def answer_from(self, question: str, passages: Sequence[Passage], *, history: Sequence[Message] = ()) -> Reply:
        """Begin a reply to a question from given passages, without retrieval."""
        self._check_question(question)
        draft = Draft(question, question, time.perf_counter())
        return Reply(draft, self._work(draft, history, lambda: list(passages)), self.models)

    def _check_question(self, question: str) -> None:
        limit = self._limits.question_characters
        if not question.strip():
            raise QuestionError("The question is empty. Ask in a sentence or a few words.")
        if len(question) > limit:
            raise QuestionError(
                f"The question has {len(question):,} characters; at most {limit:,} are read. Shorten it, or ingest "
                f"the long text as a document and ask about it."
            )

    def _work(
        self, draft: Draft, history: Sequence[Message], find: Callable[[], list[Passage]]
    ) -> Iterator[Stage | Sentence]:
        if kind := small_talk(draft.question):
            draft.small_talk = REPLIES[kind]
        else:
            if history:
                yield Stage("understanding")
            draft.standalone = standalone_question(draft.question, history, self._rewrite)
            yield from self._find_and_write(draft, find)
        draft.clock("total", draft.started)
        draft.finished = True

    def _find_and_write(self, draft: Draft, find: Callable[[], list[Passage]]) -> Iterator[Stage | Sentence]:
        yield Stage("retrieving")
        since = time.perf_counter()
        found = find()
        since = draft.clock("retrieve", since)
        yield Stage("weighing")
        weighed = self._weigh(draft.standalone, found)
        draft.passages = [w.passage for w in weighed]
        draft.clock("evidence", since)
        if weighed:
            draft.confidence = weighed[0].confidence
            if draft.confidence >= self._limits.threshold:
                yield from self._answer(draft, weighed)

    def _answer(self, draft: Draft, weighed: Sequence[Weighed]) -> Iterator[Stage | Sentence]:
        """Answer from passages of which the first is good enough, and from one that contradicts it."""
        best, older = weighed[0], None
        if found := find_disagreement(draft.standalone, weighed, threshold=self._limits.threshold):
            best, older = found.newer, found.older
            draft.confidence, draft.disagreement, draft.note = best.confidence, True, found.note
            # Each sentence rests on one of the two: the older one must not lend its value to the newer.
            weighed = [best, *(w for w in weighed if w is not best and w is not older)]
        if best.span is None:
            return
        draft.short_answer = best.passage.chunk.text[best.span.start : best.span.end]
        yield Stage("writing")
        if self._writer and not YES_NO.match(draft.standalone):
            yield from self._writer.write(draft, weighed)
        if not draft.sentences:
            yield _quote(draft, best)
        if older:
            yield _quote(draft, older)
        if self._limits.show_unsupported:
            # After what is sure, so that nobody reads them first.
            draft.sentences += draft.doubtful
            yield from draft.doubtful

    def _weigh(self, question: str, found: Sequence[Passage]) -> list[Weighed]:
        weighed = weigh_passages(question, found, self._evidence)
        if self._parts.rerank:
            return weighed
        places = {passage.chunk.id: place for place, passage in enumerate(found)}
        weighed.sort(key=lambda w: places[w.passage.chunk.id])
        return [replace(w, passage=replace(w.passage, rank=rank)) for rank, w in enumerate(weighed, start=1)]


def _quote(draft: Draft, weighed: Weighed) -> Sentence:
    """Append the sentence around a passage's answer to a draft, word for word."""
    span = weighed.span or AnswerSpan(0, len(weighed.passage.chunk.text), 0.0)
    window = quote_around(weighed.passage, (span.start, span.end))
    return draft.keep(Sentence(flatten(window.text), "quoted"), window)
