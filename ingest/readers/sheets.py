"""Read spreadsheets (.xlsx, .xlsm, .xlsb, .xls): each sheet is a page under its name, each row a line.

The values are those that the spreadsheet program last computed; formulas are not read.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from ingest.readers.ole import is_locked
from ingest.readers.sections import TextBuilder
from ingest.readers.sheet_tables import MOST_CELLS, MOST_ROWS, Area, Sheet, SheetWriter
from ingest.readers.xlsx_parts import Formats, XlsxParts, examine_xlsx
from ingest.readers.zipped import Zipped
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_WHAT = "workbook"
_REMEDY = "Open it in a spreadsheet program, save it again as .xlsx and ingest it."
_ZIP = b"PK"

Value = int | float | str | bool | time | date | datetime | timedelta


def read_sheets(data: bytes, name: str) -> ExtractedText:
    """Read a workbook. Hidden sheets are kept and named as such; sheets of charts are left out."""
    if is_locked(data):
        raise _locked(name)
    parts = XlsxParts(data)
    if data.startswith(_ZIP):
        package = Zipped(data, name, what=_WHAT, remedy=_REMEDY)
        package.check()
        parts = examine_xlsx(data, package, name, remedy=_REMEDY)
    builder = TextBuilder()
    for note in parts.notes:
        builder.note(note)
    writer = SheetWriter(builder)
    with _translated_errors(name):
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(parts.data))
        known = [one for one in workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
        filled = 0
        for number, one in enumerate(known, start=1):
            sheet = workbook.get_sheet_by_name(one.name)
            rows, merged = _grid(sheet, parts.formats.get(one.name, {}))
            if any(map(any, rows)):
                filled += 1
                writer.add(Sheet(one.name, rows, merged, one.visible != SheetVisibleEnum.Visible), number)
    if not filled:
        left_out = f" ({'; '.join(parts.notes)})" if parts.notes else ""
        raise ReadError(
            f"{name} has {len(known)} sheets and nothing written in their cells{left_out}. "
            "Put values into it, or list it in .ragignore."
        )
    return builder.build(pages=len(known))


@contextmanager
def _translated_errors(name: str) -> Iterator[None]:
    try:
        yield
    except PasswordError as error:
        raise _locked(name) from error
    except (CalamineError, ValueError, OverflowError) as error:
        raise ReadError(f"{name} is damaged or no {_WHAT} ({error}). {_REMEDY}") from error
    except BaseException as error:
        # What Rust calls a panic comes as a BaseException of a module that cannot be imported.
        if type(error).__name__ == "PanicException":
            raise ReadError(f"{name} is damaged ({error}). {_REMEDY}") from error
        raise


def _locked(name: str) -> ReadError:
    return ReadError(f"{name} is password-protected. Remove the password, and ingest it again.")


def _grid(sheet: CalamineSheet, formats: Formats) -> tuple[list[list[str]], list[Area]]:
    """Return the shown values from the first cell that is filled on, and the merged areas counted from there."""
    start = sheet.start or (0, 0)
    most = min(MOST_ROWS + 1, MOST_CELLS // max(1, sheet.width) + 1)
    rows = [
        [_shown(value, formats, row, column) for column, value in enumerate(values, start[1])]
        for row, values in enumerate(sheet.to_python(skip_empty_area=True, nrows=most), start[0])
    ]
    merged = [
        (max(0, top - start[0]), max(0, left - start[1]), bottom - start[0], right - start[1])
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or []
        if bottom >= start[0] and right >= start[1]
    ]
    return rows, merged


def _shown(value: Value, formats: Formats, row: int, column: int) -> str:
    """Return a value as a reader of the sheet sees it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        special = formats.get((row, column)) if formats else None
        return special.show(value) if special else _number(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds").removesuffix(" 00:00:00").removesuffix(":00")
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")
    return value.isoformat().removesuffix(":00") if isinstance(value, time) else value.isoformat()


def _number(value: float) -> str:
    """Return a number as a sheet shows it: no decimals for a whole one, no more digits than it is exact to."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.15g}"
