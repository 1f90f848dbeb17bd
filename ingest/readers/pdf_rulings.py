"""Tables whose cells are framed by lines: the grid is found from the lines, and each word put into its cell."""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from ingest.readers.pdf_layout import join_lines
from ingest.readers.pdf_lines import Frame, Line, Page, Word, as_they_stand, line_of_words
from ingest.readers.pdf_tables import Row, by_rows, continued

# Maps and drawings have more paths than any table, and each must be asked for.
_MOST_PATHS = 4_000
_MOST_POINTS = 12
_MOST_RULES = 3_000
_SLACK = 3.0
_LEAST_LENGTH = 6.0


class _Rule(NamedTuple):
    """A line from ``low`` to ``high`` at the height (or, if upright, the distance from the left) ``at``."""

    at: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Grid:
    """The heights and distances at which a table has rules, from the bottom and the left, and the rules."""

    xs: list[float]
    ys: list[float]
    level: list[_Rule]
    upright: list[_Rule]


def with_tables(read: Page, page: pypdfium2.PdfPage) -> Page:
    """Return the page with each ruled table made one line that holds its rows, and the others row by row."""
    if sum(len(line.cells) for line in read.lines) < 4:
        return read
    level, upright = _rules(page, read.frame)
    lines = read.lines
    for grid in _grids(level, upright):
        lines = _with_table(lines, grid)
    return Page(by_rows(lines), read.frame)


def _rules(page: pypdfium2.PdfPage, frame: Frame) -> tuple[list[_Rule], list[_Rule]]:
    level: list[_Rule] = []
    upright: list[_Rule] = []
    for (x0, y0), (x1, y1) in _strokes(page, frame):
        if abs(y1 - y0) < 1.0 and abs(x1 - x0) > _LEAST_LENGTH:
            level.append(_Rule((y0 + y1) / 2, min(x0, x1), max(x0, x1)))
        elif abs(x1 - x0) < 1.0 and abs(y1 - y0) > _LEAST_LENGTH:
            upright.append(_Rule((x0 + x1) / 2, min(y0, y1), max(y0, y1)))
        if len(level) + len(upright) > _MOST_RULES:
            return [], []
    return level, upright


_Point = tuple[float, float]


def _strokes(page: pypdfium2.PdfPage, frame: Frame) -> Iterator[tuple[_Point, _Point]]:
    x, y, matrix = ctypes.c_float(), ctypes.c_float(), pdfium.FS_MATRIX()
    count = pdfium.FPDFPage_CountObjects(page.raw)
    for index in range(min(count, _MOST_PATHS)):
        path = pdfium.FPDFPage_GetObject(page.raw, index)
        if not path or pdfium.FPDFPageObj_GetType(path) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        points = pdfium.FPDFPath_CountSegments(path)
        if not 2 <= points <= _MOST_POINTS or not pdfium.FPDFPageObj_GetMatrix(path, ctypes.byref(matrix)):
            continue
        first = last = (0.0, 0.0)
        for number in range(points):
            segment = pdfium.FPDFPath_GetPathSegment(path, number)
            pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
            across = matrix.a * x.value + matrix.c * y.value + matrix.e
            up = matrix.b * x.value + matrix.d * y.value + matrix.f
            here = frame.place(across, up, across, up)[:2]
            kind = pdfium.FPDFPathSegment_GetType(segment)
            if kind == pdfium.FPDF_SEGMENT_MOVETO:
                first = here
            elif kind == pdfium.FPDF_SEGMENT_LINETO:
                yield last, here
            if pdfium.FPDFPathSegment_GetClose(segment):
                yield here, first
            last = here


def _grids(level: list[_Rule], upright: list[_Rule]) -> Iterator[_Grid]:
    """Yield the grids of rules that touch each other and make more than one row and one column."""
    groups: list[tuple[list[_Rule], list[_Rule]]] = [([rule], []) for rule in level]
    for rule in upright:
        crossed = [group for group in groups if any(_cross(one, rule) for one in group[0])]
        joined: tuple[list[_Rule], list[_Rule]] = ([], [rule])
        for group in crossed:
            joined[0].extend(group[0])
            joined[1].extend(group[1])
        groups = [group for group in groups if group not in crossed] + [joined]
    for rows, columns in groups:
        xs, ys = _distinct([rule.at for rule in columns]), _distinct([rule.at for rule in rows])
        if len(xs) > 2 and len(ys) > 2:
            yield _Grid(xs, ys, rows, columns)


