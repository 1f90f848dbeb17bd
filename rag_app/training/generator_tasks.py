"""Examples of the other tasks: whole sentences, studies, several sources, claims as questions, and follow-ups."""

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rag_app.answering.prompting import SILENCE, reading_prompt, rewrite_prompt
from rag_app.answering.sentences import split_sentences
from rag_app.records import Message
from rag_app.training.evidence_data import Pair, Row, Stance
from rag_app.training.evidence_passages import Placed
from rag_app.training.evidence_questions import restyle
from rag_app.training.evidence_statements import ask_whether
from rag_app.training.generator_reading import MOST_SOURCES, answer_text, meet, source_text
from rag_app.training.language_tokens import Example
from rag_app.training.sentence_data import MOST_QUOTED_WORDS, sentence_with

NO_SHORT_ANSWER = "-"
"""Stands in the first line where only a sentence answers."""
OFFERS = re.compile(
    r"\?\s*$|\b(?:anything else|let me know|would you like|should i|shall i|do you want)\b", re.IGNORECASE
)
STANCES = {"supported": Stance.SUPPORTED, "refuted": Stance.REFUTED, "nei": Stance.NEITHER}
PASSAGE_WORDS = 110
"""Of each of several passages; all of them would not fit a step."""
TURNS = 3
"""How often a question about several passages is met, with these in another order."""


def faq_examples(rows: Sequence[Row], rng: random.Random) -> Iterator[Example]:
    """Yield questions that people answered in full sentences, and such with another entry of the same entity."""
    entries: dict[str, set[str]] = {}
    for row in rows:
        if row["passages"]:
            entries.setdefault(row.get("entity") or "", set()).add(row["passages"][0]["text"])
    for row in rows:
        if not row["passages"]:
            continue
        text, title = row["passages"][0]["text"], row["passages"][0]["title"]
        spans = split_sentences(row["answers"][0])
        said = " ".join(s for s in (row["answers"][0][low:high] for low, high in spans) if not OFFERS.search(s))
        others = sorted(entries[row.get("entity") or ""] - {text})
        beside = [Placed(title, other, None) for other in rng.sample(others, min(len(others), rng.choice([0, 1, 2])))]
        if said:
            sources = [*beside]
            at = rng.randint(0, len(sources))
            sources.insert(at, Placed(title, text, None))
            prompt = tuple(reading_prompt(row["question"], [source_text(s.heading, s.text) for s in sources]))
            first = re.match(r"(yes|no)\b", f"{said} {text.split('?')[-1]}".strip(), re.IGNORECASE)
            yield Example(prompt, answer_text(first[1].lower() if first else NO_SHORT_ANSWER, said, [at + 1]))
        if beside and rng.random() < 0.4:
            yield meet(row["question"], beside[0], beside[1:], rng)


def study_examples(rows: Sequence[Row], rng: random.Random) -> Iterator[Example]:
    """Yield questions about studies, answered by the first sentences of their authors' conclusion."""
    for row in rows:
        sources = [source_text(p["title"], p["text"]) for p in row["passages"]][-MOST_SOURCES:]
        said = row["long_answer"]
        spans = split_sentences(said)[:2]
        prompt = tuple(reading_prompt(restyle(row["question"], rng), sources))
        short = row["label"] if row["label"] in ("yes", "no") else NO_SHORT_ANSWER
        if spans:
            yield Example(prompt, answer_text(short, said[: spans[-1][1]], [len(sources)]))


def rule_examples(cases: Iterable[tuple[Pair, list[tuple[str, str]]]], rng: random.Random) -> Iterator[Example]:
    """Yield questions about made-up rules, answered by a sentence, or not at all.

    Where no part of a sentence is the answer, as with "May I ...?", there is no short answer.
    """
    for pair, beside in cases:
        others = [Placed(heading, text, None) for heading, text in beside]
        span = pair.span if pair.answerable else None
        placed = Placed(pair.heading, pair.passage, span)
        if span is None or sentence_with(pair.passage, span) != pair.passage[slice(*span)]:
            yield meet(pair.first, placed, others, rng)
            continue
        at = rng.randint(0, len(others))
        sources = [*others[:at], placed, *others[at:]]
        prompt = tuple(reading_prompt(pair.first, [source_text(s.heading, s.text) for s in sources]))
        yield Example(prompt, answer_text(NO_SHORT_ANSWER, pair.passage[slice(*span)], [at + 1]))


