"""Find where a text repeats another: runs of words that both have."""

import re
from collections.abc import Iterable

RUN_WORDS = 5
"""So many words in a row are rarely alike by chance. A shorter text is one run."""

# Scripts without spaces between words: there, a character is taken for a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")

Run = tuple[str, ...]


def runs_of(text: str) -> set[Run]:
    """Return all runs of words of a text, without regard to case and punctuation; none of one without words."""
    words = _words(text)
    if not words:
        return set()
    length = min(len(words), RUN_WORDS)
    return set(_runs(words, length))


def found_in(texts: Iterable[str], runs: set[Run]) -> set[Run]:
    """Return those of the runs that one of the texts has."""
    if not runs:
        return set()
    lengths = {len(run) for run in runs}
    found: set[Run] = set()
    for text in texts:
        words = _words(text)
        for length in lengths:
            found |= runs.intersection(_runs(words, length))
    return found


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _runs(words: list[str], length: int) -> Iterable[Run]:
    return zip(*(words[start:] for start in range(length)), strict=False)