def _cross(level: _Rule, upright: _Rule) -> bool:
    return (
        level.low - _SLACK <= upright.at <= level.high + _SLACK
        and upright.low - _SLACK <= level.at <= upright.high + _SLACK
    )


def _distinct(values: list[float]) -> list[float]:
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > _SLACK:
            found.append(value)
    return found


def _with_table(lines: list[Line], grid: _Grid) -> list[Line]:
    inside: dict[tuple[int, int], list[Line]] = {}
    left: list[Line] = []
    place: int | None = None
    for line in lines:
        words = [word for cell in line.cells for word in cell.words]
        cells = [_cell_of((word.left + word.right) / 2, (line.bottom + line.top) / 2, grid) for word in words]
        if line.rows is not None or not any(cells):
            left.append(line)
            continue
        place = len(left) if place is None else place
        for cell in sorted({cell for cell in cells if cell}):
            members = [word for word, its in zip(words, cells, strict=True) if its == cell]
            inside.setdefault(cell, []).append(_part_of(line, members))
        outside = [word for word, its in zip(words, cells, strict=True) if not its]
        if outside:
            left.append(_part_of(line, outside))
    if place is None or len({cell[1] for cell in inside}) < 2 or len({cell[0] for cell in inside}) < 2:
        return lines
    return [*left[:place], _table(inside, grid), *left[place:]]


def _part_of(line: Line, words: Sequence[Word]) -> Line:
    return line_of_words([words[0]._replace(spaced=True), *words[1:]], line.bottom, line.top)


def _cell_of(x: float, y: float, grid: _Grid) -> tuple[int, int] | None:
    """Return the row, from the top, and the column of the cell at a place."""
    if not (grid.xs[0] < x < grid.xs[-1] and grid.ys[0] < y < grid.ys[-1]):
        return None
    column = sum(at < x for at in grid.xs) - 1
    row = len(grid.ys) - 1 - sum(at < y for at in grid.ys)
    return row, column


def _table(inside: dict[tuple[int, int], list[Line]], grid: _Grid) -> Line:
    rows: list[Row] = [[[] for _ in grid.xs[1:]] for _ in grid.ys[1:]]
    spans: set[int] = set()
    for members in _merged(grid):
        lines = as_they_stand([line for cell in members for line in inside.get(cell, [])])
        if not lines:
            continue
        # Beyond every line's end nothing has room: within a cell each line was wrapped.
        parts = join_lines(lines, right_edge=float("-inf"), vocabulary=frozenset())
        for row, column in members:
            # Each row is told by itself, so what spans several of them is told in each.
            rows[row][column] = parts
        spans.update(row for row, column in members if (row, column + 1) in members)
    rows = [row for row in rows if any(row)]
    words = " ".join(line.text for cell in sorted(inside) for line in inside[cell])
    low, high = grid.ys[0], grid.ys[-1]
    return Line(words, (), grid.xs[0], grid.xs[-1], low, high, 0.0, False, tuple(_one_header(rows, spans)))


def _one_header(rows: list[Row], spans: set[int]) -> list[Row]:
    """Join a first row that names groups of columns to the second one, which names the columns."""
    if 0 not in spans or len(rows) < 3:
        return rows
    pairs = zip(rows[0], rows[1], strict=True)
    names = [above if above is below else continued(above, below) for above, below in pairs]
    return [names, *rows[2:]]


def _merged(grid: _Grid) -> list[list[tuple[int, int]]]:
    """Return the cells of the grid, those together between which there is no rule."""
    rows, columns = len(grid.ys) - 1, len(grid.xs) - 1
    group = {(row, column): [(row, column)] for row in range(rows) for column in range(columns)}
    for row in range(rows):
        bottom, top = grid.ys[rows - row - 1], grid.ys[rows - row]
        for column in range(columns):
            left, right = grid.xs[column], grid.xs[column + 1]
            if column + 1 < columns and not _has(grid.upright, right, (bottom + top) / 2):
                _join(group, (row, column), (row, column + 1))
            if row + 1 < rows and not _has(grid.level, bottom, (left + right) / 2):
                _join(group, (row, column), (row + 1, column))
    return [members for cell, members in group.items() if members[0] == cell]


def _join(group: dict[tuple[int, int], list[tuple[int, int]]], one: tuple[int, int], other: tuple[int, int]) -> None:
    if group[one] is group[other]:
        return
    members = sorted([*group[one], *group[other]])
    for cell in members:
        group[cell] = members


def _has(rules: Sequence[_Rule], at: float, along: float) -> bool:
    return any(abs(rule.at - at) <= _SLACK and rule.low - _SLACK <= along <= rule.high + _SLACK for rule in rules)
