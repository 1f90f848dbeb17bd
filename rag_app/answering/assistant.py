"""Answer questions from a library: retrieve, weigh the evidence, write, check, cite, or say that it is silent."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from rag_app.answering.confidence import YES_NO
from rag_app.answering.conversation import standalone_question
from rag_app.answering.grounding import Grounder, SupportModel, Window, quote_around
from rag_app.answering.prompting import build_prompt
from rag_app.answering.retrieval import QueryEmbedder, Searchable, retrieve
from rag_app.answering.sentences import complete_sentences, split_sentences
from rag_app.answering.weighing import PassageJudge, Weighed, weigh_passages
from rag_app.answering.wording import content_stems, quantities
from rag_app.errors import QuestionError
from rag_app.records import Answer, Citation, Message, Passage, Scope, Sentence

ABSTENTION = "The documents do not say; the closest passages are listed below."
EMPTY = "There are no documents to search yet."
PROMPT_PASSAGES = 2
LEAST_SHARE = 0.8
PROMPT_TOKENS = 1400
MOST_SENTENCES = 1
FRUITLESS_SENTENCES = 2
OPENING = re.compile(r"^(?:yes|no|sure|certainly|of course)[,.:;!]\s+", re.IGNORECASE)
"""Only with its comma or stop: in "No dogs are allowed" the first word is the meaning."""
WHOLE = re.compile(r"[.!?…][\"'”’)\]]*$")
"""How a sentence ends that was not cut off."""
MARK = re.compile(r"\s*\[\d+\]")


class EvidenceJudge(PassageJudge, SupportModel, Protocol):
    """What answering needs of the evidence model."""

    @property
    def name(self) -> str: ...


class TextGenerator(Protocol):
    """What answering needs of a language model."""

    @property
    def name(self) -> str: ...
    @property
    def context_tokens(self) -> int: ...
    def count_tokens(self, messages: Sequence[Message]) -> int: ...
    def stream(
        self, messages: Sequence[Message], *, max_new_tokens: int, stop: Callable[[], bool] | None = None
    ) -> Iterator[str]: ...


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


@dataclass(frozen=True, slots=True)
class Stage:
    """What the assistant is doing now."""

    name: Literal["retrieving", "weighing", "writing", "checking"]


@dataclass(slots=True)
class _Draft:
    """An answer in the making."""

    question: str
    standalone: str
    started: float
    passages: list[Passage] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    short_answer: str | None = None
    confidence: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    timings: dict[str, float] = field(default_factory=dict)
    finished: bool = False

    def clock(self, name: str, since: float) -> float:
        now = time.perf_counter()
        self.timings[name] = 1000 * (now - since)
        return now

    def cite(self, window: Window) -> int:
        """Return the number of the citation of a window, a new one if it is not cited yet."""
        document = window.passage.document
        for known in self.citations:
            if (known.document.id, known.start, known.end) == (document.id, window.start, window.end):
                return known.number
        chunk, number = window.passage.chunk, len(self.citations) + 1
        citation = Citation(number, document, chunk.page, chunk.heading, window.start, window.end, window.text)
        self.citations.append(citation)
        return number


class Reply:
    """An answer that is being made: iterate over it for its stages and checked sentences, then read ``answer``."""

    def __init__(self, draft: _Draft, events: Iterator[Stage | Sentence], models: dict[str, str]) -> None:
        self._draft = draft
        self._events = events
        self._models = models

    def __iter__(self) -> Iterator[Stage | Sentence]:
        # No "yield from": it would end the work where a reader stops listening, as if no more had been found.
        for event in self._events:  # noqa: UP028
            yield event

    @property
    def citations(self) -> list[Citation]:
        """The citations so far, in the order of their numbers."""
        return list(self._draft.citations)

    @property
    def answer(self) -> Answer:
        """The finished answer; what is left of the work is done now.

        Raises:
            RuntimeError: an error ended the work; half an answer is none, and no abstention either.
        """
        for _ in self:
            pass
        draft = self._draft
        if not draft.finished:
            raise RuntimeError("This reply was ended by an error and has no answer. Ask again.")
        abstained = not draft.sentences
        silent = ABSTENTION if draft.passages else EMPTY
        text = silent if abstained else " ".join(s.marked() for s in draft.sentences)
        timings = {name: draft.timings.get(name, 0.0) for name in ("retrieve", "evidence", "first_token", "total")}
        return Answer(
            question=draft.question,
            standalone_question=draft.standalone,
            text=text,
            short_answer=None if abstained else draft.short_answer,
            abstained=abstained,
            confidence=draft.confidence,
            sentences=tuple(draft.sentences),
            citations=tuple(draft.citations),
            passages=tuple(draft.passages),
            models=self._models,
            usage={"prompt_tokens": draft.prompt_tokens, "completion_tokens": draft.completion_tokens},
            timings_ms=timings,
        )


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
        self._generator = generator
        self._limits = limits or Limits()
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
        draft = _Draft(question, standalone_question(question, history), time.perf_counter())

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
        draft = _Draft(question, standalone_question(question, history), time.perf_counter())
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

    def _work(self, draft: _Draft, find: Callable[[], list[Passage]]) -> Iterator[Stage | Sentence]:
        yield from self._find_and_write(draft, find)
        draft.clock("total", draft.started)
        draft.finished = True

    def _find_and_write(self, draft: _Draft, find: Callable[[], list[Passage]]) -> Iterator[Stage | Sentence]:
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
        yield from self._write(draft, weighed)
        if not draft.sentences:
            window = quote_around(best.passage, (best.span.start, best.span.end))
            yield self._keep(draft, Sentence(flatten(window.text), "quoted"), window)

    def _write(self, draft: _Draft, weighed: Sequence[Weighed]) -> Iterator[Stage | Sentence]:
        """Let the generator write, and keep those of its sentences that a passage supports."""
        generator, limits = self._generator, self._limits
        if generator is None or YES_NO.match(draft.standalone):
            return
        sources = [
            quote_around(w.passage, (w.span.start, w.span.end))
            for w in weighed[:PROMPT_PASSAGES]
            if w.span and w.confidence >= max(limits.threshold, LEAST_SHARE * weighed[0].confidence)
        ]
        prompt = build_prompt(
            draft.standalone,
            sources,
            short_answer=flatten(draft.short_answer or ""),
            count_tokens=generator.count_tokens,
            budget_tokens=min(PROMPT_TOKENS, generator.context_tokens - limits.answer_tokens),
        )
        draft.prompt_tokens = generator.count_tokens(prompt)
        grounder = Grounder(self._evidence, draft.standalone, [source.passage for source in sources])
        fruitless, seen = 0, set[str]()
        for sentence in _stream_sentences(draft, generator, prompt, limits.answer_tokens):
            bare = MARK.sub("", OPENING.sub("", sentence)).strip()
            key = " ".join(bare.casefold().split())
            if not key or key in seen:
                break
            seen.add(key)
            yield Stage("checking")
            window = grounder.find_support(bare)
            answers = bool(draft.sentences) or holds_answer(bare, draft.short_answer or "")
            if window is None or not answers:
                fruitless += 1
                if fruitless >= FRUITLESS_SENTENCES:
                    break
                continue
            yield self._keep(draft, Sentence(bare[:1].upper() + bare[1:], "supported"), window)
            if len(draft.sentences) >= MOST_SENTENCES:
                break

    def _keep(self, draft: _Draft, sentence: Sentence, window: Window) -> Sentence:
        cited = replace(sentence, citations=(draft.cite(window),))
        draft.sentences.append(cited)
        return cited


def holds_answer(sentence: str, short_answer: str) -> bool:
    """Tell whether a sentence says the short answer: all its numbers and most of its words."""
    numbers = {q.number for q in quantities(short_answer)}
    words = content_stems(short_answer)
    if not numbers <= {q.number for q in quantities(sentence)}:
        return False
    return not words or len(words & content_stems(sentence)) >= 0.6 * len(words)


def flatten(text: str) -> str:
    """Return a quoted text on one line."""
    return re.sub(r"\s+", " ", text).strip()


def _stream_sentences(
    draft: _Draft, generator: TextGenerator, prompt: Sequence[Message], most_tokens: int
) -> Iterator[str]:
    """Yield the sentences of a generated text, each as soon as it is whole. One that was cut off is left out."""
    text, done, overhead = "", 0, _count_tokens(generator, "")
    for piece in generator.stream(prompt, max_new_tokens=most_tokens):
        if not text:
            draft.clock("first_token", draft.started)
        text += piece
        # A piece is one token or several.
        draft.completion_tokens = _count_tokens(generator, text) - overhead
        whole = complete_sentences(text[done:])
        if whole:
            yield from _pieces(text[done : done + whole])
            done += whole
    if WHOLE.search(text.rstrip()):
        yield from _pieces(text[done:])


def _count_tokens(generator: TextGenerator, text: str) -> int:
    return generator.count_tokens([Message("user", text)])


def _pieces(text: str) -> Iterator[str]:
    for low, high in split_sentences(text):
        yield text[low:high]
