"""Questions to begin with."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from rag_app.records import Document

_DATA = Path(__file__).resolve().parent.parent / "data"
_MOST_WRITTEN = 6
_MOST_MADE = 4


def example_questions(documents: Sequence[Document], data: Path = _DATA) -> list[str]:
    """Return a few questions that the documents can answer.

    Where most are the sample handbook they were written for it; for other documents they are made of the titles.
    """
    handbook = f"{data / 'handbook'}{os.sep}"
    in_handbook = sum(document.path.startswith(handbook) for document in documents)
    if 2 * in_handbook > len(documents):
        written = _written_examples(data / "examples.json")
        if written:
            return written[:_MOST_WRITTEN]
    titles = list(dict.fromkeys(document.title.strip() for document in documents if document.title.strip()))
    step = max(1, len(titles) // _MOST_MADE)
    return [f"What is said about “{title[:80]}”?" for title in titles[::step][:_MOST_MADE]]


def _written_examples(file: Path) -> list[str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    questions = found.get("questions") if isinstance(found, dict) else None
    return [question for question in questions if isinstance(question, str)] if isinstance(questions, list) else []
