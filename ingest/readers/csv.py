"""Read CSV and TSV: each row becomes a line that names its columns."""

import csv
import io
from pathlib import PurePath

from ingest.readers.sections import TextBuilder
from ingest.readers.tables import looks_like_header, table_lines
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_LONGEST_CELL = 10_000_000
_ROWS_TO_JUDGE = 20


def read_csv(data: bytes, name: str) -> ExtractedText:
    """Read a table; its first row names the columns unless it holds numbers or repeats itself."""
    text = decode(data, name)
    csv.field_size_limit(_LONGEST_CELL)
    delimiter = "\t" if PurePath(name).suffix.lower() == ".tsv" else _delimiter(text)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise ReadError(f"{name} is not well-formed CSV ({error}). Export it again, with quoted cells.") from error
    builder = TextBuilder()
    builder.lines(table_lines(rows, header=looks_like_header(rows)))
    return builder.build()


def _delimiter(text: str) -> str:
    """Choose the delimiter under which the first rows have the same, and the largest, number of columns."""
    best, best_score = ",", 0.0
    sample = text[:100_000]
    for delimiter in ",;\t|":
        try:
            reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
            widths = [len(row) for row, _ in zip(reader, range(_ROWS_TO_JUDGE), strict=False) if row]
        except csv.Error:
            continue
        usual = max(set(widths), key=widths.count, default=1)
        score = widths.count(usual) / max(1, len(widths)) if usual > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best
