"""Read the text layer of PDF files with PDFium: page by page, in paragraphs, under the outline's headings."""

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from ingest.readers.pdf_characters import Frame, Line, Page, read_page
from ingest.readers.pdf_layout import Part, join_lines, joined, line_parts, paragraphs
from ingest.readers.pdf_margins import without_running_lines
from ingest.readers.pdf_places import place
from ingest.readers.pdf_tables import table_rows, told
from ingest.readers.sections import TextBuilder, one_line
from rag_app.errors import ReadError
from rag_app.records import ExtractedText, TextBox

_HEADING_SCALE = 1.12
_LONGEST_HEADING = 120


def read_pdf(data: bytes, name: str) -> ExtractedText:
    """Read every page's text. Page headers, page footers and page numbers that repeat are left out.

    Raises:
        ReadError: the file is empty, damaged, password-protected or holds only images.
    """
    document = _open(data, name)
    try:
        pages = [_page(document, number, name) for number in range(len(document))]
        outline = _outline(document)
        title = document.get_metadata_value("Title")
    finally:
        document.close()
    if not any(page.lines for page in pages):
        raise ReadError(
            f"{name} has no text layer: its {len(pages)} pages are images, as a scanner makes them. "
            "Run text recognition on it (for example: ocrmypdf in.pdf out.pdf) and ingest the result."
        )
    author = _write(without_running_lines(pages), outline)
    if author.builder.empty:
        raise ReadError(f"{name} has no text other than its page headers and footers.")
    extracted = author.builder.build(title=_sensible_title(title), pages=len(pages))
    return replace(extracted, format="pdf", boxes=tuple(author.boxes))


def _open(data: bytes, name: str) -> pypdfium2.PdfDocument:
    if not data:
        raise ReadError(f"{name} is empty (0 bytes). Copy or download it again.")
    try:
        document = pypdfium2.PdfDocument(data)
        if not len(document):
            document.close()
            raise ReadError(f"{name} has no pages. Save it again from the program that made it.")
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise ReadError(
                f"{name} is protected by a password. Save a copy without the password and ingest that."
            ) from error
        if b"%PDF-" not in data[:1024]:
            raise ReadError(
                f"{name} is not a PDF, whatever its name says. Give it the suffix of its format."
            ) from error
        truncated = b"%%EOF" not in data[-2048:]
        cause = "is truncated: its end is missing" if truncated else "is damaged"
        raise ReadError(f"{name} {cause}. Copy or download it again.") from error
    if b"%%EOF" not in data[-2048:] and b"startxref" not in data[-4096:]:
        # PDFium silently opens what it can salvage of a cut-off file; part of a document must not pass for the whole.
        document.close()
        raise ReadError(f"{name} is truncated: its end is missing. Copy or download it again.")
    return document


def _page(document: pypdfium2.PdfDocument, number: int, name: str) -> Page:
    try:
        page = document[number]
        try:
            return read_page(page)
        finally:
            page.close()
    except pypdfium2.PdfiumError as error:
        raise ReadError(
            f"{name} is damaged at page {number + 1}. Save it again from the program that made it."
        ) from error


_Outline = dict[int, list[tuple[int, str]]]


def _outline(document: pypdfium2.PdfDocument) -> _Outline:
    """Return the outline's entries (level, title) by page number from 0."""
    found: _Outline = {}
    for bookmark in document.get_toc():
        destination = bookmark.get_dest()
        page = destination.get_index() if destination else None
        title = one_line(bookmark.get_title())
        if page is not None and title:
            found.setdefault(page, []).append((bookmark.level + 1, title))
    return found


class _Author:
    """Adds the lines of pages to a text, and keeps where its words stand."""

    def __init__(self, vocabulary: frozenset[str], right_edges: Sequence[float]) -> None:
        self.builder = TextBuilder()
        self.boxes: list[TextBox] = []
        self._vocabulary = vocabulary
        self._right_edges = right_edges
        self._page = 0
        self._frame = Frame(1.0, 1.0, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))

    def turn_page(self, page: int, frame: Frame) -> None:
        self._page, self._frame = page, frame
        self.builder.turn_page(page)

    def heading(self, level: int, lines: Sequence[Line]) -> None:
        parts = [part for line in lines for part in line_parts(line, gap=" ")]
        self.builder.heading(level, joined(parts))
        self._keep(parts)

    def block(self, lines: Sequence[Line]) -> None:
        rows = table_rows(lines)
        if rows:
            texts, parts = told(rows)
            self.builder.lines(texts)
        else:
            parts = join_lines(lines, right_edge=self._right_edge(lines), vocabulary=self._vocabulary)
            self.builder.block(joined(parts))
        self._keep(parts)

    def _keep(self, parts: Sequence[Part]) -> None:
        start, text = self.builder.last
        if not self.boxes or start >= self.boxes[-1].end:
            self.boxes.extend(place(parts, text, start=start, page=self._page, frame=self._frame))

    def _right_edge(self, lines: Sequence[Line]) -> float:
        """Return where this paragraph's lines wrap: its own longest line, or the page's when it has but two."""
        own = max(line.right for line in lines)
        return own if len(lines) > 2 else max(own, self._right_edges[int(len(self._right_edges) * 0.9)])


def _write(pages: Sequence[Page], outline: _Outline) -> _Author:
    every_line = [line for page in pages for line in page.lines]
    vocabulary = frozenset(word for line in every_line for word in re.findall(r"\w+(?:-\w+)*", line.text.lower()))
    author = _Author(vocabulary, sorted(line.right for line in every_line))
    if not every_line:
        return author
    body_height = median(line.height for line in every_line for _ in range(len(line.text) // 20 + 1))
    levels = _heading_levels(every_line, body_height) if not outline else {}
    for number, page in enumerate(pages):
        author.turn_page(number + 1, page.frame)
        marks = [_heading(line, outline.get(number, ()), levels, body_height) for line in page.lines]
        for level, title in outline.get(number, ()):
            if (level, title) not in marks:
                author.builder.enter(level, title)
        for group in paragraphs(page.lines, levels=[mark[0] if mark else None for mark in marks]):
            mark = marks[group[0]]
            members = [page.lines[i] for i in group]
            if mark is None:
                author.block(members)
            else:
                author.heading(mark[0], members)
    return author


def _heading_levels(lines: Sequence[Line], body_height: float) -> dict[int, int]:
    """Rank the sizes of large type: the largest is level 1. Keys are heights in half points."""
    sizes = {round(2 * line.height) for line in lines if line.height > _HEADING_SCALE * body_height}
    return {size: level for level, size in enumerate(sorted(sizes, reverse=True), start=1)}


def _heading(
    line: Line, entries: Sequence[tuple[int, str]], levels: dict[int, int], body_height: float
) -> tuple[int, str] | None:
    text = one_line(line.text)
    for entry in entries:
        if text == entry[1] or re.sub(r"^[\dA-Z.]+\s+", "", text) == entry[1]:
            return entry
    large = line.height > _HEADING_SCALE * body_height and len(text) <= _LONGEST_HEADING and any(map(str.isalpha, text))
    return (min(levels[round(2 * line.height)], 6), text) if large and levels else None


def _sensible_title(title: str) -> str | None:
    """Return the title from the file's properties, unless a program put its own words there."""
    title = one_line(title)
    nobody_named_it = title.lower().strip("()") in ("untitled", "anonymous", "unspecified")
    if len(title) < 3 or nobody_named_it or re.search(r"\.\w{2,4}$|^Microsoft Word", title):
        return None
    return title
