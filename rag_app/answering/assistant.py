"""Answer questions from a library: retrieve, weigh the evidence, write, check, cite, or say that it is silent."""

import re
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rag_app.answering.accounts import account_around, asks_account
from rag_app.answering.confidence import Belief, is_of_another, may_answer
from rag_app.answering.contradiction import find_disagreement
from rag_app.answering.grounding import SupportModel, Window, lengthen_quote, quote_around
from rag_app.answering.naming import Overview, asked_overview
from rag_app.answering.overview import SentenceEmbedder, tell_overview
from rag_app.answering.parts import Parts
from rag_app.answering.questions import understood_questions
from rag_app.answering.reply import Draft, Reply, Stage
from rag_app.answering.retrieval import Finding, PartlySearched, QueryEmbedder, Searchable, find, retrieve
from rag_app.answering.rewriting import has_asked, model_rewriter, standalone_question
from rag_app.answering.several import answer_each
from rag_app.answering.small_talk import REPLIES, small_talk
from rag_app.answering.tables import Rows, look_up, rows_for, without_bounds
from rag_app.answering.weighing import PassageJudge, Weighed, asks_for_old, is_superseded, weigh_passages
from rag_app.answering.writing import Reading, TextGenerator, Writer, flatten
from rag_app.errors import QuestionError
from rag_app.models.evidence import AnswerSpan
from rag_app.records import Chunk, Document, Message, Passage, Scope, Sentence

ALL_PARTS = Parts()
OVERVIEW_CONFIDENCE = 0.95
"""Not fitted: an overview is quoted from a document that the question names, and errs only where another is meant."""
LOOKED_UP_CONFIDENCE = 0.9
"""Not fitted: the table has every word of the question, and may still be about something else."""
SUPERSEDED_NOTE = "This is from a document that says it is superseded."
COMPARES = re.compile(r"\bdifferen(?:ce|t|ces)\b|\bcompared? (?:to|with)\b|\b(?:versus|vs)\b", re.IGNORECASE)
"""What sets two things apart a small model makes up from the words of the question: it is quoted."""


class _Sources(Protocol):
    """Where one question is looked for."""

    def find(self, asked: str) -> Finding: ...
    def documents(self) -> list[Document]: ...
    def chunks(self, document_id: int) -> list[Chunk]: ...


@dataclass(frozen=True, slots=True)
class _Scoped:
    """What a library has in a scope."""

    library: Searchable
    embedder: QueryEmbedder
    scope: Scope
    most: int

    def find(self, asked: str) -> Finding:
        return find(asked, self.most, library=self.library, embedder=self.embedder, scope=self.scope)

    def documents(self) -> list[Document]:
        return self.library.documents(self.scope)

    def chunks(self, document_id: int) -> list[Chunk]:
        return self.library.chunks(document_id)


@dataclass(frozen=True, slots=True)
class _Given:
    """Passages that were given, and nothing beside them."""

    passages: Sequence[Passage]

    def find(self, asked: str) -> Finding:
        return Finding(list(self.passages))

    def documents(self) -> list[Document]:
        return list({passage.document.id: passage.document for passage in self.passages}.values())

    def chunks(self, document_id: int) -> list[Chunk]:
        return [passage.chunk for passage in self.passages if passage.document.id == document_id]


class EvidenceJudge(PassageJudge, SupportModel, Protocol):
    """What answering needs of the evidence model."""

    @property
    def name(self) -> str: ...


