"""Turn the grid of a sheet into text: the tables that it holds, one line a row with the names of the columns.

People put several tables, titles and remarks on one sheet. Empty rows part tables from each other, and so do
columns that are empty in all of their rows; rows with a single cell above a table are its title.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.tables import is_value, looks_like_header, table_lines

MOST_ROWS = 100_000
MOST_CELLS = 2_000_000
MOST_CHARACTERS = 20_000_000
_LONGEST_CELL = 32_767  # what Excel allows
_ROWS_TO_JUDGE = 20
_MOST_HEADER_ROWS = 3

Rows = list[list[str]]
# First row, first column, last row, last column; all counted from 0 and included.
Area = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as a grid of shown values; all rows are equally long, and ``merged`` areas lie within them."""

    name: str
    rows: Rows
    merged: Sequence[Area] = ()
    hidden: bool = False


@dataclass(slots=True)
class SheetWriter:
    """Adds the sheets of one workbook to a text, as long as the limits of a workbook allow."""

    builder: TextBuilder
    cells: int = 0
    characters: int = 0
    full: bool = False
    _names: dict[int, str] = field(default_factory=dict)

    def add(self, sheet: Sheet, number: int) -> None:
        """Add a sheet as page ``number``, under its name; what is too much is left out with a note."""
        if self.full:
            self.builder.note(f'sheet "{sheet.name}" left out: the workbook is too large')
            return
        rows = self._within_limits(sheet)
        merged = _fill_merged(rows, sheet.merged)
        self._names = {}
        self.builder.turn_page(number)
        self.builder.heading(1, sheet.name + (" (hidden sheet)" if sheet.hidden else ""))
        for block, top in _blocks(rows):
            for table, columns in _side_by_side(block):
                places = {column: place for place, column in enumerate(columns)}
                self._table(table, columns, {(row - top, places[col]) for row, col in merged if col in places})

    def _within_limits(self, sheet: Sheet) -> Rows:
        kept: Rows = []
        for row in islice(sheet.rows, MOST_ROWS):
            self.cells += sum(map(bool, row))
            self.characters += sum(map(len, row))
            if self.cells > MOST_CELLS or self.characters > MOST_CHARACTERS:
                self.full = True
                break
            kept.append([cell[:_LONGEST_CELL] for cell in row])
        if len(kept) < len(sheet.rows):
            self.builder.note(f'sheet "{sheet.name}" cut after {len(kept):,} of {len(sheet.rows):,} rows')
        return kept

    def _table(self, table: Rows, columns: Sequence[int], merged: set[tuple[int, int]]) -> None:
        """Add the title of a table, then its rows. A table without a header continues the one above it."""
        width = len(table[0])
        begin = 0
        while width > 1 and begin < len(table) and _is_title(table[begin], begin, merged):
            self.builder.block(one_line(next(filter(None, table[begin]))))
            begin += 1
        rows = table[begin:]
        if not rows:
            return
        length = _header_length(rows, {(row - begin, column) for row, column in merged})
        if width > 1 and self._names.keys() >= set(columns) and not _contrasts(rows):
            rows = [[self._names[column] for column in columns], *rows]
            length = 1
        elif length:
            names = _joined(rows[:length])
            self._names = dict(zip(columns, names, strict=True))
            rows = [names, *rows[length:]]
        self.builder.lines(table_lines(rows, header=bool(length)))


def _fill_merged(rows: Rows, merged: Sequence[Area]) -> set[tuple[int, int]]:
    """Write the value of each merged area into all of its cells; return those that repeat their left neighbour."""
    repeated: set[tuple[int, int]] = set()
    left = MOST_CELLS
    for top, first, bottom, last in merged:
        if top >= len(rows) or first >= len(rows[top]):
            continue
        value = rows[top][first]
        for row in range(top, min(bottom + 1, len(rows))):
            for column in range(first, min(last + 1, len(rows[row]))):
                left -= 1
                if left < 0:
                    return repeated
                rows[row][column] = value
                if column > first:
                    repeated.add((row, column))
    return repeated


def _blocks(rows: Rows) -> Iterator[tuple[Rows, int]]:
    """Yield runs of rows that are not empty, each with the number of its first row."""
    start: int | None = None
    for number, row in enumerate([*rows, []]):
        if any(row):
            start = number if start is None else start
        elif start is not None:
            yield rows[start:number], start
            start = None


def _side_by_side(block: Rows) -> Iterator[tuple[Rows, list[int]]]:
    """Yield the tables of a block that stand beside each other, each with the numbers of its columns.

    A gap parts two tables only if both have at least two rows and two columns; else it is a matter of layout.
    """
    used = [column for column in range(len(block[0])) if any(row[column] for row in block)]
    runs: list[list[int]] = []
    for column in used:
        if runs and runs[-1][-1] == column - 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    if len(block) < 2 or any(len(run) < 2 for run in runs):
        runs = [used]
    for run in runs:
        part = [[row[column] for column in run] for row in block]
        yield [row for row in part if any(row)], run


def _is_title(row: Sequence[str], number: int, merged: set[tuple[int, int]]) -> bool:
    """Whether a row holds one cell alone, which may span others."""
    return sum(1 for column, cell in enumerate(row) if cell and (number, column) not in merged) == 1


def _header_length(rows: Rows, merged: set[tuple[int, int]]) -> int:
    """Return how many rows at the top name the columns: one, or more under cells that span several columns."""
    length = 1
    while length < min(_MOST_HEADER_ROWS, len(rows) - 1) and any(
        (length - 1, column) in merged for column in range(len(rows[0]))
    ):
        length += 1
    sample = [_joined(rows[:length]), *rows[length : length + _ROWS_TO_JUDGE]]
    # Of two columns of words nobody can tell labels from names of columns; as labels, both are understood.
    credible = looks_like_header(sample) and (len(sample[0]) > 2 or _contrasts(sample))
    return length if credible else 0


def _joined(rows: Rows) -> list[str]:
    """Return one name a column from the rows of a header, from top to bottom and each word once."""
    return [" ".join(dict.fromkeys(filter(None, map(one_line, column)))) for column in zip(*rows, strict=True)]


def _contrasts(rows: Rows) -> bool:
    """Whether a first row of words stands over numbers, as the header of another table does."""
    if len(rows) < 2 or any(is_value(cell) for cell in rows[0]):
        return False
    below = [cell for row in rows[1:_ROWS_TO_JUDGE] for cell in row if cell]
    return sum(map(is_value, below)) * 4 >= len(below)
