"""Read CSV and TSV: each row becomes a line that names its columns."""

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import PurePath

from ingest.readers.sections import TextBuilder
from ingest.readers.tables import looks_like_header, table_lines
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_LONGEST_CELL = 10_000_000
_ROWS_TO_JUDGE = 20
_SAMPLE_CHARACTERS = 100_000
# A cell of more lines than this, in a file that has few others, began with a quote that nobody closed.
_MOST_LINES_IN_CELL = 200
_MOST_LINES_ABOVE = 10
_SEPARATOR = re.compile(r"\Asep=(.)\r?\n", re.IGNORECASE)


def read_csv(data: bytes, name: str) -> ExtractedText:
    """Read a table; its first row names the columns unless it holds numbers or repeats itself.

    Lines above the table that have but one cell, such as the title of a report, are kept as they are.

    Raises:
        ReadError: it is no text, or a cell is larger than any.
    """
    text = decode(data, name).replace("\0", "")
    try:
        rows = table_rows(text, delimiter="\t" if PurePath(name).suffix.lower() == ".tsv" else None)
    except csv.Error as error:
        raise ReadError(f"{name} is not well-formed CSV ({error}). Export it again, with quoted cells.") from error
    above = _rows_above(rows)
    table = rows[above:]
    builder = TextBuilder()
    builder.lines([" ".join(row) for row in rows[:above]])
    builder.lines(table_lines(table, header=looks_like_header(table)))
    return builder.build()


def table_rows(text: str, *, delimiter: str | None = None) -> list[list[str]]:
    """Return the rows that are not blank, cut at ``delimiter``, or at the one that fits best.

    Raises:
        csv.Error: a cell has more than ten million characters.
    """
    csv.field_size_limit(_LONGEST_CELL)
    named = _SEPARATOR.match(text)
    if named:
        text, delimiter = text[named.end() :], named.group(1)
    delimiter = delimiter or _delimiter(text)
    rows = _parsed(text, delimiter, quoted=True)
    if any(cell.count("\n") > _MOST_LINES_IN_CELL + 2 * len(rows) for row in rows for cell in row):
        rows = _parsed(text, delimiter, quoted=False)
    return rows


def _parsed(text: str, delimiter: str, *, quoted: bool) -> list[list[str]]:
    lines = io.StringIO(text, newline="")
    if quoted:
        reader = csv.reader(lines, delimiter=delimiter)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return [row for row in reader if any(map(str.strip, row))]


def _rows_above(rows: Sequence[Sequence[str]]) -> int:
    """Return how many rows stand above the table: those with one cell filled, above rows with several."""
    filled = (sum(1 for cell in row if cell.strip()) for row in islice(rows, _MOST_LINES_ABOVE))
    return next((number for number, cells in enumerate(filled) if cells > 1), 0)


def _delimiter(text: str) -> str:
    """Choose the delimiter under which the first rows have the same, and the largest, number of columns."""
    best, best_score = ",", 0.0
    sample = text[:_SAMPLE_CHARACTERS]
    for delimiter in ",;\t|":
        try:
            reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
            widths = [len(row) for row in islice(reader, _ROWS_TO_JUDGE) if row]
        except csv.Error:
            continue
        usual = max(set(widths), key=widths.count, default=1)
        score = widths.count(usual) / max(1, len(widths)) if usual > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best
