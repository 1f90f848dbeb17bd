"""Make data/questions.jsonl from data/sources/questions.tsv and what the readers extract from the handbook.

    python data/make_questions.py [FILE]      FILE is data/questions.jsonl unless named

A row of the source names a document and a few words of it (its clue). The passage is the piece of the extracted
text in which they stand. Every document is cut into pieces in the same way, so two passages are the same or do
not overlap. To add a question, write a row and run this; do not move rows from one split to the other.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ingest.readers import read_document

DATA = Path(__file__).resolve().parent
HANDBOOK = DATA / "handbook"
SOURCE = DATA / "sources" / "questions.tsv"

# About 100 tokens: a passage must fit into one chunk, whatever the settings.
LONGEST_PIECE = 420


@cache
def pieces(document: str) -> tuple[str, ...]:
    """Return a document's extracted text cut at headings, and in long sections at paragraphs or rows."""
    extracted = read_document((HANDBOOK / document).read_bytes(), document)
    cut: list[str] = []
    for section in extracted.sections:
        cut.extend(_cut(extracted.text[section.start : section.end]))
    return tuple(cut)


def _cut(section: str) -> Iterator[str]:
    """Yield runs of whole lines that stay below the longest piece where the lines allow it."""
    start = 0
    end = 0
    for line in re.finditer(r"[^\n]+", section):
        # A heading or the sentence before a list or table stays with the line after it.
        leads = len(section[start:end]) < 60 or section[start:end].endswith(":")
        continues = line.group().startswith("    ")
        if end > start and line.end() - start > LONGEST_PIECE and not leads and not continues:
            yield section[start:end]
            start = line.start()
        end = line.end()
    yield section[start:end]


def find_piece(document: str, clue: str) -> str:
    """Return the one piece with a line that holds the clue's parts, which ``...`` separates, in this order.

    Raises:
        ValueError: no piece holds them, or more than one does.
    """
    parts = [re.escape(part.strip()) for part in clue.split("...") if part.strip()]
    pattern = re.compile(".*".join(parts))
    found = [piece for piece in pieces(document) if pattern.search(piece)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} pieces of {document} hold {clue!r}; a clue must fit one.")
    return found[0]


def questions() -> Iterator[dict[str, Any]]:
    """Yield the rows of data/questions.jsonl."""
    with SOURCE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            places = [tuple(place.split(" :: ", 1)) for place in row["places"].split(" && ")]
            answers = [answer.strip() for answer in row["answers"].split(" ;; ") if answer.strip()]
            yield {
                "id": row["id"],
                "question": row["question"],
                "passages": [{"title": document, "text": find_piece(document, clue)} for document, clue in places],
                "answers": answers,
                "answerable": bool(answers),
                "document": places[0][0],
                "kind": row["kind"],
                "split": row["split"],
            }


def main(file: Path) -> None:
    """Write every question as a line of JSON."""
    file.write_text("".join(f"{json.dumps(q, ensure_ascii=False)}\n" for q in questions()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "questions.jsonl")
