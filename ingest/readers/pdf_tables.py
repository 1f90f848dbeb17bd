"""Tables on a PDF page: rows of cells, from lines whose words stand in columns."""

from collections.abc import Iterator, Sequence

from ingest.readers.pdf_characters import Cell, Line
from ingest.readers.pdf_layout import Part, cell_parts, joined
from ingest.readers.tables import looks_like_header, table_lines

_COLUMN_SLACK = 6.0

Row = list[list[Part]]
"""The words of each cell of a row."""


def table_rows(lines: Sequence[Line]) -> list[Row] | None:
    """Return the cells of lines that stand in columns, or None where they are no table.

    A line that fills only some columns, and not the first, continues the row above it.
    """
    if len(lines) < 2 or sum(len(line.cells) > 1 for line in lines) < max(2, len(lines) * 2 // 3):
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
            rows[-1] = [_continued(above, here) for above, here in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    return rows if len(rows) > 1 else None


def _continued(above: list[Part], here: list[Part]) -> list[Part]:
    if above and here:
        first = here[0]
        return [*above, Part(first.text, " ", first.word, first.line), *here[1:]]
    return above or here


def _column(cell: Cell, starts: Sequence[float], ends: Sequence[float]) -> int | None:
    overlaps = [min(cell.right, end) - max(cell.left, start) for start, end in zip(starts, ends, strict=True)]
    best = max(range(len(starts)), key=overlaps.__getitem__)
    return best if overlaps[best] > -_COLUMN_SLACK else None


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
