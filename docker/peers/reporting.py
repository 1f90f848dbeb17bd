"""What every run of a peer tells about itself: how long it took, and how much of which files it has taken in."""

import json
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path


class Run:
    """One ingestion of a folder in a fresh process: ``python RUNNER FOLDER MODEL REPORT``.

    The clock starts when ``loaded`` is called, which is when the libraries and the model are.
    """

    def __init__(self) -> None:
        self.folder, self.model, self._report = (Path(argument) for argument in sys.argv[1:4])
        self.store = self._report.with_suffix(".store")
        self._started = 0.0
        self.files = sorted(path for path in self.folder.rglob("*") if path.is_file())

    def loaded(self) -> None:
        """Note that everything is loaded and the first file is about to be read."""
        self._started = time.perf_counter()

    def finish(self, version: str, chunks: Iterable[tuple[str, str]]) -> None:
        """Stop the clock and write what is stored: the file's path and the text of every chunk."""
        finished = time.perf_counter()
        number = characters = 0
        words: dict[str, set[str]] = {}
        for path, text in chunks:
            number += 1
            characters += len("".join(text.split()))
            words.setdefault(Path(path).name, set()).update(re.findall(r"\w+", text.lower()))
        told = {
            "version": version,
            "seconds": finished - self._started,
            "files": len(words),
            "chunks": number,
            "characters": characters,
            # Unlike characters, these do not depend on how much neighbouring chunks share.
            "words": sum(map(len, words.values())),
        }
        self._report.write_text(json.dumps(told), encoding="utf-8")