class NamedEmbedder(QueryEmbedder, SentenceEmbedder, Protocol):
    """An embedder that says which it is."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer may take and show.

    ``threshold`` is the confidence below which the assistant abstains; with ``show_unsupported``, sentences that
    nothing supports are shown as such instead of being dropped.
    """

    passages: int = 12
    threshold: float = 0.4
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
        belief: what the generator's reading says of an answer's confidence; None if nothing is known of that.
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
        belief: Belief | None = None,
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
        answer_tokens = self._limits.answer_tokens
        self._writer = Writer(generator, evidence, answer_tokens=answer_tokens, parts=parts) if generator else None
        self._belief = belief if generator else None
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

        sources = _Scoped(self._library, self._embedder, scope or Scope(), self._limits.passages)
        return Reply(draft, self._work(draft, history, sources), self.models)

    def answer_from(self, question: str, passages: Sequence[Passage], *, history: Sequence[Message] = ()) -> Reply:
        """Begin a reply to a question from given passages, without retrieval."""
        self._check_question(question)
        draft = Draft(question, question, time.perf_counter())
        return Reply(draft, self._work(draft, history, _Given(passages)), self.models)

    def _check_question(self, question: str) -> None:
        limit = self._limits.question_characters
        if not question.strip():
            raise QuestionError("The question is empty. Ask in a sentence or a few words.")
        if len(question) > limit:
            raise QuestionError(
                f"The question has {len(question):,} characters; at most {limit:,} are read. Shorten it, or ingest "
                f"the long text as a document and ask about it."
            )

    def _work(self, draft: Draft, history: Sequence[Message], sources: "_Sources") -> Iterator[Stage | Sentence]:
        if kind := small_talk(draft.question, follows=has_asked(history)):
            draft.small_talk = REPLIES[kind]
        else:
            if history:
                yield Stage("understanding")
            since = time.perf_counter()
            if self._parts.several:
                questions = understood_questions(draft.question, history, self._rewrite)
            else:
                questions = (standalone_question(draft.question, history, self._rewrite),)
            draft.standalone = questions[0]
            draft.clock("understand", since)
            if len(questions) > 1:
                yield from answer_each(draft, questions, lambda part: self._find_and_write(part, sources))
            else:
                yield from self._find_and_write(draft, sources)
        draft.clock("total", draft.started)
        draft.finished = not draft.stopped

    def _find_and_write(self, draft: Draft, sources: "_Sources") -> Iterator[Stage | Sentence]:
        draft.notes.threshold = self._limits.threshold
        yield Stage("retrieving")
        since = time.perf_counter()
        draft.notes.finding = found = sources.find(draft.standalone)
        since = draft.clock("retrieve", since)
        wish = asked_overview(draft.standalone) if self._parts.overviews else None
        if wish and (yield from self._give_overview(draft, wish, sources)):
            return
        yield Stage("weighing")
        draft.notes.weighed = weighed = self._weigh(draft.standalone, found.passages)
        draft.passages = [w.passage for w in weighed]
        draft.clock("evidence", since)
        if not weighed:
            return
        two = find_disagreement(draft.standalone, weighed, threshold=self._limits.threshold)
        if two:
            # What is said rests on the newer one alone: no other may lend it its value.
            weighed = [two.newer]
            draft.notes.disagreement = (two.newer.passage.chunk.id, two.older.passage.chunk.id)
        if not two and (yield from self._look_up(draft, weighed, sources)):
            return
        best, reading = weighed[0], None
        draft.signals["evidence"] = best.confidence
        if self._writer and self._could_answer(best):
            yield Stage("writing")
            since = time.perf_counter()
            reading = self._writer.read(draft, weighed)
            draft.clock("read", since)
            draft.signals |= reading.signals if reading else {}
        draft.confidence = self._confidence(draft, best, reading)
        if best.span and draft.confidence >= self._limits.threshold:
            if two:
                draft.disagreement, draft.note = True, two.note
            yield from self._answer(draft, best, reading, sources)
            if two:
                yield _quote(draft, two.older)
            if self._limits.show_unsupported:
                # After what is sure, so that nobody reads them first.
                draft.sentences += draft.doubtful
                yield from draft.doubtful

    def _give_overview(
        self, draft: Draft, wish: Overview, sources: "_Sources"
    ) -> Generator[Stage | Sentence, None, bool]:
        """Quote the most telling sentences of what is named, and return whether anything is."""
        since = time.perf_counter()
        told = tell_overview(wish, draft.notes.finding.passages, sources, self._embedder)
        draft.clock("tell", since)
        if told is None:
            return False
        quoted = {window.passage.chunk.id: window.passage for window in told.windows}
        stale = any(is_superseded(passage) for passage in quoted.values())
        draft.note = f"{told.note} {SUPERSEDED_NOTE}" if stale else told.note
        draft.confidence = OVERVIEW_CONFIDENCE
        draft.passages = [replace(passage, rank=rank) for rank, passage in enumerate(quoted.values(), start=1)]
        for window in told.windows:
            yield draft.keep(Sentence(flatten(window.text), "quoted"), window)
        return True

    def _look_up(
        self, draft: Draft, weighed: Sequence[Weighed], sources: "_Sources"
    ) -> Generator[Stage | Sentence, None, bool]:
        """Quote the rows of a table that has every word of the question, and return whether there is one."""
        if not self._parts.tables:
            return False
        since = time.perf_counter()
        likely, bare = [w.passage for w in weighed], without_bounds(draft.standalone)
        if bare != draft.standalone:
            # A number that bounds stands in no row that is meant, and draws the search away from them.
            likely += sources.find(bare).passages
        if not asks_for_old(bare):
            likely = [passage for passage in likely if not is_superseded(passage)]
        rows = look_up(draft.standalone, likely, sources.chunks)
        draft.clock("tell", since)
        if rows is None:
            return False
        draft.confidence = LOOKED_UP_CONFIDENCE
        yield from _quote_rows(draft, rows)
        return True

    def _confidence(self, draft: Draft, best: Weighed, reading: Reading | None) -> float:
        """Return the confidence in an answer; without a reading, no more than the best one would have given it."""
        if self._belief is None:
            return best.confidence
        if reading:
            return self._belief.confidence(draft.signals)
        return min(best.confidence, self._belief.at_best(best.confidence))

    def _could_answer(self, best: Weighed) -> bool:
        """Tell whether the generator's reading can still lift the answer over the threshold."""
        hope = self._belief.at_best(best.confidence) if self._belief else best.confidence
        return best.span is not None and hope >= self._limits.threshold

    def _answer(
        self, draft: Draft, best: Weighed, reading: Reading | None, sources: "_Sources"
    ) -> Iterator[Stage | Sentence]:
        """Say the answer in a checked sentence, or else quote the sentence or the rows that hold it."""
        span = (best.span.start, best.span.end) if best.span else (0, 0)
        if reading and reading.source and reading.span and prefers_reading(draft.standalone, best, reading):
            best, span = reading.source, reading.span
        draft.short_answer = best.passage.chunk.text[span[0] : span[1]]
        if is_superseded(best.passage) and not draft.note:
            draft.note = SUPERSEDED_NOTE
        if self._parts.tables and not draft.disagreement:
            rows = rows_for(draft.standalone, best.passage, span, sources.chunks(best.passage.document.id))
            if rows:
                yield from _quote_rows(draft, rows)
                return
        account = self._account(draft, best.passage, span)
        # Where the account begins before the answer, the generator's sentence would be out of its order.
        begins_before = bool(account) and account[0].end <= best.passage.chunk.start + span[0]
        if self._writer and reading and not begins_before and not COMPARES.search(draft.standalone):
            since = time.perf_counter()
            yield from self._writer.say(draft, reading)
            draft.clock("say", since)
        if len(draft.sentences) <= 1:
            for window in account:
                if not draft.cites(window):
                    yield draft.keep(Sentence(flatten(window.text), "quoted"), window)
        if not draft.sentences:
            yield _quote(draft, best, span)

    def _account(self, draft: Draft, passage: Passage, span: tuple[int, int]) -> Sequence[Window]:
        """Return what stands around the answer and belongs to it, in its order, where the question asks for that."""
        if not (self._parts.accounts and asks_account(draft.standalone)):
            return ()
        since = time.perf_counter()
        account = account_around(draft.standalone, passage, span, self._evidence)
        draft.clock("tell", since)
        return account

    def _weigh(self, question: str, found: Sequence[Passage]) -> list[Weighed]:
        weighed = weigh_passages(question, found, self._evidence)
        if self._parts.rerank:
            return weighed
        places = {passage.chunk.id: place for place, passage in enumerate(found)}
        weighed.sort(key=lambda w: places[w.passage.chunk.id])
        return [replace(w, passage=replace(w.passage, rank=rank)) for rank, w in enumerate(weighed, start=1)]


