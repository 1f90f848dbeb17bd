"""Ask systems the questions of a file, and score what they answer."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from rag_app.answering.retrieval import Searchable
from rag_app.errors import ModelError, QuestionError
from rag_app.evaluation.datasets import Question
from rag_app.evaluation.independent import QueryEmbedder, count_unsupported, texts_hold
from rag_app.evaluation.scoring import contains, exact_match, f1
from rag_app.records import Answer, Chunk, Document, Hit, Message, Passage

Mode = Literal["given", "open"]
Ratio = tuple[float, float]
WELL_ANSWERED_F1 = 0.5


class Finished(Protocol):
    """A reply whose answer can be read."""

    @property
    def answer(self) -> Answer: ...


class Answerer(Protocol):
    """What is measured: it answers from its library, or from passages that it is given."""

    @property
    def models(self) -> Mapping[str, str]: ...
    def ask(self, question: str, *, history: Sequence[Message] = ()) -> Finished: ...
    def answer_from(
        self, question: str, passages: Sequence[Passage], *, history: Sequence[Message] = ()
    ) -> Finished: ...


@dataclass(frozen=True, slots=True)
class System:
    """A way to answer, by its name in reports. ``build`` makes it over a library."""

    name: str
    build: Callable[[Searchable], Answerer]

    @property
    def models(self) -> dict[str, str]:
        """The models that it answers with."""
        return dict(self.build(_NoLibrary()).models)


class Workshop(Protocol):
    """Turns texts into what can be answered from. A passage's document is named by its text's place."""

    def cut(self, texts: Sequence[tuple[str, str]]) -> list[Passage]:
        """Cut (title, text) pairs into passages, without storing them."""
        ...

    def library_of(self, texts: Sequence[tuple[str, str]]) -> AbstractContextManager[Searchable]:
        """Store the texts in a temporary library."""
        ...


@dataclass(frozen=True, slots=True)
class Scored:
    """One question that a system was asked, and its scores; a ratio is (numerator, denominator).

    ``reply`` is the answer as ``ask --json`` prints it; None where the question could not be asked, for the reason
    in ``failure``. Such a question counts as answered wrongly.
    """

    question: Question
    system: str
    mode: Mode
    latency_ms: float
    ratios: dict[str, Ratio]
    reply: dict[str, Any] | None
    failure: str | None = None

    def to_json(self) -> dict[str, Any]:
        scores = {name: top / bottom if bottom else None for name, (top, bottom) in self.ratios.items()}
        return {
            "id": self.question.id,
            "system": self.system,
            "mode": self.mode,
            "answerable": self.question.answerable,
            "answers": list(self.question.answers),
            "latency_ms": round(self.latency_ms, 1),
            "scores": scores,
            "ratios": self.ratios,
            "reply": self.reply,
            "failure": self.failure,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any], question: Question) -> "Scored":
        """Read what ``to_json`` wrote; raises KeyError, TypeError or ValueError for anything else."""
        ratios = {str(name): (float(top), float(bottom)) for name, (top, bottom) in row["ratios"].items()}
        return cls(
            question, str(row["system"]), row["mode"], float(row["latency_ms"]), ratios, row["reply"], row["failure"]
        )


class _NoLibrary:
    """Stands in where every passage is given."""

    def search_vectors(self, query: Any, k: int, scope: Any = None) -> list[Hit]:
        return []

    def search_words(self, query: str, k: int, scope: Any = None) -> list[Hit]:
        return []

    def distinct(self, hits: Sequence[Hit]) -> list[Hit]:
        return []

    def passages(self, hits: Sequence[Hit]) -> list[Passage]:
        return []

    def documents(self, scope: Any = None) -> list[Document]:
        return []

    def chunks(self, document_id: int) -> list[Chunk]:
        return []


@dataclass(frozen=True, slots=True)
class Run:
    """How questions are asked: from their own passages (given), or from all passages and ``others`` (open)."""

    mode: Mode
    workshop: Workshop
    embedder: QueryEmbedder
    others: Sequence[tuple[str, str]] = ()


def run_questions(
    questions: Sequence[Question],
    systems: Sequence[System],
    run: Run,
    *,
    known: Collection[Scored] = (),
    on_scored: Callable[[Scored], None] = lambda _: None,
) -> list[Scored]:
    """Ask every system every question, over one library, and score the answers.

    What is ``known`` from an earlier run is not asked again. ``on_scored`` is told of every new answer.
    """
    done = {(s.system, s.question.id): s for s in known}

    def ask_all(library: Searchable, names: Callable[[Question], set[str]]) -> list[Scored]:
        scored = []
        for system in systems:
            answerer = system.build(library)
            for question in questions:
                found = done.get((system.name, question.id))
                if found is None:
                    found = _ask(question, system.name, answerer, run=run, gold_names=names(question))
                    on_scored(found)
                scored.append(found)
        return scored

    if run.mode == "given":
        return ask_all(_NoLibrary(), lambda q: {str(i) for i in q.gold})
    texts = list(dict.fromkeys([*run.others, *(p for q in questions for p in q.passages)]))
    places = {text: str(i) for i, text in enumerate(texts)}
    with run.workshop.library_of(texts) as library:
        return ask_all(library, lambda q: {places[q.passages[i]] for i in q.gold})


def _ask(question: Question, system: str, answerer: Answerer, *, run: Run, gold_names: set[str]) -> Scored:
    started = time.perf_counter()
    try:
        if run.mode == "given":
            passages = run.workshop.cut(question.passages)
            started = time.perf_counter()
            answer = answerer.answer_from(question.question, passages, history=question.history).answer
        else:
            answer = answerer.ask(question.question, history=question.history).answer
    except (QuestionError, ModelError) as error:
        return Scored(question, system, run.mode, 0.0, score_failure(question), None, str(error))
    latency = 1000 * (time.perf_counter() - started)
    gold_texts = [question.passages[i][1] for i in question.gold]
    ratios = score(question, answer, gold_names=gold_names, gold_texts=gold_texts, embedder=run.embedder)
    return Scored(question, system, run.mode, latency, ratios, answer.to_json())


def score(
    question: Question, answer: Answer, *, gold_names: set[str], gold_texts: Sequence[str], embedder: QueryEmbedder
) -> dict[str, Ratio]:
    """Return every figure of one answer as (numerator, denominator)."""
    failed, marked = count_unsupported(answer, embedder)
    shown = float(not answer.abstained)
    ratios: dict[str, Ratio] = {
        "abstained": (1.0 - shown, 1.0),
        "answered": (shown, 1.0),
        "unsupported_sentences": (float(failed), float(marked)),
    }
    if not question.answerable:
        return ratios | {"false_answers": (shown, shown)}
    short = "" if answer.abstained else answer.short_answer or ""
    said = "" if answer.abstained else " ".join(s.text for s in answer.sentences)
    names = [p.document.name for p in answer.passages]
    good = sum(texts_hold(c.quote, gold_texts) for c in answer.citations)
    held, near = contains(said, question.answers), f1(short, question.answers) if short else 0.0
    well = float(bool(held) or max(near, f1(said, question.answers) if said else 0.0) >= WELL_ANSWERED_F1)
    return ratios | {
        "exact_match": (exact_match(short, question.answers) if short else 0.0, 1.0),
        "f1": (near, 1.0),
        "contains": (held, 1.0),
        "answered_well": (well, 1.0),
        "false_answers": (shown - well, shown),
        "recall_at_1": (float(bool(gold_names & set(names[:1]))), 1.0),
        "recall_at_5": (float(bool(gold_names & set(names[:5]))), 1.0),
        "citation_precision": (float(good), float(len(answer.citations))),
    }


def score_failure(question: Question) -> dict[str, Ratio]:
    """Return the figures of a question that could not be asked: as bad as an answer can be."""
    wrong: Ratio = (0.0, 1.0)
    ratios = {"abstained": wrong, "answered": (1.0, 1.0), "false_answers": (1.0, 1.0)}
    if not question.answerable:
        return ratios
    names = ("exact_match", "f1", "contains", "answered_well", "recall_at_1", "recall_at_5")
    return ratios | dict.fromkeys(names, wrong)
