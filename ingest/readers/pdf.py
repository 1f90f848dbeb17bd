"""Read the text layer of PDF files with PDFium: page by page, in paragraphs, under the outline's headings."""

import re
from collections.abc import Sequence
from statistics import median

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from ingest.readers.pdf_layout import Line, Page, join_lines, page_lines, paragraphs, table_rows
from ingest.readers.pdf_margins import without_running_lines
from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.tables import table_lines
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

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
    lines_of_pages = without_running_lines(pages)
    builder = TextBuilder()
    _build(builder, lines_of_pages, outline)
    if builder.empty:
        raise ReadError(f"{name} has no text other than its page headers and footers.")
    return builder.build(title=_sensible_title(title), pages=len(pages))


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
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError as error:
        raise ReadError(
            f"{name} is damaged at page {number + 1}. Save it again from the program that made it."
        ) from error
    try:
        return Page(page_lines(textpage.raw), page.get_height())
    finally:
        textpage.close()
        page.close()


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


def _build(builder: TextBuilder, pages: Sequence[list[Line]], outline: _Outline) -> None:
    vocabulary = frozenset(
        word for lines in pages for line in lines for word in re.findall(r"\w+(?:-\w+)*", line.text.lower())
    )
    if not any(pages):
        return
    sizes = [line.height for lines in pages for line in lines for _ in range(len(line.text) // 20 + 1)]
    body_height = median(sizes)
    right_edges = sorted(line.right for lines in pages for line in lines)
    levels = _heading_levels(pages, body_height) if not outline else {}
    for number, lines in enumerate(pages):
        builder.turn_page(number + 1)
        marks = [_heading(line, outline.get(number, ()), levels, body_height) for line in lines]
        for level, title in outline.get(number, ()):
            if (level, title) not in marks:
                builder.enter(level, title)
        for group in paragraphs(lines, levels=[mark[0] if mark else None for mark in marks]):
            mark = marks[group[0]]
            members = [lines[i] for i in group]
            if mark is not None:
                builder.heading(mark[0], " ".join(line.text for line in members))
                continue
            _add_block(builder, members, right_edge=_right_edge(members, right_edges), vocabulary=vocabulary)


def _right_edge(members: Sequence[Line], right_edges: Sequence[float]) -> float:
    """Return where this paragraph's lines wrap: its own longest line, or the page's when it has but two."""
    own = max(line.right for line in members)
    return own if len(members) > 2 else max(own, right_edges[int(len(right_edges) * 0.9)])


def _add_block(builder: TextBuilder, members: Sequence[Line], *, right_edge: float, vocabulary: frozenset[str]) -> None:
    rows = table_rows(members)
    if rows:
        builder.lines(table_lines(rows, header=None if len(rows[0]) > 2 else False))
    else:
        builder.block(re.sub(r" {2,}", " ", join_lines(members, right_edge=right_edge, vocabulary=vocabulary)))


def _heading_levels(pages: Sequence[list[Line]], body_height: float) -> dict[int, int]:
    """Rank the sizes of large type: the largest is level 1. Keys are heights in half points."""
    sizes = {round(2 * line.height) for lines in pages for line in lines if line.height > _HEADING_SCALE * body_height}
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
