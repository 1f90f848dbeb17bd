"""Tables on a PDF page: rows of cells, from lines whose words stand in columns."""

import re
from collections.abc import Iterator, Sequence

from ingest.readers.pdf_layout import Part, cell_parts, joined
from ingest.readers.pdf_lines import Cell, Line, as_they_stand
from ingest.readers.tables import looks_like_header, table_lines

_COLUMN_SLACK = 6.0
# The rows of a table stand at most so many line heights apart.
_WIDEST_STEP = 4.0
_LEAST_STEPS = 2
# Dots lead to the page numbers of a table of contents.
_LEADERS = re.compile(r"(?:\. ?){5}")
_LONGEST_CELL = 25

Row = list[list[Part]]
"""The words of each cell of a row."""


def table_rows(lines: Sequence[Line]) -> list[Row] | None:
    """Return the cells of lines that stand in columns, or None where they are no table.

    A line that fills only some columns, and not the first, continues the row above it.
    """
    if len(lines) == 1 and lines[0].rows:
        return list(lines[0].rows)
    several = sum(len(line.cells) > 1 for line in lines)
    if len(lines) < 2 or any(line.rows for line in lines) or several < max(2, len(lines) * 2 // 3):
        return None
    widest = max(lines, key=lambda line: len(line.cells))
    starts = [cell.left for cell in widest.cells]
    ends = [cell.right for cell in widest.cells]
    rows: list[Row] = []
    for line in lines:
        row: Row = [[] for _ in starts]
        for cell in line.cells:
            column = _column(cell, starts, ends)
            if column is None:
                return None
            row[column] += cell_parts(cell, line, gap=" " if row[column] else "")
            starts[column], ends[column] = min(starts[column], cell.left), max(ends[column], cell.right)
        if rows and not row[0] and sum(map(bool, row)) < len(row):
            rows[-1] = [continued(above, here) for above, here in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    return rows if len(rows) > 1 else None


def continued(above: list[Part], here: list[Part]) -> list[Part]:
    """Return the words of a cell with those that continue it."""
    if above and here:
        first = here[0]
        return [*above, Part(first.text, " ", first.word, first.line), *here[1:]]
    return above or here


def _column(cell: Cell, starts: Sequence[float], ends: Sequence[float]) -> int | None:
    overlaps = [min(cell.right, end) - max(cell.left, start) for start, end in zip(starts, ends, strict=True)]
    best = max(range(len(starts)), key=overlaps.__getitem__)
    covered = sum(overlap > _COLUMN_SLACK for overlap in overlaps)
    return best if overlaps[best] > -_COLUMN_SLACK and covered < 2 else None


def table_runs(lines: Sequence[Line], *, apart: Sequence[bool]) -> list[int | None]:
    """Return for each line the number of the table that it is part of, None for lines of text.

    ``apart`` says which lines can be part of none, such as headings.
    """
    runs: list[int | None] = [None] * len(lines)
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and not apart[end] and _goes_on(lines, start, end):
            end += 1
        if end - start > 1 and table_rows(lines[start:end]):
            runs[start:end] = [start] * (end - start)
        start = max(end, start + 1)
    return runs


def _goes_on(lines: Sequence[Line], start: int, end: int) -> bool:
    line = lines[end]
    if (
        line.rows
        or _LEADERS.search(line.text)
        or (end > start and not 0 < lines[end - 1].bottom - line.bottom < _WIDEST_STEP * line.height)
    ):
        return False
    # A single cell that does not stand in the first column continues the row above it.
    return len(line.cells) > 1 or (end > start and line.left > lines[start].cells[1].left - _COLUMN_SLACK)


def by_rows(lines: list[Line]) -> list[Line]:
    """Return the lines with those of tables in rows, where the file has them cell by cell.

    Each step up and to the right begins another cell of a row. Two columns of text have but one such step, and
    far longer first cells.
    """
    steps = [number for number in range(len(lines) - 1) if _begins_cell(lines[number], lines[number + 1])]
    if len(steps) < _LEAST_STEPS:
        return lines
    found: list[Line] = []
    done = 0
    while steps:
        start = _row_start(lines, steps[0], done)
        end = steps.pop(0) + 1
        count = 1
        while steps and steps[0] - end < _LONGEST_CELL:
            end = steps.pop(0) + 1
            count += 1
        while end + 1 < len(lines) and _below(lines[end], lines[end + 1]):
            end += 1
        region = lines[start : end + 1]
        found += lines[done:start]
        found += as_they_stand(region) if count >= _LEAST_STEPS and _has_short_rows(region) else region
        done = end + 1
    return found + lines[done:]


def _begins_cell(line: Line, following: Line) -> bool:
    rise = following.bottom - line.bottom
    to_the_right = following.left > line.left + 2 * _COLUMN_SLACK
    return not line.rows and not following.rows and to_the_right and 0.5 * line.height < rise < 12 * line.height


def _below(line: Line, following: Line) -> bool:
    drop = line.bottom - following.bottom
    return 0 < drop < 2 * line.height and abs(line.left - following.left) < _COLUMN_SLACK and not following.rows


def _row_start(lines: Sequence[Line], step: int, first: int) -> int:
    """Return the first of the lines before a step that do not stand above the cell that it begins."""
    start = step
    top = lines[step + 1].top
    while start > first and not lines[start - 1].rows and (lines[start - 1].bottom + lines[start - 1].top) / 2 < top:
        start -= 1
    return start


def _has_short_rows(region: Sequence[Line]) -> bool:
    edge = min(line.left for line in region) + _COLUMN_SLACK
    first = [line.left < edge for line in region]
    begun = sum(here and not before for before, here in zip([False, *first], first, strict=False))
    return sum(first) <= 2 * begun


def told(rows: Sequence[Row]) -> tuple[list[str], list[Part]]:
    """Return the lines that tell a table, and the words of which they are made, in their order."""
    texts = [[joined(cell) for cell in row] for row in rows]
    header = len(texts[0]) > 2 and looks_like_header(texts)
    return table_lines(texts, header=header), list(_words(rows, header=header))


def _words(rows: Sequence[Row], *, header: bool) -> Iterator[Part]:
    for row in rows[1:] if header else rows:
        for name, cell in zip(rows[0], row, strict=False):
            if header and cell:
                yield from _label(name)
            yield from cell if header else _label(cell)


def _label(parts: list[Part]) -> list[Part]:
    """Return the words without the colon that ends them, for one is added to every label."""
    if not parts or not parts[-1].text.endswith(":"):
        return parts
    last = parts[-1]
    return [*parts[:-1], Part(last.text.rstrip(":"), last.gap, last.word, last.line)]