def several_source_examples(rows: Sequence[Row], rng: random.Random) -> Iterator[Example]:
    """Yield questions whose answer takes several passages, and the same without any of these."""
    for row in rows:
        passages, gold = row["passages"], list(row["gold_passages"])
        if len(gold) > MOST_SOURCES or not row["answers"]:
            continue
        others = [i for i in range(len(passages)) if i not in gold]
        said = _said_by(row["answers"][0], [passages[i]["text"] for i in gold])
        for _ in range(TURNS if said else 0):
            chosen = gold + rng.sample(others, min(len(others), MOST_SOURCES + 1 - len(gold)))
            rng.shuffle(chosen)
            prompt = tuple(reading_prompt(row["question"], [_passage(passages[i]) for i in chosen]))
            numbers = sorted(chosen.index(i) + 1 for i in gold)
            yield Example(prompt, answer_text(row["answers"][0], said or "", numbers))
        if chosen := rng.sample(others, min(len(others), MOST_SOURCES)):
            yield Example(tuple(reading_prompt(row["question"], [_passage(passages[i]) for i in chosen])), SILENCE)


def _passage(passage: Mapping[str, str]) -> str:
    return source_text(passage["title"], " ".join(passage["text"].split()[:PASSAGE_WORDS]))


def _said_by(answer: str, texts: Sequence[str]) -> str | None:
    """Return the first sentence that holds the answer; for yes and no, the first of each text."""
    cut = [[text[low:high] for low, high in split_sentences(text)] for text in texts]
    if answer.lower() in ("yes", "no"):
        return " ".join(sentences[0] for sentences in cut if sentences)
    found = [s for sentences in cut for s in sentences if answer in s and len(s.split()) <= MOST_QUOTED_WORDS]
    return found[0] if found else None


def whether_examples(rows: Sequence[Row], rng: random.Random) -> Iterator[Example]:
    """Yield claims as questions to be answered by yes or no, with the sentence that decides them."""
    for row in rows:
        stance = STANCES.get(row["label"])
        if stance is None or not row["passages"]:
            continue
        claim, passage = row["question"].strip(), row["passages"][0]
        asked = ask_whether(claim) if rng.random() < 0.7 else None
        asked = asked or f"Is it true that {claim.rstrip('.')}?"
        prompt = tuple(reading_prompt(asked, [source_text(passage["title"], passage["text"])]))
        if stance is Stance.NEITHER:
            if rng.random() < 0.5:
                yield Example(prompt, SILENCE)
            continue
        spans = split_sentences(passage["text"])
        said = passage["text"][slice(*spans[0])] if spans else passage["text"]
        if len(said.split()) <= MOST_QUOTED_WORDS:
            yield Example(prompt, answer_text("yes" if stance is Stance.SUPPORTED else "no", said, [1]))


def rewriting_examples(rows: Sequence[Row], rng: random.Random) -> Iterator[Example]:
    """Yield follow-ups with the turns before them, and what they ask when they stand alone.

    The data's histories begin with the titles of the article and section, which count as what was asked first.
    """
    for row in rows:
        opening, talk = row["history"][:2], row["history"][2:]
        if len(opening) < 2 or (row["question"].strip() == row["answers"][0].strip() and rng.random() < 0.5):
            continue
        history = [Message("user", f"Tell me about {opening[0]}."), Message("assistant", opening[1])]
        history += [Message("assistant" if i % 2 else "user", turn) for i, turn in enumerate(talk)]
        yield Example(tuple(rewrite_prompt(row["question"], history)), row["answers"][0].strip())
