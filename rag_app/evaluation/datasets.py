"""Read evaluation files: one question a line, with its passages and its answers."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rag_app.errors import DataError
from rag_app.json_lines import read_json_lines
from rag_app.records import Message


@dataclass(frozen=True, slots=True)
class Question:
    """A row of an evaluation file. ``gold`` says which of the passages hold the answer."""

    id: str
    question: str
    passages: tuple[tuple[str, str], ...]
    answers: tuple[str, ...]
    answerable: bool
    history: tuple[Message, ...] = ()
    gold: tuple[int, ...] = ()
    split: str | None = None


def read_questions(file: Path, *, limit: int | None = None, seed: int = 0, split: str | None = None) -> list[Question]:
    """Read a .jsonl or .jsonl.gz file, or a random sample of ``limit`` of its rows.

    Raises:
        DataError: the file is missing, or a line of it is not as the format says.
    """
    rows = [q for q, row in _parse(file) if split is None or row.get("split") == split]
    if not rows:
        raise DataError(f"{file} holds no questions{f' of the split {split!r}' if split else ''}.")
    if limit is not None and limit < len(rows):
        chosen = sorted(random.Random(seed).sample(range(len(rows)), limit))
        rows = [rows[i] for i in chosen]
    return rows


def sample_questions(rows: Iterable[Mapping[str, Any]], count: int, *, seed: int) -> list[Question]:
    """Return at most ``count`` random ones of rows that are known to be as the format says, in their order."""
    questions = [_question(row) for row in rows]
    chosen = sorted(random.Random(seed).sample(range(len(questions)), min(count, len(questions))))
    return [questions[i] for i in chosen]


def read_passages(file: Path) -> list[tuple[str, str]]:
    """Return every distinct (title, text) of a file's rows, those included that a sample or a split leaves out.

    Raises:
        DataError: as ``read_questions``.
    """
    return list(dict.fromkeys(passage for question, _ in _parse(file) for passage in question.passages))


def _parse(file: Path) -> Iterator[tuple[Question, dict[str, Any]]]:
    for number, row in read_json_lines(file):
        try:
            question = _question(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            cause = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
            raise DataError(
                f"{file}, line {number}: {cause}. A line is an object with id, question, passages [{{title, text}}], "
                f"answers and answerable."
            ) from error
        yield question, row


def _question(row: Mapping[str, Any]) -> Question:
    turns = row.get("history") or []
    roles: tuple[Literal["user", "assistant"], ...] = ("user", "assistant")
    # Histories alternate and end with the assistant's turn.
    history = [Message(roles[(len(turns) - i) % 2], str(t)) for i, t in enumerate(turns)]
    passages = tuple((str(p.get("title") or ""), str(p["text"])) for p in row["passages"])
    gold = row.get("gold_passages")
    # A text would be taken for the list of its letters, and "false" for true.
    if not isinstance(row["answers"], list):
        raise ValueError(f"answers is {row['answers']!r}, not a list")  # noqa: TRY004 - bad data, not misuse
    if not isinstance(row["answerable"], bool):
        raise ValueError(f"answerable is {row['answerable']!r}, not true or false")  # noqa: TRY004 - as above
    return Question(
        id=str(row["id"]),
        question=str(row["question"]),
        passages=passages,
        answers=tuple(str(a) for a in row["answers"]),
        answerable=row["answerable"],
        history=tuple(history),
        gold=tuple(g for g in map(int, gold) if 0 <= g < len(passages)) if gold else tuple(range(len(passages))),
        split=str(row["split"]) if row.get("split") else None,
    )
