"""Turn question-answering rows into pairs: with their answers, without them, and with passages that miss the point."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag_app.training.evidence_data import Pair, Row, find_span, pick, swap_question, times
from rag_app.training.evidence_passages import Articles, article_of, drop_sentence, place
from rag_app.training.evidence_questions import keep_answer, restyle, spoil_question

DONORS = 20
SHORT_ANSWER = 40
"""Characters. Longer ones in sets of opinions are whole sentences, chosen at will."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How many pairs of each kind are made of a row on average."""

    positives: float = 1.0
    near: float = 0.0
    """Another paragraph of the same article."""
    far: float = 0.0
    """A paragraph of another article."""
    spoiled: float = 0.0
    """A question changed so that the passage no longer answers it."""
    kept: float = 0.0
    """A question changed in the same manner that the passage still answers."""
    removed: float = 0.0
    """The passage without the sentence that answers."""


def reading_pairs(rows: Sequence[Row], rng: random.Random, shares: Shares, *, styled: bool = True) -> Iterator[Pair]:
    """Yield the pairs of rows that have one passage each. Unanswerable rows are yielded ``shares.positives`` times."""
    articles = Articles(rows)
    for row in rows:
        for pair in _of_row(row, articles, rng, shares):
            yield replace(pair, first=restyle(pair.first, rng)) if styled else pair


def _of_row(row: Row, articles: Articles, rng: random.Random, shares: Shares) -> Iterator[Pair]:
    question, text, title = row["question"], row["passages"][0]["text"], row["passages"][0]["title"]
    span = find_span(text, row["answers"], question) if row["answerable"] else None
    if row["answerable"] and span is None:
        return

    def meet(asked: str, at: tuple[int, int] | None) -> Pair:
        placed = place(text, at, articles, title, rng)
        return Pair(asked, placed.heading, placed.text, answerable=at is not None, span=placed.span, relevant=True)

    for _ in times(shares.positives, rng):
        yield meet(question, span)
    yield from _misses(row, articles, rng, shares)
    if span is None:
        return
    donors = list(pick(articles.questions[article_of(row)], DONORS, rng))
    changed = [
        spoil_question(question, text, text[slice(*span)], donors=donors, rng=rng) for _ in times(shares.spoiled, rng)
    ]
    yield from (meet(asked, None) for asked in changed if asked)
    changed = [keep_answer(question, text, span, rng) for _ in times(shares.kept, rng)]
    yield from (meet(asked, span) for asked in changed if asked)
    shortened = [drop_sentence(text, span) for _ in times(shares.removed, rng)]
    yield from (Pair(question, title, rest, answerable=False, relevant=True) for rest in shortened if rest)


def _misses(row: Row, articles: Articles, rng: random.Random, shares: Shares) -> Iterator[Pair]:
    """Yield the question with other paragraphs, under the titles of their own articles."""
    for same_article, share in ((True, shares.near), (False, shares.far)):
        for _ in times(share, rng):
            if other := articles.near_miss(row, rng, same_article=same_article):
                placed = place(other, None, articles, articles.title(other), rng)
                yield Pair(row["question"], placed.heading, placed.text, answerable=False, relevant=False)


def faq_pairs(rows: Sequence[Row], rng: random.Random) -> Iterator[Pair]:
    """Yield question-answer snippets that answer, and the same entity's that do not."""
    by_entity: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["passages"]:
            by_entity[row.get("entity") or ""].append(row["passages"][0]["text"])
    for row in rows:
        if not row["passages"]:
            continue
        passage = row["passages"][0]
        question = restyle(row["question"], rng)
        heading = passage["title"] if rng.random() < 0.3 else ""
        yield Pair(question, heading, _without_question(passage["text"], rng), answerable=True, relevant=True)
        others = [t for t in set(by_entity[row.get("entity") or ""]) if t != passage["text"]]
        for other in pick(sorted(others), 1, rng):
            yield Pair(question, heading, _without_question(other, rng), answerable=False, relevant=False)


def _without_question(text: str, rng: random.Random) -> str:
    return text.split("? ", 1)[1] if rng.random() < 0.7 and "? " in text else text


def opinion_pairs(rows: Sequence[Row], rng: random.Random) -> Iterator[Pair]:
    """Yield reviews that answer in a few words, and those that do not; of the topic they say nothing sure."""
    for row in rows:
        passage = row["passages"][0]
        question = restyle(row["question"], rng)
        span = find_span(passage["text"], row["answers"], row["question"]) if row["answerable"] else None
        if not row["answerable"] or (span and span[1] - span[0] <= SHORT_ANSWER):
            yield Pair(question, passage["title"], passage["text"], answerable=bool(span), span=span)


def several_hop_pairs(rows: Sequence[Row], rng: random.Random) -> Iterator[Pair]:
    """Yield each question with its gold passages, of which those answer that hold the answer, and with the others."""
    for row in rows:
        gold = set(row["gold_passages"])
        known = not {a.lower() for a in row["answers"]} & {"yes", "no"}
        question = restyle(row["question"], rng)
        for i, passage in enumerate(row["passages"]):
            span = find_span(passage["text"], row["answers"], row["question"]) if known and i in gold else None
            told = any(a.lower() in passage["text"].lower() for a in row["answers"])
            # A passage that holds the answer but is not gold may answer by another way.
            answerable = True if span else False if known and not told else None
            yield Pair(
                question, passage["title"], passage["text"], answerable=answerable, span=span, relevant=i in gold
            )


def topic_pairs(rows: Sequence[Row], rng: random.Random) -> Iterator[Pair]:
    """Yield questions with a passage of their own and one of another question, for relevance alone."""
    for row in rows:
        passage, other = rng.choice(row["passages"]), rng.choice(rng.choice(rows)["passages"])
        question = restyle(row["question"], rng)
        yield Pair(question, "", passage["text"], relevant=True)
        if other not in row["passages"]:
            yield Pair(question, "", other["text"], answerable=False, relevant=False)


def swapped_pairs(rows: Sequence[Row], rng: random.Random, share: float) -> Iterator[Pair]:
    """Yield questions about one sentence in which a word was swapped for another question's."""
    questions = [row["question"] for row in rows]
    for row in rows:
        for _ in times(share, rng):
            passage = row["passages"][0]
            donors = list(pick(questions, DONORS, rng))
            if swapped := swap_question(row["question"], passage["text"], donors, rng):
                yield Pair(restyle(swapped, rng), passage["title"], passage["text"], answerable=False, relevant=True)
