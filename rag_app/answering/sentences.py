"""Split a text into sentences with exact offsets.

sentencex finds the boundaries inside a paragraph; line breaks are boundaries where the text is a list, a
table or a heading, and mere wrapping where a paragraph goes on.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from sentencex import get_sentence_boundaries

ITEM = re.compile(r"\s*(?:[-*•–·▪]|\d{1,3}[.)]|[a-z]\)|\||#{1,6}\s|>)\s*")
FIELD = re.compile(r"[^\W\d][\w ./()-]{0,40}: ")
"""A row of a table or of settings, as in "Country: Norway"."""
ROW = re.compile(r"[^\W\d][\w ,./()+-]{0,40}: ")
"""The same with commas, as in "yellow, four times: tilt too large"; in wrapped text it may be mid-sentence."""
ORDINARY = re.compile(r"\b(?:[Mm]ay|[Nn]o|min|sec|Jan|Mar|Sept|Oct|Dec|art|ill|ore)\.\s+(?=[A-Z][a-z])")
"""Words that are abbreviations elsewhere, at the end of a sentence: "… the last frost in May. Garlic …"."""
HEADING_WORDS = 8
_SAYS_SOMETHING = re.compile(r"[-*+•–▪>]\s|.*(?:: |\s\S*\d)")
"""A line that is an item of a list, or names a value: "Annual leave: 25 days", "Data sheet HR20, revision F"."""
WRAPPED_FROM = 55
"""A line at least this long that does not end a sentence is taken to be wrapped."""


@lru_cache(maxsize=4096)
def split_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Return the (start, end) of every sentence, in order, without surrounding blanks."""
    spans = []
    for start, end in _paragraphs(text):
        block = text[start:end]
        for begin, end in _boundaries(block):
            low, high = start + begin, start + end
            piece = text[low:high]
            low += len(piece) - len(piece.lstrip())
            high -= len(piece) - len(piece.rstrip())
            if any(c.isalnum() for c in text[low:high]):
                spans.append((low, high))
    return tuple(spans)


def is_heading_line(text: str, low: int, high: int) -> bool:
    """Tell whether text[low:high] is a short first line above a paragraph, without a full stop: a heading."""
    line = text[low:high]
    if _SAYS_SOMETHING.match(line):
        return False
    first = not text[:low].strip("# \n")
    return first and text[high:].startswith("\n\n") and len(line.split()) <= HEADING_WORDS and line[-1:] not in ".!?:;"


def _boundaries(block: str) -> Iterator[tuple[int, int]]:
    for boundary in get_sentence_boundaries("en", block):
        begin, end = boundary["start_index"], boundary["end_index"]
        for found in ORDINARY.finditer(block, begin, end):
            yield begin, found.end()
            begin = found.end()
        yield begin, end


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = position = 0
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        position += len(line)
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if not _goes_on(line.rstrip(), following):
            yield start, position
            start = position
    if start < len(text):
        yield start, len(text)


def _goes_on(line: str, following: str) -> bool:
    """Tell whether a paragraph goes on in the following line."""
    if (
        not line.strip()
        or not following.strip()
        or ITEM.match(following)
        or FIELD.match(following)
        or "|" in line
        or "|" in following
    ):
        return False
    if len(line) < WRAPPED_FROM and ROW.match(following):
        return False
    if following[:1].islower():
        return True
    return len(line) >= WRAPPED_FROM and line[-1] not in ".!?:;"


def complete_sentences(text: str) -> int:
    """Return how much of a growing text, in characters, is whole sentences: all but the last one."""
    spans = split_sentences(text)
    return spans[-2][1] if len(spans) > 1 else 0
