"""Questions that look answerable and are not, written the way people were asked to write those of SQuAD 2.0.

A language model learns from the real ones (Rajpurkar et al. 2018, arXiv 1806.03822): given a passage and a question
that it answers, write a like question that it does not answer. What it then writes about the passages of SQuAD 1.1
teaches the evidence model and the generator when to be silent. The idea is that of Zhu et al. 2019 (arXiv 1906.06045).
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rag_app.records import Message
from rag_app.training.evidence_data import Row, held_out_articles
from rag_app.training.evidence_passages import article_of
from rag_app.training.language_tokens import Example

INSTRUCTION = "Change the question so that the passage does not answer it any more."
LEAST_PAIRED = 0.3
"""Likeness of a real question to the one that it is taken to be changed from."""
LEAST_LIKENESS, MOST_LIKENESS = 0.15, 0.95
"""Of a written question to the one that was to be changed: less is another question, more the same."""


def writing_prompt(question: str, passage: str) -> tuple[Message, ...]:
    """Return the prompt for a question that the passage does not answer."""
    return Message("system", INSTRUCTION), Message("user", f"Passage: {passage}\nQuestion: {question}")


def writing_examples(rows: Sequence[Row]) -> list[Example]:
    """Pair each unanswerable question with the likest answerable one of its passage, if it is like enough.

    The articles that the evidence model's calibration keeps out are kept out here too.
    """
    held = held_out_articles(rows)
    by_passage: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["article"] not in held:
            by_passage[row["passages"][0]["text"]].append(row)
    examples = []
    for passage, about in by_passage.items():
        answerable = [r["question"] for r in about if r["answerable"]]
        for row in about:
            if row["answerable"] or not answerable:
                continue
            nearest = max(answerable, key=lambda q: likeness(q, row["question"]))
            if likeness(nearest, row["question"]) >= LEAST_PAIRED:
                examples.append(Example(writing_prompt(nearest, passage), row["question"]))
    return examples


def likeness(a: str, b: str) -> float:
    """Return the Jaccard likeness of two questions' words."""
    first, second = _words(a), _words(b)
    return len(first & second) / max(len(first | second), 1)


def unanswerable_rows(rows: Iterable[Row], written: Iterable[str], *, known: Iterable[Row] = ()) -> Iterator[Row]:
    """Yield rows of written questions, leaving out those that repeat a real one or are none.

    Args:
        rows: the answerable rows that were changed.
        written: the new question of each.
        known: other rows whose questions are real, too.
    """
    pairs = list(zip(rows, written, strict=True))
    real = {_key(row["question"]) for row in (*known, *(row for row, _ in pairs))}
    for number, (row, text) in enumerate(pairs):
        question = text.strip().split("\n")[0].strip()
        alike = likeness(row["question"], question)
        if question.endswith("?") and _key(question) not in real and LEAST_LIKENESS <= alike <= MOST_LIKENESS:
            yield {
                "id": f"{row.get('id', number)}-unanswerable",
                "question": question,
                "passages": row["passages"],
                "answers": [],
                "answerable": False,
                "task": "extractive_qa",
                "article": article_of(row),
            }


def sample_rows(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """Return ``count`` of the rows at random, in their order."""
    kept = set(random.Random(seed).sample(range(len(rows)), min(count, len(rows))))
    return [row for i, row in enumerate(rows) if i in kept]


def _words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() else " " for c in text.lower()).split())


def _key(question: str) -> str:
    return " ".join(sorted(_words(question)))
