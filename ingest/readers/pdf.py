"""Read the text layer of PDF files with PDFium: page by page, in paragraphs, under the outline's headings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from ingest.readers.ocr import page_list
from ingest.readers.patience import TEXT_PAGE_SECONDS, ask_for
from ingest.readers.pdf_annotations import annotation_lines, flatten, has_annotations
from ingest.readers.pdf_characters import page_frame, read_page
from ingest.readers.pdf_lines import LEVEL, Line, Page, as_they_stand
from ingest.readers.pdf_margins import without_running_lines
from ingest.readers.pdf_rulings import with_tables
from ingest.readers.pdf_scans import Scan, read_scans, without_garbage
from ingest.readers.pdf_writing import Outline, write_pages
from ingest.readers.sections import one_line
from ingest.readers.tesseract import INSTALL, find_program
from rag_app.errors import ReadError
from rag_app.records import ExtractedText


def read_pdf(data: bytes, name: str) -> ExtractedText:
    """Read every page's text. Page headers, page footers and page numbers that repeat are left out.

    Pages that are pictures are read by text recognition, where that is installed, and else told in the notes.

    Raises:
        ReadError: the file is empty, damaged, password-protected or without any text that can be read.
    """
    document = open_pdf(data, name)
    ask_for(TEXT_PAGE_SECONDS * len(document))
    try:
        pages, notes = _pages(document, name)
        outline = _outline(document)
        title = document.get_metadata_value("Title")
        notes += _attachments(document)
    except pypdfium2.PdfiumError as error:
        raise ReadError(f"{name} is damaged ({error}). Save it again from the program that made it.") from error
    finally:
        document.close()
    author = write_pages(without_running_lines(pages), outline)
    if author.builder.empty:
        raise ReadError(f"{name} has no text other than its page headers and footers. List it in .ragignore.")
    extracted = author.builder.build(title=_sensible_title(title), pages=len(pages))
    return replace(extracted, format="pdf", boxes=tuple(author.boxes), notes=tuple(notes))


def _pages(document: pypdfium2.PdfDocument, name: str) -> tuple[list[Page], list[str]]:
    """Return the pages, and in words what of them could not be read."""
    document.init_forms()
    pages = []
    pictures: dict[int, Scan] = {}
    damaged: list[int] = []
    for number in range(len(document)):
        try:
            page, scan = _page(document, number)
        except pypdfium2.PdfiumError:
            page, scan = Page([], LEVEL), None
            damaged.append(number + 1)
        pages.append(page)
        if scan:
            pictures[number] = scan
    notes = read_scans(document, pages, pictures)
    if damaged:
        notes.append(f"{page_list(damaged)} could not be read: damaged")
    if not any(page.lines for page in pages):
        if damaged:
            raise ReadError(f"{name} is damaged at {page_list(damaged)}. Save it again from the program that made it.")
        raise ReadError(f"{name} {_why_no_text(pictures, len(pages), notes)}")
    return pages, notes


def _page(document: pypdfium2.PdfDocument, number: int) -> tuple[Page, Scan | None]:
    page = document[number]
    try:
        if not has_annotations(page):
            return _judged(read_page(page), page)
        noted = annotation_lines(page, page_frame(page))
        flatten(page)
    finally:
        page.close()
    page = document[number]
    try:
        return _judged(_with_notes(read_page(page), noted), page)
    finally:
        page.close()


def _judged(read: Page, page: pypdfium2.PdfPage) -> tuple[Page, Scan | None]:
    read, scan = without_garbage(read, page)
    return with_tables(read, page), scan


def _with_notes(page: Page, noted: Sequence[Line]) -> Page:
    """Return the page with what is filled in at its place, and comments at its end."""
    shown = " ".join(line.text for line in page.lines)
    hidden = [line for line in noted if line.text not in shown] if not page.frame.turns else []
    filled_in = len(noted) > len(hidden)
    return Page((as_they_stand(page.lines) if filled_in else page.lines) + hidden, page.frame)


def _why_no_text(pictures: Mapping[int, Scan], pages: int, notes: Sequence[str]) -> str:
    if not pictures:
        return f"has no text: it is empty on all its pages ({pages}). Save it again from the program that made it."
    if Scan.GARBLED in pictures.values():
        cause = "its fonts do not tell which letters they draw"
    else:
        cause = f"its {pages} pages are images, as a scanner makes them"
    if find_program() is None:
        return f"has no text layer: {cause}. To read it, {INSTALL}."
    told = "".join(f" {note}." for note in notes)
    return f"has no text layer: {cause}, in which no text was recognised.{told} Scan it anew, or list it in .ragignore."


def _attachments(document: pypdfium2.PdfDocument) -> list[str]:
    names = [document.get_attachment(index).get_name() for index in range(min(document.count_attachments(), 5))]
    count = document.count_attachments()
    if not names:
        return []
    return [f"{count} attached {'file' if count == 1 else 'files'} not read: {', '.join(map(one_line, names))}"]


def open_pdf(data: bytes, name: str) -> pypdfium2.PdfDocument:
    """Open a PDF; the caller closes it.

    Raises:
        ReadError: it is empty, no PDF, damaged, cut off or password-protected.
    """
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


def _outline(document: pypdfium2.PdfDocument) -> Outline:
    """Return the outline's entries (level, title) by page number from 0."""
    found: Outline = {}
    for bookmark in document.get_toc():
        destination = bookmark.get_dest()
        page = destination.get_index() if destination else None
        title = one_line(bookmark.get_title())
        if page is not None and title:
            found.setdefault(page, []).append((bookmark.level + 1, title))
    return found


def _sensible_title(title: str) -> str | None:
    """Return the title from the file's properties, unless a program put its own words there."""
    title = one_line(title)
    nobody_named_it = title.lower().strip("()") in ("untitled", "anonymous", "unspecified")
    if len(title) < 3 or nobody_named_it or re.search(r"\.\w{2,4}$|^Microsoft Word", title):
        return None
    return title
