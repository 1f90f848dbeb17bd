"""What the parts of an .xlsx file tell beyond its values: how numbers are shown, and how far the sheets reach.

python-calamine yields values without their formats, and reserves memory for the whole rectangle from the first to
the last cell that is filled, which a single stray cell makes as large as the sheet can be.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.readers.markup import local_name, parse_xml
from ingest.readers.number_formats import NumberFormat, number_format
from ingest.readers.sheet_tables import MOST_ROWS
from ingest.readers.zipped import Zipped

# Calamine takes 32 bytes for each cell of the rectangle, filled or not.
_LARGEST_RECTANGLE = 8_000_000
_ROW = re.compile(rb'<((?:\w+:)?)row\b[^>]*?\br="(\d{1,7})"')
_COLUMN = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})\d')
_STYLED = re.compile(rb'<(?:\w+:)?c r="([A-Z]{1,3})(\d{1,7})"(?: t="\w+")? s="(\d{1,5})"')
_CELL = re.compile(rb'<((?:\w+:)?)c\b[^>]*?\br="([A-Z]{1,3})\d+"[^>]*?(?:/>|>.*?</\1c>)', re.DOTALL)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

Formats = dict[tuple[int, int], NumberFormat]


@dataclass(slots=True)
class XlsxParts:
    """``data`` is the workbook with its sheets cut to what can be read; ``formats`` are those of special cells."""

    data: bytes
    formats: dict[str, Formats] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def examine_xlsx(data: bytes, package: Zipped, name: str, *, remedy: str) -> XlsxParts:
    """Look through the sheets of a workbook.

    Raises:
        ReadError: a part is damaged.
    """
    result = XlsxParts(data)
    styles = _styles(package, name, remedy)
    replaced: dict[str, bytes] = {}
    for sheet, member in _sheet_members(package, name, remedy):
        content = package.read(member)
        within = _within_limits(content, sheet, result.notes)
        if within is not content:
            replaced[member] = within
        if styles:
            result.formats[sheet] = _special_formats(within, styles)
    if replaced:
        result.data = _with_members(package, replaced)
    return result


def _sheet_members(package: Zipped, name: str, remedy: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each sheet and the part that holds it."""
    book, links = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    if book not in package or links not in package:
        return
    relations = parse_xml(package.read(links), name, part=links, remedy=remedy)
    targets = {link.get("Id"): link.get("Target") or "" for link in relations}
    for sheet in parse_xml(package.read(book), name, part=book, remedy=remedy).iter("{*}sheet"):
        target = targets.get(sheet.get(_RELATION) or sheet.get(_STRICT_RELATION)) or ""
        member = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        if member in package:
            yield sheet.get("name") or "", member


def _styles(package: Zipped, name: str, remedy: str) -> dict[int, NumberFormat]:
    """Return the formats that show a number otherwise than as its plain value, by the number of the style."""
    part = "xl/styles.xml"
    if part not in package:
        return {}
    root = parse_xml(package.read(part), name, part=part, remedy=remedy)
    codes = {one.get("numFmtId"): one.get("formatCode") or "" for one in root.iter("{*}numFmt")}
    styles: dict[int, NumberFormat] = {}
    for group in (child for child in root if local_name(child) == "cellXfs"):
        for number, style in enumerate(group):
            identifier = style.get("numFmtId") or "0"
            found = number_format(codes.get(identifier, ""), identifier)
            if found is not None:
                styles[number] = found
    return styles


def _within_limits(content: bytes, sheet: str, notes: list[str]) -> bytes:
    """Return a sheet's XML without the rows past the limit, and without the columns that are too far to the right."""
    rows = list(_ROW.finditer(content))
    kept = [row for row in rows if int(row.group(2)) <= MOST_ROWS]
    if len(kept) < len(rows):
        cut = rows[len(kept)]
        notes.append(f'sheet "{sheet}" cut after row {MOST_ROWS:,} ({len(rows) - len(kept):,} rows left out)')
        content = content[: cut.start()] + b"</%bsheetData></%bworksheet>" % (cut.group(1), cut.group(1))
    height = max((int(row.group(2)) for row in kept), default=1)
    columns = max(map(_column_number, {match.group(1) for match in _COLUMN.finditer(content)}), default=0)
    most_columns = _LARGEST_RECTANGLE // height
    if columns <= most_columns:
        return content
    notes.append(f'sheet "{sheet}" cut after column {most_columns:,} of {columns:,}')
    return _CELL.sub(lambda cell: cell.group() if _column_number(cell.group(2)) <= most_columns else b"", content)


def _special_formats(content: bytes, styles: dict[int, NumberFormat]) -> Formats:
    formats: Formats = {}
    for match in _STYLED.finditer(content):
        style = styles.get(int(match.group(3)))
        if style is not None:
            formats[int(match.group(2)) - 1, _column_number(match.group(1)) - 1] = style
    return formats


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _with_members(package: Zipped, replaced: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as copy:
        for entry in package.members:
            content = replaced.get(entry.filename)
            copy.writestr(entry.filename, package.read(entry.filename) if content is None else content)
    return out.getvalue()
