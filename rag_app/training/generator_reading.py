"""Examples of reading: a question with numbered sources, and its answer, or silence where no source holds it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag_app.answering.prompting import SILENCE, reading_prompt
from rag_app.training.evidence_data import Pair, Row, find_span, times
from rag_app.training.evidence_passages import Articles, Placed, Span, article_of, drop_sentence, place
from rag_app.training.evidence_questions import restyle, spoil_question
from rag_app.training.language_tokens import Example
from rag_app.training.sentence_data import compose_sentence, sentence_with

MOST_SOURCES = 3
DONORS = 20
"""Questions of the same article that a spoiled one takes words from."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How often a row is met in each form."""

    answered: float = 1.0
    """As it is: with its answer, or with silence where the row has none."""
    spoiled: float = 0.0
    """With a question changed so that the passage no longer answers it."""
    missing: float = 0.0
    """With other passages of the article, without the one that answers."""
    removed: float = 0.0
    """With the passage, but without its sentence that answers."""


def reading_examples(
    rows: Sequence[Row], rng: random.Random, shares: Shares, *, written: Mapping[str, str]
) -> Iterator[Example]:
    """Yield rows of one passage each, with others of the same article or of none beside it.

    ``written`` holds sentences that a language model made of rows, by the rows' ids.
    """
    articles = Articles(rows)
    for row in rows:
        text = row["passages"][0]["text"]
        span = find_span(text, row["answers"], row["question"]) if row["answerable"] else None
        if row["answerable"] and span is None:
            continue
        yield from _as_it_is(row, span, articles, rng, count=shares.answered, written=written.get(str(row.get("id"))))
        if span is not None:
            yield from _silent(row, span, articles, rng, shares=shares)


def _as_it_is(
    row: Row, span: Span | None, articles: Articles, rng: random.Random, *, count: float, written: str | None
) -> Iterator[Example]:
    text, title, question = row["passages"][0]["text"], row["passages"][0]["title"], row["question"]
    for _ in times(count, rng):
        placed = place(text, span, articles, title, rng)
        asked = restyle(question, rng) if rng.random() < 0.5 else question
        yield meet(asked, placed, _others(row, articles, rng), rng, written=written)


def _silent(row: Row, span: Span, articles: Articles, rng: random.Random, *, shares: Shares) -> Iterator[Example]:
    text, title, question = row["passages"][0]["text"], row["passages"][0]["title"], row["question"]
    for _ in times(shares.spoiled, rng):
        asked = articles.questions[article_of(row)]
        donors = rng.sample(asked, min(DONORS, len(asked)))
        if spoiled := spoil_question(question, text, text[slice(*span)], donors=donors, rng=rng):
            yield meet(spoiled, place(text, None, articles, title, rng), _others(row, articles, rng), rng)
    for _ in times(shares.missing, rng):
        if others := _others(row, articles, rng, least=1):
            yield meet(question, others[0], others[1:], rng)
    for _ in times(shares.removed, rng):
        if rest := drop_sentence(text, span):
            yield meet(question, Placed(title, rest, None), _others(row, articles, rng), rng)


def _others(row: Row, articles: Articles, rng: random.Random, *, least: int = 0) -> list[Placed]:
    """Return passages that do not hold the answer, in one of their forms."""
    count = max(least, rng.choice([0, 0, 1, 1, 2]))
    found = (articles.near_miss(row, rng, same_article=rng.random() < 0.75) for _ in range(count))
    others = []
    for text in dict.fromkeys(text for text in found if text):
        placed = place(text, None, articles, articles.of(text), rng)
        # Together with its neighbours it may hold the answer after all.
        told = any(answer.lower() in placed.text.lower() for answer in row["answers"] if answer)
        others.append(Placed(placed.heading, text, None) if told else placed)
    return others


def meet(
    question: str, placed: Placed, others: Sequence[Placed], rng: random.Random, *, written: str | None = None
) -> Example:
    """Put a passage among others, most often first, and answer if it has a span; else be silent."""
    sources = list(others)[: MOST_SOURCES - 1]
    at = 0 if rng.random() < 0.6 else rng.randint(0, len(sources))
    sources.insert(at, placed)
    prompt = tuple(reading_prompt(question, [source_text(s.heading, s.text) for s in sources]))
    if placed.span is None:
        return Example(prompt, SILENCE)
    short = placed.text[slice(*placed.span)]
    sentence = compose_sentence(question, short, sentence_with(placed.text, placed.span), written)
    return Example(prompt, answer_text(short, sentence or f"{short}.", [at + 1]))


def source_text(heading: str, text: str) -> str:
    """Return a source as prompts have it: the path of its headings, and its text."""
    return f"{heading}: {text}" if heading else text


def answer_text(short: str, sentence: str, numbers: Sequence[int]) -> str:
    """Return what the generator is to write: the short answer, then a sentence with its sources' numbers."""
    marks = "".join(f"[{number}]" for number in numbers)
    return f"{' '.join(short.split())}\n{sentence} {marks}"


def table_examples(pairs: Iterator[Pair], rng: random.Random) -> Iterator[Example]:
    """Yield questions about random tables, answered by a sentence from the row, or not at all."""
    for pair in pairs:
        if pair.answerable and pair.span is None:
            continue
        yield meet(pair.first, Placed(pair.heading, pair.passage, pair.span if pair.answerable else None), [], rng)
