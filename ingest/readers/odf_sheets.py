"""The sheets of an OpenDocument spreadsheet, whose cells hold their values as they are shown."""

from collections.abc import Iterator
from typing import Any

from ingest.readers.odf_styles import Styles
from ingest.readers.odf_text import OFFICE, TABLE, TEXT, Words, repeated
from ingest.readers.sections import TextBuilder
from ingest.readers.sheet_tables import MOST_ROWS, Area, Rows, Sheet

_MOST_COLUMNS = 1_000
# A row that stands for more than this many equal ones is the empty rest of a sheet.
_MOST_EQUAL_ROWS = 1_000


def sheets_of(content: Any, styles: Styles, builder: TextBuilder) -> Iterator[Sheet]:
    """Yield the sheets of a spreadsheet in their order."""
    for table in content.iterchildren(f"{TABLE}table"):
        name = table.get(f"{TABLE}name") or "Sheet"
        rows, merged, cut = _grid(table, styles)
        if cut:
            builder.note(f'sheet "{name}" cut after {len(rows):,} rows')
        yield Sheet(name, rows, merged, hidden=styles.is_hidden(table.get(f"{TABLE}style-name")))


def _grid(table: Any, styles: Styles) -> tuple[Rows, list[Area], bool]:
    rows: Rows = []
    merged: list[Area] = []
    for row in table.iter(f"{TABLE}table-row"):
        cells = _row(row, len(rows), merged, styles)
        times = repeated(row, f"{TABLE}number-rows-repeated", _MOST_EQUAL_ROWS)
        rows.extend([list(cells) for _ in range(times if any(cells) else min(times, 2))])
        if len(rows) > MOST_ROWS:
            return _even(rows[:MOST_ROWS]), merged, True
    return _even(rows), merged, False


def _row(row: Any, number: int, merged: list[Area], styles: Styles) -> list[str]:
    values: list[str] = []
    empty = 0  # cells that are only written if one with a value follows
    for cell in row:
        if cell.tag not in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            continue
        place = len(values) + empty
        across = repeated(cell, f"{TABLE}number-columns-spanned", _MOST_COLUMNS)
        down = repeated(cell, f"{TABLE}number-rows-spanned", MOST_ROWS)
        if across > 1 or down > 1:
            merged.append((number, place, number + down - 1, place + across - 1))
        times = min(repeated(cell, f"{TABLE}number-columns-repeated", _MOST_COLUMNS), _MOST_COLUMNS - place)
        text = _shown(cell, styles) if cell.tag == f"{TABLE}table-cell" else ""
        if text:
            values.extend([""] * empty + [text] * times)
            empty = 0
        else:
            empty += times
    return values


def _shown(cell: Any, styles: Styles) -> str:
    lines: list[str] = []
    for paragraph in cell.iterchildren(f"{TEXT}p"):
        if not len(paragraph):
            lines.append((paragraph.text or "").strip())
            continue
        words = Words(styles)
        words.add(paragraph, notes_before=0)
        lines.append(words.text.strip())
    return " ".join(filter(None, lines)) or cell.get(f"{OFFICE}value") or cell.get(f"{OFFICE}date-value") or ""


def _even(rows: Rows) -> Rows:
    """Return the rows, all as long as the longest."""
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]
