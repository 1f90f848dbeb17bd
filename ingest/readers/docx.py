"""Read Word documents: headings, paragraphs, lists, tables, notes and text boxes in the order of the page."""

import posixpath
from typing import Any

from ingest.readers.docx_body import add_body
from ingest.readers.docx_numbering import Numbering
from ingest.readers.docx_styles import Styles
from ingest.readers.docx_text import W
from ingest.readers.markup import parse_xml
from ingest.readers.ole import OLE_MARK, is_locked
from ingest.readers.sections import TextBuilder
from ingest.readers.zipped import Zipped
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_WHAT = "Word document"
_REMEDY = "Open it in Word, save it again and ingest it."
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
# The strict variant of the format differs in nothing but the names of its namespaces.
_STRICT = (
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main", W[1:-1].encode()),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/math",
        b"http://schemas.openxmlformats.org/officeDocument/2006/math",
    ),
)


def read_docx(data: bytes, name: str) -> ExtractedText:
    """Read a document or template (.docx, .docm, .dotx, .dotm).

    Left out are headers and footers, comments, tracked deletions, hidden text, tables of contents and the prompts
    of forms that nobody filled in.
    """
    if data.startswith(OLE_MARK):
        cause = "is password-protected" if is_locked(data) else "is password-protected or in the old .doc format"
        raise ReadError(f"{name} {cause}. Remove the password, or save it as .docx, and ingest it again.")
    package = Zipped(data, name, what=_WHAT, remedy=_REMEDY)
    parts = _Parts(package, name)
    body = parts.main.find(f"{W}body")
    if body is None:
        raise ReadError(f"{name} is damaged or no {_WHAT} (it has no body). {_REMEDY}")
    styles = Styles(parts.beside_main("styles.xml"))
    builder = TextBuilder()
    title = add_body(
        builder,
        body,
        styles=styles,
        numbering=Numbering(parts.beside_main("numbering.xml")),
        notes=parts.notes(),
    )
    return builder.build(title=parts.title() or title)


class _Parts:
    """The parts of a package that hold a document's words; a part that is missing is None."""

    def __init__(self, package: Zipped, name: str) -> None:
        self._package = package
        self._name = name
        self._main_name = self._find_main()
        self.main = self._parse(self._main_name)

    def beside_main(self, part: str) -> Any | None:
        member = posixpath.join(posixpath.dirname(self._main_name), part)
        return self._parse(member) if member in self._package else None

    def notes(self) -> dict[tuple[str, str], Any]:
        """Return footnotes and endnotes by their kind and number."""
        found: dict[tuple[str, str], Any] = {}
        for kind in ("footnote", "endnote"):
            root = self.beside_main(f"{kind}s.xml")
            for note in root if root is not None else ():
                if note.tag == f"{W}{kind}" and note.get(f"{W}type") in (None, "normal"):
                    found[kind, note.get(f"{W}id")] = note
        return found

    def title(self) -> str | None:
        if "docProps/core.xml" not in self._package:
            return None
        element = self._parse("docProps/core.xml").find(_TITLE)
        return (element.text or "").strip() or None if element is not None else None

    def _find_main(self) -> str:
        relations = "_rels/.rels"
        if relations in self._package:
            for link in self._parse(relations):
                if (link.get("Type") or "").endswith("/officeDocument"):
                    target = posixpath.normpath((link.get("Target") or "").lstrip("/"))
                    if target in self._package:
                        return target
        return "word/document.xml"

    def _parse(self, part: str) -> Any:
        content = self._package.read(part)
        for strict, usual in _STRICT:
            content = content.replace(strict, usual)
        return parse_xml(content, self._name, part=part, remedy=_REMEDY)
