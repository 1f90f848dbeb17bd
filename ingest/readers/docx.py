"""Read Word documents: headings, paragraphs, lists and tables in the order of the page."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from lxml.etree import XMLSyntaxError  # type: ignore[import-untyped]

from ingest.readers.sections import TextBuilder
from ingest.readers.tables import table_lines
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
_LARGEST_UNPACKED = 400 * 2**20
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_DELETED = {qn("w:del"), qn("w:moveFrom"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}


def read_docx(data: bytes, name: str) -> ExtractedText:
    """Read a .docx file. Tracked deletions are left out, insertions are kept."""
    document = _open(data, name)
    builder = TextBuilder()
    styles = {style.style_id: style.name or "" for style in document.styles}
    titles = _Walk(builder, styles).run(document.element.body)
    return builder.build(title=document.core_properties.title or titles)


def _open(data: bytes, name: str) -> WordDocument:
    if data.startswith(_OLD_OR_LOCKED):
        raise ReadError(
            f"{name} is password-protected or in the old .doc format. "
            "Remove the password, or save it as .docx, and ingest it again."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            unpacked = sum(entry.file_size for entry in package.infolist())
        if unpacked > _LARGEST_UNPACKED:
            raise ReadError(
                f"{name} would unpack to {unpacked // 2**20} MB, more than the {_LARGEST_UNPACKED // 2**20} MB that "
                "a document may hold. Split it, or remove it if you do not know where it comes from."
            )
        return docx.Document(io.BytesIO(data))
    except (zipfile.BadZipFile, PackageNotFoundError, KeyError, ValueError, XMLSyntaxError, EOFError, OSError) as error:
        cause = "is empty (0 bytes)" if not data else f"is damaged or no Word document ({error})"
        raise ReadError(f"{name} {cause}. Open it in Word, save it again and ingest it.") from error


class _Walk:
    """One pass over the body of a document."""

    def __init__(self, builder: TextBuilder, styles: dict[str, str]) -> None:
        self._builder = builder
        self._styles = styles
        self._number = 0
        self._in_list = False

    def run(self, body: Any) -> str | None:
        """Add every block; return the document's own title line, else its first main heading."""
        title: str | None = None
        first: str | None = None
        for element in _blocks(body):
            if element.tag == qn("w:tbl"):
                self._builder.lines(_table(element))
                self._in_list = False
                continue
            text = _paragraph_text(element)
            if not text.strip():
                continue
            style = self._style(element)
            level = _level(style, element)
            if level is None:
                self._paragraph(element, style, text)
                continue
            self._builder.heading(level, text)
            self._in_list = False
            title = title or (text if style == "Title" else None)
            first = first or (text if level == 1 else None)
        return title or first

    def _style(self, paragraph: Any) -> str:
        found = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        return self._styles.get(found.get(qn("w:val")), "") if found is not None else ""

    def _paragraph(self, paragraph: Any, style: str, text: str) -> None:
        numbered = style.startswith("List Number")
        listed = style.startswith("List") or paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None
        gap = "\n" if listed and self._in_list else "\n\n"
        self._number = self._number + 1 if numbered and self._in_list else 1
        self._in_list = listed
        marker = (f"{self._number}. " if numbered else "- ") if listed else ""
        self._builder.block(marker + text.strip(), gap=gap)


def _blocks(parent: Any) -> Iterator[Any]:
    """Yield paragraphs and tables in order, also those inside content controls."""
    for child in parent:
        if child.tag in (qn("w:p"), qn("w:tbl")):
            yield child
        elif child.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")):
            yield from _blocks(child)


def _level(style: str, paragraph: Any) -> int | None:
    if style == "Title":
        return 1
    match = _HEADING.match(style)
    if match:
        return int(match.group(1))
    outline = paragraph.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
    value = outline.get(qn("w:val")) if outline is not None else ""
    return int(value) + 1 if value and value.isdecimal() and int(value) < 9 else None


def _paragraph_text(element: Any) -> str:
    if element.tag in _DELETED:
        return ""
    if element.tag == qn("w:t"):
        return element.text or ""
    if element.tag == qn("w:tab"):
        # A tab stop of the paragraph's format has the same name as a tab in its text.
        return "" if element.getparent().tag == qn("w:tabs") else "\t"
    if element.tag in (qn("w:br"), qn("w:cr")):
        return "\n"
    if element.tag == qn("w:noBreakHyphen"):
        return "-"
    return "".join(_paragraph_text(child) for child in element)


def _table(table: Any) -> list[str]:
    rows: list[list[str]] = []
    header: bool | None = None
    for row in table.iter(qn("w:tr")):
        if next(row.iterancestors(qn("w:tbl"))) is not table:
            continue
        cells: list[str] = []
        for cell in row.iter(qn("w:tc")):
            if next(cell.iterancestors(qn("w:tr"))) is row:
                text = " ".join(_paragraph_text(paragraph) for paragraph in cell.iter(qn("w:p")))
                cells.extend([text] * _columns_spanned(cell))
        if not rows:
            header = True if _names_columns(row) else None
        rows.append(cells)
    return table_lines(rows, header=header)


def _columns_spanned(cell: Any) -> int:
    span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
    value = span.get(qn("w:val")) if span is not None else "1"
    return min(int(value), 50) if value and value.isdecimal() else 1


def _names_columns(row: Any) -> bool:
    """Whether a row is marked as a header, or all its words are bold."""
    if row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None:
        return True
    runs = [run for run in row.iter(qn("w:r")) if _paragraph_text(run).strip()]
    return bool(runs) and all(run.find(f"{qn('w:rPr')}/{qn('w:b')}") is not None for run in runs)
