"""Change questions: so that their passage no longer answers them, and into other ways to ask the same."""

import random
import re
from collections.abc import Sequence

from rag_app.training.evidence_data import NAME, NUMBER, first_change, swap_question, turn_around

AUXILIARY = re.compile(r"\b(?:is|are|was|were|can|could|will|would|may|must|should|does|do|did|has|have|had)\b")
INVERTED = re.compile(
    r"\b(?P<aux>is|are|was|were|can|could|will|would|may|must|should|does|do|did|has|have|had) "
    r"(?P<subject>(?:the |a |an |his |her |their |its )?(?:[\w'-]+)) (?=\w+)"
)
YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
FUNCTION_WORDS = frozenset(
    "a an the of in on at to for from by with is are was were be been being do does did can could will would may must "
    "should has have had that which who what when where why how many much it its his her their there and or as".split()
)
OPENINGS = (
    "Can you tell me {}", "Please tell me: {}", "I would like to know {}", "Do you know {}", "hi, {}", "Question: {}",
)  # fmt: skip


def spoil_question(
    question: str, passage: str, answer: str, *, donors: Sequence[str], rng: random.Random
) -> str | None:
    """Return a question like this one that the passage does not answer, or None where no change applies.

    A name, a number or a word is swapped, a word turned into its opposite, the question negated, the answer itself
    excluded, or a condition added that the passage does not know.
    """
    weighted = [
        *[lambda r: swap_question(question, passage, donors, r)] * 5,
        *[lambda r: turn_around(question, r, against=passage)] * 3,
        lambda r: negate_question(question),
        lambda r: _exclude(question, answer, r),
        lambda r: _add_condition(question, passage, donors, r),
    ]
    return first_change(weighted, rng)


def keep_answer(question: str, passage: str, span: tuple[int, int], rng: random.Random) -> str | None:
    """Change a question as ``spoil_question`` does, but so that the same passage still answers it.

    Else the mere look of such a change would give the unanswerable ones away.
    """
    answer = passage[slice(*span)]
    around = passage[max(0, span[0] - 80) : span[1] + 80]
    years = [y for y in YEAR.findall(around) if y not in question and y not in answer]
    if years and not NUMBER.search(answer) and rng.random() < 0.6:
        return _with_ending(question, f" in {rng.choice(years)}")
    others = [n for n in NAME.findall(passage) if n not in answer and answer not in n and n not in question]
    return _exclude(question, rng.choice(others), rng) if others and answer[:1].isupper() else None


def negate_question(question: str) -> str | None:
    """Put a "not" into a question, or take it out."""
    if re.search(r"\bnot\b|n't\b|\bnever\b", question):
        positive = re.sub(r" (?:not|never)\b|n't\b", "", question, count=1)
        return positive if positive != question else None
    if found := INVERTED.search(question):
        return f"{question[: found.end('subject')]} not{question[found.end('subject') :]}"
    found = AUXILIARY.search(question)
    return f"{question[: found.end()]} not{question[found.end() :]}" if found else None


def _with_ending(question: str, ending: str) -> str:
    return question.rstrip(" ?") + ending + "?"


def _exclude(question: str, answer: str, rng: random.Random) -> str | None:
    if len(answer.split()) > 6 or not re.match(r"(?:Who|What|Which|Where)\b", question):
        return None
    return _with_ending(question, rng.choice([" besides {}", ", other than {}", " apart from {}"]).format(answer))


def _add_condition(question: str, passage: str, donors: Sequence[str], rng: random.Random) -> str | None:
    names = sorted({n for d in donors for n in NAME.findall(d) if n not in passage and n not in question})
    if names and rng.random() < 0.5:
        return _with_ending(question, rng.choice([" in {}", " according to {}", " for {}"]).format(rng.choice(names)))
    year = str(rng.randint(1750, 2020))
    plain = not YEAR.search(question) and year not in passage and not question.startswith("When")
    return _with_ending(question, f" in {year}") if plain else None


def restyle(question: str, rng: random.Random) -> str:
    """Write a question as people type it: in most cases as it is, else without capitals, as key words, or mistyped."""
    drawn = rng.random()
    if drawn < 0.10:
        return question.lower().rstrip(" ?")
    if drawn < 0.15:
        return question.rstrip(" ?")
    if drawn < 0.21:
        return _key_words(question, rng)
    if drawn < 0.26:
        return _mistype(question, rng)
    if drawn < 0.29:
        return rng.choice(OPENINGS).format(question[:1].lower() + question[1:])
    return question


def _key_words(question: str, rng: random.Random) -> str:
    words = question.rstrip(" ?").split()
    kept = [w for w in words if w.lower() not in FUNCTION_WORDS]
    if rng.random() < 0.5 and words[0].lower() in {"who", "when", "where", "how", "why"} and words[0] not in kept:
        kept.insert(0, words[0])
    if len(kept) < 2:
        return question
    text = " ".join(kept)
    return text.lower() if rng.random() < 0.7 else text


def _mistype(question: str, rng: random.Random) -> str:
    long = [m for m in re.finditer(r"[a-z]{5,}", question)]
    if not long:
        return question
    word = rng.choice(long)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    a, b = question[at], question[at + 1]
    changed = rng.choice([b + a, a, b, a + a + b])
    return question[:at] + changed + question[at + 2 :]
