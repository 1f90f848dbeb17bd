"""Where the words of a text stand on the pages they were read from.

Words that stand in a row become one box as long as their places can be told from their offsets in it, so that a page
needs few boxes, and a box can be cut to any part of its text.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ingest.readers.pdf_layout import Part
from ingest.readers.pdf_lines import Frame, Line, Word
from ingest.readers.sections import clean
from rag_app.records import TextBox

# How far, in line heights, a word may be from where its offset in a box puts it.
_TOLERANCE = 0.3
_COARSE = 1e6
# Cleaning may leave out at most so many characters between two words of a block.
_WINDOW = 8
# Finer steps would take room in the library and show no difference: a third of a point across a page.
_STEPS = 2000


class _Span(NamedTuple):
    start: int
    end: int
    word: Word
    line: Line


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page that words are placed on: its number from 1, its frame, and whether each line may be but one box."""

    number: int
    frame: Frame
    coarse: bool = False


def place(parts: Iterable[Part], text: str, *, start: int, sheet: Sheet) -> Iterator[TextBox]:
    """Yield the boxes of a block ``text``, which begins at the offset ``start`` and was made of ``parts``."""
    tolerance = _COARSE if sheet.coarse else _TOLERANCE
    run: list[_Span] = []
    low, high = 0.0, 0.0
    for span in _spans(parts, text, start):
        slack = tolerance * span.line.height
        # Text that does not run from left to right on the page as shown is placed word by word: it could not be cut.
        if run and not sheet.frame.turns and span.line is run[0].line and span.word.left >= run[-1].word.left:
            first = run[0]
            width = span.start - first.start
            low = max(low, (span.word.left - slack - first.word.left) / width)
            high = min(high, (span.word.left + slack - first.word.left) / width)
            if low <= (span.word.right - first.word.left) / (span.end - first.start) <= high:
                run.append(span)
                width = span.end - first.start
                low = max(low, (span.word.right - slack - first.word.left) / width)
                high = min(high, (span.word.right + slack - first.word.left) / width)
                continue
        if run:
            yield _box(run, sheet)
        run = [span]
        width, reach = span.end - span.start, span.word.right - span.word.left
        low, high = (reach - slack) / width, (reach + slack) / width
    if run:
        yield _box(run, sheet)


def _spans(parts: Iterable[Part], text: str, start: int) -> Iterator[_Span]:
    cursor = 0
    for part in parts:
        word = part.text if part.text.isascii() else clean(part.text)
        at = text.find(word, cursor, cursor + len(word) + _WINDOW) if word else -1
        if at >= 0:
            cursor = at + len(word)
            yield _Span(start + at, start + cursor, part.word, part.line)


def _box(run: Sequence[_Span], sheet: Sheet) -> TextBox:
    line = run[0].line
    shares = sheet.frame.shares(run[0].word.left, line.bottom, run[-1].word.right, line.top)
    left, top, right, bottom = (round(share * _STEPS) / _STEPS for share in shares)
    return TextBox(run[0].start, run[-1].end, sheet.number, left, top, right, bottom)


def boxes_of(boxes: Sequence[TextBox], start: int, end: int) -> list[TextBox]:
    """Return where ``text[start:end]`` stands: the boxes of a document, in order, cut to it and joined to lines."""
    found: list[TextBox] = []
    first = max(bisect_right(boxes, start, key=lambda box: box.start) - 1, 0)
    for box in boxes[first:]:
        if box.start >= end:
            break
        if box.end > start:
            part = _cut(box, max(start, box.start), min(end, box.end))
            around = _joined(found[-1], part) if found else None
            if around:
                found[-1] = around
            else:
                found.append(part)
    return found


def _cut(box: TextBox, start: int, end: int) -> TextBox:
    length = box.end - box.start
    if end - start == length or box.bottom - box.top > 3 * (box.right - box.left):
        # Higher than wide: a word that runs up or down the page, nobody knows which.
        return box
    width = box.right - box.left
    left, right = (box.left + (offset - box.start) / length * width for offset in (start, end))
    return replace(box, start=start, end=end, left=left, right=right)


def _joined(one: TextBox, other: TextBox) -> TextBox | None:
    """Return the box around two that stand beside each other on a line, or one above the other in a turned one."""
    if one.page != other.page:
        return None
    left, right = min(one.left, other.left), max(one.right, other.right)
    top, bottom = min(one.top, other.top), max(one.bottom, other.bottom)
    widths = (one.right - one.left, other.right - other.left)
    heights = (one.bottom - one.top, other.bottom - other.top)
    level = bottom - top < 0.6 * sum(heights) and right - left < sum(widths) + sum(heights)
    turned = all(height > width for height, width in zip(heights, widths, strict=True))
    upright = turned and right - left < 0.6 * sum(widths) and bottom - top < sum(heights) + sum(widths)
    if not level and not upright:
        return None
    return TextBox(one.start, other.end, one.page, left, top, right, bottom)
