"""Ask an assistant the questions of a file and report how it did."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from rag_app.answering.assistant import Assistant
from rag_app.evaluation.datasets import Question
from rag_app.evaluation.independent import QueryEmbedder, count_unsupported, texts_hold
from rag_app.evaluation.scoring import bootstrap_interval, contains, exact_match, f1, mean, percentile
from rag_app.records import Answer, Passage

Mode = Literal["given", "open"]
Ratio = tuple[float, float]


class Workshop(Protocol):
    """Turns texts into what an assistant can answer from. A passage's document is named by its text's place."""

    def cut(self, texts: Sequence[tuple[str, str]]) -> list[Passage]:
        """Cut (title, text) pairs into passages, without storing them."""
        ...

    def library_of(self, texts: Sequence[tuple[str, str]]) -> AbstractContextManager[Assistant]:
        """Store the texts in a temporary library and give the assistant over it."""
        ...


@dataclass(frozen=True, slots=True)
class Scored:
    """One answered question and its scores; a ratio is (numerator, denominator)."""

    question: Question
    answer: Answer
    latency_ms: float
    ratios: dict[str, Ratio]

    def to_json(self) -> dict[str, Any]:
        scores = {name: top / bottom if bottom else None for name, (top, bottom) in self.ratios.items()}
        return {
            "id": self.question.id,
            "answerable": self.question.answerable,
            "answers": list(self.question.answers),
            "latency_ms": round(self.latency_ms, 1),
            "scores": scores,
            "reply": self.answer.to_json(),
        }


def run_questions(
    questions: Sequence[Question],
    mode: Mode,
    *,
    assistant: Assistant,
    workshop: Workshop,
    embedder: QueryEmbedder,
    others: Sequence[tuple[str, str]] = (),
    on_scored: Callable[[Scored], None] | None = None,
) -> list[Scored]:
    """Answer and score every question: from its own passages (given), or from all passages and ``others`` (open)."""
    texts = list(dict.fromkeys([*others, *(p for q in questions for p in q.passages)]))
    places = {text: str(i) for i, text in enumerate(texts)}

    def ask_all(ask: Callable[[Question], Answer]) -> list[Scored]:
        scored = []
        for question in questions:
            started = time.perf_counter()
            answer = ask(question)
            latency = 1000 * (time.perf_counter() - started)
            gold = [question.passages[i] for i in question.gold if i < len(question.passages)]
            names = {places[g] for g in gold} if mode == "open" else {str(i) for i in question.gold}
            ratios = score(question, answer, gold_names=names, gold_texts=[t for _, t in gold], embedder=embedder)
            scored.append(Scored(question, answer, latency, ratios))
            if on_scored:
                on_scored(scored[-1])
        return scored

    if mode == "given":
        return ask_all(lambda q: assistant.answer_from(q.question, workshop.cut(q.passages), history=q.history).answer)
    with workshop.library_of(texts) as over_all:
        return ask_all(lambda q: over_all.ask(q.question, history=q.history).answer)


def score(
    question: Question, answer: Answer, *, gold_names: set[str], gold_texts: Sequence[str], embedder: QueryEmbedder
) -> dict[str, Ratio]:
    """Return every figure of one answer as (numerator, denominator)."""
    failed, shown = count_unsupported(answer, embedder)
    ratios: dict[str, Ratio] = {
        "abstained": (float(answer.abstained), 1.0),
        "unsupported_sentences": (float(failed), float(shown)),
    }
    if not question.answerable:
        return ratios
    short = "" if answer.abstained else answer.short_answer or ""
    said = "" if answer.abstained else " ".join(s.text for s in answer.sentences)
    names = [p.document.name for p in answer.passages]
    good = sum(texts_hold(c.quote, gold_texts) for c in answer.citations)
    return ratios | {
        "exact_match": (exact_match(short, question.answers) if short else 0.0, 1.0),
        "f1": (f1(short, question.answers) if short else 0.0, 1.0),
        "contains": (contains(said, question.answers), 1.0),
        "recall_at_1": (float(bool(gold_names & set(names[:1]))), 1.0),
        "recall_at_5": (float(bool(gold_names & set(names[:5]))), 1.0),
        "citation_precision": (float(good), float(len(answer.citations))),
    }


ANSWERABLE = (
    "exact_match", "f1", "contains", "abstained", "recall_at_1", "recall_at_5", "citation_precision",
)  # fmt: skip


def report(dataset: str, mode: Mode, scored: Sequence[Scored], *, seed: int, models: dict[str, str]) -> dict[str, Any]:
    """Return the report of a run, as the contract has it, with 95 % bootstrap intervals over questions."""
    groups = {
        "answerable": [s for s in scored if s.question.answerable],
        "unanswerable": [s for s in scored if not s.question.answerable],
    }
    figures: dict[str, dict[str, Any]] = {}
    intervals: dict[str, Any] = {}
    for group, rows in groups.items():
        figures[group] = {"n": len(rows)}
        for name in ANSWERABLE if group == "answerable" else ("abstained",):
            figures[group][name], intervals[f"{group}.{name}"] = _figure(rows, name, seed)
    unsupported, intervals["unsupported_sentences"] = _figure(scored, "unsupported_sentences", seed)
    # SQuAD 2.0's F1 over all: an unanswerable question scores 1 when nothing is answered.
    overall = [s.ratios["f1"][0] if s.question.answerable else s.ratios["abstained"][0] for s in scored]
    latencies = [s.latency_ms for s in scored]
    return {
        "dataset": dataset,
        "mode": mode,
        "n": len(scored),
        "seed": seed,
        "models": models,
        **figures,
        "overall_f1": mean(overall),
        "unsupported_sentences": unsupported,
        "latency_ms": {"p50": percentile(latencies, 50), "p95": percentile(latencies, 95)},
        "intervals_95": intervals,
    }


def _figure(rows: Sequence[Scored], name: str, seed: int) -> tuple[float | None, tuple[float, float] | None]:
    pairs = [s.ratios[name] for s in rows if name in s.ratios]
    tops, bottoms = [p[0] for p in pairs], [p[1] for p in pairs]
    value = sum(tops) / sum(bottoms) if sum(bottoms) else None
    return value, bootstrap_interval(tops, bottoms, seed=seed)
