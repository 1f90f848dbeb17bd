"""Turn question-answering and claim-checking rows into training pairs for the evidence model.

The rows have the fields of the evaluation format (see ``docs`` in README): id, question, passages, answers,
answerable, task. Unanswerable pairs are made where the data has none: other paragraphs of the same article,
and questions in which a number, a name or a content word was swapped so that the passage no longer answers.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
NAME = re.compile(r"(?<=\s)(?:[A-Z][\w'-]+)(?:\s[A-Z][\w'-]+)*")
NUMBER = re.compile(r"\b\d[\d,.]*\b")
WORD = re.compile(r"\b[a-z]{4,}\b")
STOP = frozenset(
    "what when where which whose that this with from have does were been many much long name named called "
    "into their there they some most other type kind year years people first after before during about "
    "main than used many more would could should will also over under between".split()
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One training example. ``span`` counts characters of ``passage``; None where no span is taught."""

    first: str
    heading: str
    passage: str
    answerable: bool | None = None
    span: tuple[int, int] | None = None
    supported: bool | None = None


def find_span(passage: str, answers: Iterable[str]) -> tuple[int, int] | None:
    """Find the shortest answer that stands in the passage; None when none does."""
    for answer in sorted(answers, key=len):
        start = passage.find(answer) if answer else -1
        if start >= 0:
            return start, start + len(answer)
    return None


def swap_question(question: str, passage: str, donors: list[str], rng: random.Random) -> str | None:
    """Return the question with one number, name or word replaced by one the passage lacks, or None."""
    kinds = [NUMBER, NAME, WORD]
    rng.shuffle(kinds)
    low = passage.lower()
    for kind in kinds:
        found = [m for m in kind.finditer(question) if m.group().lower() not in STOP]
        if not found:
            continue
        target = rng.choice(found)
        pool = {w for d in donors for w in kind.findall(d) if w.lower() not in STOP and w.lower() not in low}
        pool.discard(target.group())
        if pool and target.group().lower() in low:
            replacement = str(rng.choice(sorted(pool)))
            return question[: target.start()] + replacement + question[target.end() :]
    return None


def _words(text: str) -> set[str]:
    return {w for w in re.findall(r"\w{3,}", text.lower()) if w not in STOP}


def shared_words(question: str, text: str) -> int:
    """Return how many of the question's longer words stand in the text."""
    return len(_words(question) & _words(text))


def held_out_articles(rows: Iterable[Row], count: int = 2) -> set[str]:
    """Return the articles that are kept out of training: the last ones by name."""
    return set(sorted({str(row["article"]) for row in rows})[-count:])


def hard_negative(row: Row, paragraphs: list[str], rng: random.Random) -> str | None:
    """Pick another paragraph of the article that shares many of the question's words but no answer."""
    answers = [a.lower() for a in row["answers"]]
    own = row["passages"][0]["text"]
    others = [p for p in paragraphs if p != own and not any(a in p.lower() for a in answers)]
    if not others:
        return None
    others = rng.sample(others, min(12, len(others)))
    return max(others, key=lambda p: shared_words(row["question"], p))


def extractive_pairs(rows: list[Row], rng: random.Random, *, negatives: float, swaps: float) -> Iterator[Pair]:
    """Yield positives, hard negatives and swapped questions of span-annotated rows."""
    by_article: dict[str, list[str]] = defaultdict(list)
    questions: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        article, text = row.get("article", row["passages"][0]["title"]), row["passages"][0]["text"]
        questions[article].append(row["question"])
        if text not in by_article[article][-3:]:
            by_article[article].append(text)
    for row in rows:
        passage, question = row["passages"][0]["text"], row["question"]
        article = row.get("article", row["passages"][0]["title"])
        heading = row["passages"][0]["title"] if rng.random() < 0.5 else ""
        if not row["answerable"]:
            yield Pair(question, heading, passage, answerable=False)
            continue
        span = find_span(passage, row["answers"])
        if span is None:
            continue
        yield Pair(question, heading, passage, answerable=True, span=span)
        if rng.random() < negatives and (other := hard_negative(row, by_article[article], rng)):
            yield Pair(question, heading, other, answerable=False)
        if rng.random() < swaps:
            donors = rng.sample(questions[article], min(20, len(questions[article])))
            if swapped := swap_question(question, passage, donors, rng):
                yield Pair(swapped, heading, passage, answerable=False)
        if rng.random() < 0.12:
            yield from answer_claims(row, span, questions[article], rng)


def sentence_around(text: str, span: tuple[int, int]) -> str:
    """Return the sentence of ``text`` that holds ``span``, by full stops."""
    start = max(text.rfind(". ", 0, span[0]) + 2, 0) if ". " in text[: span[0]] else 0
    end = text.find(". ", span[1])
    return text[start : end + 1 if end >= 0 else len(text)]


def answer_claims(row: Row, span: tuple[int, int], questions: list[str], rng: random.Random) -> Iterator[Pair]:
    """Yield claims made of a question and an answer: the right one, and a like one that is wrong."""
    passage, question = row["passages"][0]["text"], row["question"]
    answer = passage[span[0] : span[1]]
    evidence = sentence_around(passage, span) if rng.random() < 0.7 else passage
    yield Pair(f"{question} {answer}", "", evidence, supported=True)
    kind = NUMBER if NUMBER.search(answer) else NAME
    wrong = [w for w in kind.findall(passage) if w not in answer and answer not in w]
    if wrong and rng.random() < 0.6:
        yield Pair(f"{question} {rng.choice(wrong)}", "", evidence, supported=False)
    elif swapped := swap_question(question, passage, questions[:20], rng):
        yield Pair(f"{swapped} {answer}", "", evidence, supported=False)


def faq_pairs(rows: list[Row], rng: random.Random) -> Iterator[Pair]:
    """Yield question-answer snippets that answer, and the same entity's that do not."""
    by_entity: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["passages"]:
            by_entity[row.get("entity") or ""].append(row["passages"][0]["text"])
    for row in rows:
        if not row["passages"]:
            continue
        passage = row["passages"][0]
        question = row["question"]
        body = passage["text"]
        if rng.random() < 0.7 and "? " in body:
            body = body.split("? ", 1)[1]
        heading = passage["title"] if rng.random() < 0.3 else ""
        yield Pair(question, heading, body, answerable=True)
        others = [t for t in set(by_entity[row.get("entity") or ""]) if t != passage["text"]]
        if others:
            other = rng.choice(sorted(others))
            other = other.split("? ", 1)[1] if "? " in other and rng.random() < 0.7 else other
            yield Pair(question, heading, other, answerable=False)


def claim_pairs(rows: Iterable[Row]) -> Iterator[Pair]:
    """Yield claim-checking rows and judged answers."""
    for row in rows:
        if not row["passages"]:
            continue
        passage = " ".join(p["text"] for p in row["passages"])
        if row["task"] == "answer_verification":
            yield Pair(f"{row['question']} {row['candidate']}", "", passage, supported=row["label"] == "correct")
        elif "supported" in row:
            yield Pair(row["question"], "", passage, supported=bool(row["supported"]))
