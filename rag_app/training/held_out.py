"""Questions that no adapter was trained on, in the form of an evaluation file, to fit confidence on.

They are met as in use: a question with its own passage and others of the article that share words with it, half of
them unanswerable on purpose; with the passage that answers taken away; and about new random tables, and rules that
training is kept from.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

from rag_app.training.calibration import made_pairs
from rag_app.training.evidence_data import Row, held_out_articles, shared_words

MADE_SEED = 54321
"""Another one than training's and calibration's, so that the tables are new."""
TAKEN_AWAY = 0.2
CROWD = 6
"""How many of the likest other passages the ones beside the right one are drawn from."""


def held_out_questions(rows: Sequence[Row], *, made: int, seed: int) -> Iterator[Row]:
    """Yield questions with one to four passages each.

    Args:
        rows: squad_v2_train_articles, whose last articles every training keeps out.
        made: how many questions about random tables to add, and as many about kept-out rules.
        seed: of every choice.
    """
    rng = random.Random(seed)
    held = held_out_articles(rows)
    paragraphs: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        paragraphs[row["article"]][row["passages"][0]["text"]] = None
    for row in (row for row in rows if row["article"] in held):
        own = row["passages"][0]
        others = [p for p in paragraphs[row["article"]] if p != own["text"]]
        others.sort(key=lambda p: -shared_words(row["question"], p))
        texts = rng.sample(others[:CROWD], rng.choice([0, 1, 2, 3]))
        away = row["answerable"] and rng.random() < TAKEN_AWAY
        if away:
            texts = [t for t in texts or others[:1] if not any(a in t for a in row["answers"])]
        else:
            texts.insert(rng.randint(0, len(texts)), own["text"])
        if texts:
            yield row | {
                "passages": [{"title": own["title"], "text": text} for text in texts],
                "answers": [] if away else row["answers"],
                "answerable": row["answerable"] and not away,
            }
    for number, pair in enumerate(made_pairs(made, MADE_SEED)):
        span = pair.span if pair.answerable else None
        yield {
            "id": f"made-{number}",
            "question": pair.first,
            "passages": [{"title": pair.heading, "text": pair.passage}],
            "answers": [pair.passage[slice(*span)]] if span else [],
            "answerable": bool(pair.answerable),
        }
