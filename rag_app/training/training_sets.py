"""Training sets in a folder: JSON lines with the fields of the evaluation format, checked as they are read."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag_app.errors import DataError
from rag_app.json_lines import read_json_lines
from rag_app.training.evidence_data import Row

EVERY = ("question", "passages")
READING = (*EVERY, "answers", "answerable")
HOPS = (*EVERY, "answers", "gold_passages")
FIELDS = {
    "squad_v1_train": READING,
    "squad_v2_train_articles": (*READING, "article"),
    "unanswerable_questions": READING,
    "nq_qed_train": READING,
    "policyqa_train": READING,
    "qamr_devtest": READING,
    "subjqa_train": READING,
    "own_questions": READING,
    "dstc9_faq_grounded": (*EVERY, "answers"),
    "pubmedqa_train": (*EVERY, "label", "long_answer"),
    "2wiki_train500_migres": HOPS,
    "hotpot_train100_hippo": HOPS,
    "musique_train100_hippo": HOPS,
    "canard_dev_rewrite": ("question", "answers", "history"),
    "written_sentences": ("id", "text"),
}
"""What the rows of a set must have; those of any other have ``EVERY``."""
TYPES: Mapping[str, type] = {
    "id": str, "text": str, "question": str, "article": str, "label": str, "long_answer": str,
    "passages": list, "answers": list, "history": list, "gold_passages": list, "answerable": bool,
}  # fmt: skip
NOT_EMPTY = {"canard_dev_rewrite": ("answers",), "dstc9_faq_grounded": ("answers",), "pubmedqa_train": ("passages",)}
"""Lists that must hold something, beside the passages of reading sets."""


class TrainingSets:
    """The sets in a folder, by name without suffixes; a set that is not there has no rows."""

    def __init__(self, folder: Path, *, seed: int = 0, rows_per_set: int | None = None) -> None:
        """Look into a folder.

        Raises:
            DataError: there is no such folder.
        """
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder}. Name the one that holds the training sets.")
        self.folder = folder
        # Not what a writer of training data keeps beside its output: drafts, checkpoints.
        files = (p for p in sorted(folder.iterdir()) if p.name.endswith((".jsonl", ".jsonl.gz")) and p.is_file())
        self._files = {p.name.split(".")[0]: p for p in files}
        self._seed, self._most = seed, rows_per_set
        self._last: tuple[str, list[Row]] = ("", [])

    def read(self, name: str) -> list[Row]:
        """Return a set's rows; where ``rows_per_set`` was given, that many in a row, so that articles stay together.

        Raises:
            DataError: the file cannot be read, or a row is not what it must be.
        """
        if name != self._last[0]:
            # Several parts in a row are made of the largest set.
            self._last = (name, self._read_all(name))
        rows = self._last[1]
        if self._most is None or len(rows) <= self._most:
            return rows
        begin = random.Random(self._seed).randrange(len(rows) - self._most + 1)
        return rows[begin : begin + self._most]

    @property
    def names(self) -> list[str]:
        """The names of the sets that are there."""
        return list(self._files)

    def count(self) -> dict[str, int]:
        """Return how many rows are read of each set that is there.

        Raises:
            DataError: as ``read`` does.
        """
        return {name: len(self.read(name)) for name in self.names}

    def required(self, name: str, why: str) -> list[Row]:
        """Return the rows of a set that a task cannot do without.

        Raises:
            DataError: it is not there or empty; the message says ``why`` it is needed.
        """
        if rows := self.read(name):
            return rows
        raise DataError(
            f"{self.folder} lacks {name}.jsonl or .jsonl.gz, {why}. Put it there; its rows are like those of "
            f"data/questions.jsonl, with the fields: {', '.join(FIELDS.get(name, EVERY))}."
        )

    def _read_all(self, name: str) -> list[Row]:
        if name not in self._files:
            return []
        rows = []
        for line, row in read_json_lines(self._files[name]):
            if fault := find_fault(name, row):
                raise DataError(
                    f"{self._files[name]}, line {line}: {fault}. Each row needs the fields: "
                    f"{', '.join(FIELDS.get(name, EVERY))}; each passage a title and a text."
                )
            rows.append(row)
        return rows


def find_fault(name: str, row: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a row of a set, or None."""
    for field in FIELDS.get(name, EVERY):
        if not isinstance(row.get(field), TYPES[field]):
            return f"'{field}' is missing, or is no {TYPES[field].__name__}"
    for passage in row.get("passages") or []:
        if not (isinstance(passage, dict) and all(isinstance(passage.get(key), str) for key in ("title", "text"))):
            return "a passage has no title or no text"
    for field in ("answers", "history"):
        if not all(isinstance(item, str) for item in row.get(field) or []):
            return f"'{field}' holds what is no text"
    for field in (*NOT_EMPTY.get(name, ()), *(("passages",) if FIELDS.get(name) == READING else ())):
        if not row[field]:
            return f"'{field}' is empty"
    count = len(row.get("passages") or [])
    if not all(isinstance(i, int) and 0 <= i < count for i in row.get("gold_passages") or []):
        return "'gold_passages' names passages that are not there"
    return None
