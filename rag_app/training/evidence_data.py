"""The training pairs of the evidence model, and the small tools that make them from rows of text.

The rows have the fields of the evaluation format (see ``docs`` in README): id, question, passages, answers,
answerable, task.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

Row = dict[str, Any]
NAME = re.compile(r"(?<=\s)(?:[A-Z][\w'-]+)(?:\s[A-Z][\w'-]+)*")
NUMBER = re.compile(r"\b\d[\d,.]*\b")
WORD = re.compile(r"\b[a-z]{4,}\b")
SENTENCE_END = re.compile(r"(?<=[a-z0-9)\]%\"'][.!?])\s+(?=[\"'(\[]?[A-Z0-9])|\n+")
STOP = frozenset(
    "what when where which whose that this with from have does were been many much long name named called "
    "into their there they some most other type kind year years people first after before during about "
    "main than used many more would could should will also over under between".split()
)
_OPPOSITES = (
    "largest/smallest highest/lowest longest/shortest oldest/youngest oldest/newest best/worst most/least more/fewer "
    "more/less increase/decrease increased/decreased increasing/decreasing before/after first/last earliest/latest "
    "minimum/maximum northern/southern eastern/western north/south east/west northeast/southwest male/female "
    "men/women positive/negative inside/outside internal/external upper/lower above/below rise/fall won/lost "
    "win/lose gained/lost accepted/rejected allowed/forbidden legal/illegal public/private early/late major/minor "
    "hot/cold strong/weak stronger/weaker rich/poor young/old similar/different begin/end began/ended started/stopped "
    "open/closed opened/closed import/export imported/exported urban/rural ancient/modern common/rare always/never "
    "supported/opposed support/oppose same/different majority/minority success/failure advantage/disadvantage "
    "summer/winter morning/evening day/night left/right buy/sell bought/sold borrow/lend employer/employee "
    "teacher/student input/output entered/left arrived/departed included/excluded "
    "required/optional easy/difficult faster/slower"
)
OPPOSITE = {
    a: b for left, right in (pair.split("/") for pair in _OPPOSITES.split()) for a, b in ((left, right), (right, left))
}


class Stance(IntEnum):
    """How a text stands to a claim. The first three are the columns of the support head."""

    SUPPORTED = 0
    REFUTED = 1
    NEITHER = 2
    NOT_SUPPORTED = 3
    """Refuted or neither: which, the set does not say."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One training example. ``span`` counts characters of ``passage``; None where a task is not taught.

    ``first`` is a claim where ``stance`` is given, and else a question.
    """

    first: str
    heading: str
    passage: str
    answerable: bool | None = None
    span: tuple[int, int] | None = None
    relevant: bool | None = None
    stance: Stance | None = None


def times(count: float, rng: random.Random) -> range:
    """Return a range of ``count`` on average: 1.3 gives one, and in three of ten cases two."""
    return range(int(count) + (rng.random() < count % 1))


def split_text(text: str) -> list[tuple[int, int]]:
    """Return the sentences of a text as (start, end)."""
    spans, start = [], 0
    for blank in SENTENCE_END.finditer(text):
        spans.append((start, blank.start()))
        start = blank.end()
    spans.append((start, len(text.rstrip())))
    return [(low, high) for low, high in spans if high > low]


@lru_cache(maxsize=200_000)
def content_words(text: str) -> frozenset[str]:
    """Return the words of three letters or more that carry meaning, in lower case."""
    return frozenset(w for w in re.findall(r"\w{3,}", text.lower()) if w not in STOP)


def shared_words(question: str, text: str) -> int:
    """Return how many of the question's longer words stand in the text."""
    return len(content_words(question) & content_words(text))


def find_span(passage: str, answers: Iterable[str], question: str = "") -> tuple[int, int] | None:
    """Find the shortest answer that the passage holds, in the sentence most like the question, or None."""
    for answer in sorted(answers, key=len):
        if not answer or answer not in passage:
            continue
        whole = re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)")
        found = [m.start() for m in whole.finditer(passage)] or [passage.find(answer)]
        best = found[0]
        if len(found) > 1:
            best = max(found, key=lambda at: (shared_words(question, passage[slice(*_around(passage, at))]), -at))
        return best, best + len(answer)
    return None


def _around(text: str, at: int) -> tuple[int, int]:
    return next(((low, high) for low, high in split_text(text) if low <= at < high), (0, len(text)))


def swap_question(question: str, passage: str, donors: Sequence[str], rng: random.Random) -> str | None:
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


def turn_around(text: str, rng: random.Random, *, against: str = "") -> str | None:
    """Return the text with one word replaced by its opposite, which ``against`` must lack; None if it has none."""
    low = against.lower()
    found = [m for m in re.finditer(r"\b[a-z]+\b", text) if m.group() in OPPOSITE and OPPOSITE[m.group()] not in low]
    if not found:
        return None
    chosen = rng.choice(found)
    return text[: chosen.start()] + OPPOSITE[chosen.group()] + text[chosen.end() :]


def other_number(number: str, rng: random.Random) -> str:
    """Return a number that looks like ``number`` and is another."""
    digits = number.replace(",", "")
    if not digits.isdigit():
        return re.sub(r"\d(?=\D*$)", lambda m: str((int(m.group()) + rng.randint(1, 9)) % 10), number)
    value = int(digits)
    near = value + rng.choice([-1, 1]) * rng.randint(1, max(2, min(20, value // 4)))
    chosen = rng.choice([near, value * 10, value + 1]) if len(digits) != 4 else near
    other = abs(chosen) if abs(chosen) != value else value + 1
    return f"{other:,}" if "," in number else str(other)


def held_out_articles(rows: Iterable[Row], count: int = 2) -> set[str]:
    """Return the articles that are kept out of training: the last ones by name."""
    return set(sorted({str(row["article"]) for row in rows})[-count:])


Change = Callable[[random.Random], str | None]


def first_change(changes: Sequence[Change], rng: random.Random) -> str | None:
    """Try the changes in random order until one applies."""
    for change in rng.sample(changes, len(changes)):
        if (changed := change(rng)) is not None:
            return changed
    return None


def pick(items: Sequence[str], most: int, rng: random.Random) -> Iterator[str]:
    """Yield at most ``most`` of the items, drawn at random."""
    yield from rng.sample(items, min(most, len(items)))
