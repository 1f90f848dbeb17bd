"""Write the lines of pages into one text: paragraphs, tables and headings, and where their words stand."""

import re
from collections.abc import Sequence
from statistics import median

from ingest.readers.pdf_layout import Part, join_lines, joined, line_parts, paragraphs
from ingest.readers.pdf_lines import LEVEL, Frame, Line, Page
from ingest.readers.pdf_places import Sheet, place
from ingest.readers.pdf_tables import table_rows, table_runs, told
from ingest.readers.sections import TextBuilder, one_line
from rag_app.records import TextBox

_HEADING_SCALE = 1.12
_LONGEST_HEADING = 120
# From here on a line has one box: the boxes of the words would take more memory than their text.
_MANY_LINES = 60_000

Outline = dict[int, list[tuple[int, str]]]
"""The entries of an outline (level, title) by page number from 0."""


class Author:
    """Adds the lines of pages to a text, and keeps where its words stand."""

    def __init__(self, vocabulary: frozenset[str], right_edges: Sequence[float]) -> None:
        self.builder = TextBuilder()
        self.boxes: list[TextBox] = []
        self._vocabulary = vocabulary
        self._right_edges = right_edges
        self._sheet = Sheet(0, LEVEL)

    def turn_page(self, page: int, frame: Frame) -> None:
        """Say that what follows is on this page, counted from 1."""
        self._sheet = Sheet(page, frame, coarse=len(self._right_edges) > _MANY_LINES)
        self.builder.turn_page(page)

    def heading(self, level: int, lines: Sequence[Line]) -> None:
        parts = [part for line in lines for part in line_parts(line, gap=" ")]
        self.builder.heading(level, joined(parts))
        self._keep(parts)

    def block(self, lines: Sequence[Line]) -> None:
        rows = table_rows(lines)
        if rows:
            texts, parts = told(rows)
            self.builder.lines(texts)
        else:
            parts = join_lines(lines, right_edge=self._right_edge(lines), vocabulary=self._vocabulary)
            self.builder.block(joined(parts))
        self._keep(parts)

    def _keep(self, parts: Sequence[Part]) -> None:
        start, text = self.builder.last
        if not self.boxes or start >= self.boxes[-1].end:
            self.boxes.extend(place(parts, text, start=start, sheet=self._sheet))

    def _right_edge(self, lines: Sequence[Line]) -> float:
        """Return where this paragraph's lines wrap: its own longest line, or the page's when it has but two."""
        own = max(line.right for line in lines)
        return own if len(lines) > 2 else max(own, self._right_edges[int(len(self._right_edges) * 0.9)])


def write_pages(pages: Sequence[Page], outline: Outline) -> "Author":
    """Add every page to one text, in paragraphs and tables, under the outline's headings or those in large type."""
    every_line = [line for page in pages for line in page.lines]
    vocabulary = frozenset(word for line in every_line for word in re.findall(r"\w+(?:-\w+)*", line.text.lower()))
    author = Author(vocabulary, sorted(line.right for line in every_line))
    if not every_line:
        return author
    heights = [line.height for line in every_line if not line.rows for _ in range(len(line.text) // 20 + 1)]
    body_height = median(heights) if heights else 1.0
    levels = _heading_levels(every_line, body_height) if not outline else {}
    for number, page in enumerate(pages):
        author.turn_page(number + 1, page.frame)
        marks = [_heading(line, outline.get(number, ()), levels, body_height) for line in page.lines]
        for level, title in outline.get(number, ()):
            if (level, title) not in marks:
                author.builder.enter(level, title)
        tables = table_runs(page.lines, apart=[mark is not None for mark in marks])
        levels_of = [mark[0] if mark else None for mark in marks]
        for group in paragraphs(page.lines, levels=levels_of, tables=tables):
            mark = marks[group[0]]
            members = [page.lines[i] for i in group]
            if mark is None:
                author.block(members)
            else:
                author.heading(mark[0], members)
    return author


def _heading_levels(lines: Sequence[Line], body_height: float) -> dict[int, int]:
    """Rank the sizes of large type: the largest is level 1. Keys are heights in half points."""
    sizes = {round(2 * line.height) for line in lines if not line.rows and line.height > _HEADING_SCALE * body_height}
    return {size: level for level, size in enumerate(sorted(sizes, reverse=True), start=1)}


def _heading(
    line: Line, entries: Sequence[tuple[int, str]], levels: dict[int, int], body_height: float
) -> tuple[int, str] | None:
    if line.rows:
        return None
    text = one_line(line.text)
    for entry in entries:
        if text == entry[1] or re.sub(r"^[\dA-Z.]+\s+", "", text) == entry[1]:
            return entry
    large = line.height > _HEADING_SCALE * body_height and len(text) <= _LONGEST_HEADING and any(map(str.isalpha, text))
    return (min(levels[round(2 * line.height)], 6), text) if large and levels else None
