"""Read OpenDocument files: texts (.odt), spreadsheets (.ods) and presentations (.odp)."""

from typing import Any

from ingest.readers.markup import parse_xml
from ingest.readers.odf_sheets import sheets_of
from ingest.readers.odf_slides import add_slides
from ingest.readers.odf_styles import Styles
from ingest.readers.odf_text import OFFICE, Blocks
from ingest.readers.sections import TextBuilder
from ingest.readers.sheet_tables import SheetWriter
from ingest.readers.zipped import Zipped
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_WHAT = "OpenDocument file"
_REMEDY = "Open it in LibreOffice, save it again and ingest it."
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_MANIFEST = "META-INF/manifest.xml"


def read_odf(data: bytes, name: str) -> ExtractedText:
    """Read a text, spreadsheet or presentation, packed or as flat XML; tracked deletions and comments are left out."""
    parts = _parts(data, name)
    body = next((part for root in parts for part in root.iter(f"{OFFICE}body")), None)
    content = body[0] if body is not None and len(body) else None
    if content is None:
        raise ReadError(f"{name} is damaged or no {_WHAT} (it has no body). {_REMEDY}")
    builder = TextBuilder()
    styles = Styles(*parts)
    title, pages = _add(builder, content, styles)
    if builder.empty:
        raise ReadError(f"{name} has nothing written in it. Put words into it, or list it in .ragignore.")
    return builder.build(title=_own_title(parts) or title, pages=pages)


def _add(builder: TextBuilder, content: Any, styles: Styles) -> tuple[str | None, int | None]:
    """Add the content of a body; return the title that it suggests, and how many pages it has."""
    if content.tag == f"{OFFICE}spreadsheet":
        writer = SheetWriter(builder)
        number = 0
        for number, sheet in enumerate(sheets_of(content, styles, builder), start=1):
            if any(map(any, sheet.rows)):
                writer.add(sheet, number)
        return None, number
    if content.tag == f"{OFFICE}presentation":
        return add_slides(builder, content, styles)
    blocks = Blocks(builder, styles)
    blocks.add(content)
    return blocks.title or blocks.first_heading, None


def _parts(data: bytes, name: str) -> list[Any]:
    """Return the roots of the parts that matter, the content first."""
    if not data.startswith(b"PK"):
        return [parse_xml(data, name, remedy=_REMEDY)]
    package = Zipped(data, name, what=_WHAT, remedy=_REMEDY)
    if _MANIFEST in package and b"encryption-data" in package.read(_MANIFEST):
        raise ReadError(f"{name} is password-protected. Remove the password, and ingest it again.")
    members = ["content.xml", *(part for part in ("styles.xml", "meta.xml") if part in package)]
    return [parse_xml(package.read(part), name, part=part, remedy=_REMEDY) for part in members]


def _own_title(parts: list[Any]) -> str | None:
    for root in parts:
        meta = root if root.tag == f"{OFFICE}document-meta" else root.find(f"{OFFICE}meta")
        found = next(meta.iter(_TITLE), None) if meta is not None else None
        if found is not None and (found.text or "").strip():
            return str(found.text)
    return None
