"""Let a language model say short answers as full sentences, from which the generator learns to do so.

Three examples show it how (few-shot prompting, Brown et al. 2020, arXiv 2005.14165); even a very small model does this
well where it is given the answer. What it writes is checked before it is taught: see ``sentence_data``.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag_app.errors import DataError
from rag_app.json_lines import write_json_lines
from rag_app.records import Message
from rag_app.training.evidence_data import Row, find_span
from rag_app.training.language_base import load_base
from rag_app.training.optimisation import training_device
from rag_app.training.sampling import Sampling, write_texts
from rag_app.training.sentence_data import sentence_with
from rag_app.training.training_sets import TrainingSets

INSTRUCTION = "You turn a short answer into one complete sentence, with the words, numbers and names of the text."
EXAMPLES = (
    (
        "The library is closed on Mondays. On other days it opens at 9:00.",
        "When does the library open on Tuesdays?",
        "9:00",
        "The library opens at 9:00 on Tuesdays.",
    ),
    (
        "Product: Chair; Price: 75 EUR; Colour: blue",
        "How much is the chair?",
        "75 EUR",
        "The price of the chair is 75 EUR.",
    ),
    (
        "Requests are decided by the warden, usually within a week.",
        "who decides about requests",
        "the warden",
        "Requests are decided by the warden.",
    ),
)
SETS = ("squad_v1_train", "nq_qed_train", "squad_v2_train_articles", "own_questions")
MOST_SENTENCE_CHARACTERS = 500
MOST_ANSWER_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Order:
    """A sentence to be written: for which row, from which question, answer and sentence under which title."""

    id: str
    question: str
    answer: str
    evidence: str
    title: str


def writing_prompt(order: Order) -> tuple[Message, ...]:
    """Return the messages that ask for a sentence."""
    shown = [
        (Message("user", _task(text, question, answer)), Message("assistant", sentence))
        for text, question, answer, sentence in EXAMPLES
    ]
    text = f"{order.title}: {order.evidence}" if order.title else order.evidence
    asked = Message("user", _task(text, order.question, order.answer))
    return Message("system", INSTRUCTION), *(turn for pair in shown for turn in pair), asked


def _task(text: str, question: str, answer: str) -> str:
    return f"Text: {text}\nQuestion: {question}\nShort answer: {answer}"


def sentence_orders(rows: Sequence[Row]) -> Iterator[Order]:
    """Yield what to write for those of the rows that have an id and a short answer in a sentence of usual length."""
    for row in rows:
        passage = row["passages"][0]
        span = find_span(passage["text"], row["answers"], row["question"]) if row["answerable"] else None
        if span is None or not row.get("id"):
            continue
        answer, evidence = passage["text"][slice(*span)], sentence_with(passage["text"], span)
        if len(answer) < MOST_ANSWER_CHARACTERS and len(evidence) < MOST_SENTENCE_CHARACTERS:
            yield Order(str(row["id"]), row["question"], answer, evidence, passage["title"])


def write_sentences(data: Path, base: Path, out: Path, *, rows: int, sampling: Sampling) -> int:
    """Write a sentence for ``rows`` answerable rows of the sets in ``data``, as lines {id, text}, and return how many.

    A call that was ended goes on from the drafts beside ``out``.

    Raises:
        DataError: there is nothing to write sentences for, or ``out`` cannot be written.
        ModelError: the language model in ``base`` cannot be loaded.
    """
    sets = TrainingSets(data)
    orders = [order for name in SETS for order in sentence_orders(sets.read(name))]
    if not orders:
        raise DataError(f"{data} has no answerable rows. Put one of these sets there: {', '.join(SETS)}.")
    orders = random.Random(sampling.seed).sample(orders, min(rows, len(orders)))
    model, tokenizer = load_base(base, device=training_device("auto"))
    drafts = out.with_name(f"{out.name}.drafts")
    texts = write_texts(model.eval(), tokenizer, [writing_prompt(o) for o in orders], sampling=sampling, drafts=drafts)
    count = write_json_lines(out, ({"id": o.id, "text": text} for o, text in zip(orders, texts, strict=True)))
    drafts.unlink()
    return count
