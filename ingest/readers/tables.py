"""Turn the rows of a table into lines that each can be understood alone."""

import re
from collections.abc import Sequence

from ingest.readers.sections import one_line

_VALUE = re.compile(r"[\d\s.,:/%+\-–()€$£]*\d[\d\s.,:/%+\-–()€$£]*")
_YEAR = re.compile(r"(?:19|20)\d\d")


def table_lines(rows: Sequence[Sequence[str]], *, header: bool | None = None) -> list[str]:
    """Return one line a row: ``column: value; column: value`` under a header, else ``label: value``.

    ``header`` says whether the first row names the columns; None leaves it to be guessed.
    Empty cells are left out, and so is the header itself unless it is the only row.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        return []
    columns = max(map(len, cells))
    if header is None:
        header = columns > 2 and looks_like_header(cells)
    if header and len(cells) > 1:
        names = cells[0] + [""] * (columns - len(cells[0]))
        return [_named(names, row) for row in cells[1:]]
    if columns == 2:
        return [": ".join(filter(None, (row[0].rstrip(":"), *row[1:]))) for row in cells]
    return ["; ".join(filter(None, row)) for row in cells]


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Guess whether the first of these rows names columns: all different words, or years over other figures."""
    if len(rows) < 2:
        return False
    first = [cell.strip() for cell in rows[0]]
    named = [cell for cell in first if cell]
    if len(named) < max(1, len(first) - 1) or len(set(named)) < len(named):
        return False
    if any(len(cell) > 80 for cell in named):
        return False
    values = [column for column, cell in enumerate(first) if is_value(cell)]
    return not values or _years_name_columns(rows, values)


def _years_name_columns(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    """Whether these cells of the first row are years, several and next to a word, over cells that are not."""
    if not 1 < len(columns) < len(rows[0]) or not all(_YEAR.fullmatch(rows[0][column].strip()) for column in columns):
        return False
    below = [row[column].strip() for row in rows[1:] for column in columns if column < len(row)]
    return any(is_value(cell) and not _YEAR.fullmatch(cell) for cell in below)


def is_value(cell: str) -> bool:
    """Whether a cell holds a number, an amount or a date in figures."""
    return bool(_VALUE.fullmatch(cell.strip()))


def _named(names: Sequence[str], row: Sequence[str]) -> str:
    pairs = (f"{name.rstrip(':')}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell)
    return "; ".join(pairs)