def prefers_reading(question: str, best: Weighed, reading: Reading) -> bool:
    """Tell whether the generator's short answer is taken rather than the evidence model's span."""
    if reading.source is None or reading.span is None:
        return False
    span, passage = AnswerSpan(*reading.span, 0.0), reading.source.passage
    return may_answer(question, passage, span) and not is_of_another(question, passage, span)


def _quote_rows(draft: Draft, rows: Rows) -> Iterator[Sentence]:
    draft.short_answer = rows.short_answer
    if is_superseded(rows.windows[0].passage) and not draft.note:
        draft.note = SUPERSEDED_NOTE
    if rows.count > len(rows.windows):
        only = f"The first {len(rows.windows)} of {rows.count} rows."
        draft.note = f"{draft.note} {only}" if draft.note else only
    for window in rows.windows:
        yield draft.keep(Sentence(flatten(window.text), "quoted"), window)


def _quote(draft: Draft, weighed: Weighed, span: tuple[int, int] | None = None) -> Sentence:
    """Append the sentence around a passage's answer to a draft, word for word; its likeliest where none is given."""
    if span is None:
        span = (weighed.span.start, weighed.span.end) if weighed.span else (0, len(weighed.passage.chunk.text))
    window = lengthen_quote(quote_around(weighed.passage, span))
    return draft.keep(Sentence(flatten(window.text), "quoted"), window)
