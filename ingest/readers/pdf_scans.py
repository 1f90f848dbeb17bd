"""Pages of a PDF whose text cannot be taken from the file: pictures, and fonts that do not tell their letters."""

import unicodedata
from collections.abc import Mapping
from enum import Enum

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from ingest.readers.ocr import DPI, Recogniser, page_list
from ingest.readers.patience import SCANNED_PAGE_SECONDS, ask_for
from ingest.readers.pdf_lines import Page
from ingest.readers.tesseract import INSTALL, find_program

_POINTS_PER_INCH = 72
_MOST_PIXELS = 24_000_000
# A page with fewer letters may be a scan with a stamp of the program that made it.
_FEW_LETTERS = 100
_LARGE_SHARE = 0.5
_FEW_OBJECTS = 20
_GARBAGE_SHARE = 0.3
_GARBAGE = {"Co", "Cc", "Cs", "Cn"}


class Scan(Enum):
    """Why a page's own text is not enough. A drawing of a few lines is not worth being looked at for letters."""

    PICTURE = "images without text"
    GARBLED = "in fonts that do not tell their letters"
    DRAWING = "drawings"


def without_garbage(read: Page, page: pypdfium2.PdfPage) -> tuple[Page, Scan | None]:
    """Return the page without text that means nothing, and whether its picture has to be read instead."""
    text = "".join(line.text for line in read.lines)
    garbage = 0 if text.isascii() else sum(not c.isascii() and _is_garbage(c) for c in text)
    if garbage > _GARBAGE_SHARE * len(text):
        return Page([], read.frame), Scan.GARBLED
    if len(text) >= _FEW_LETTERS:
        return read, None
    if _has_image(page, share=_LARGE_SHARE if text else 0.0):
        return read, Scan.PICTURE
    objects = pdfium.FPDFPage_CountObjects(page.raw)
    if text or not objects:
        return read, None
    # Letters that are drawn as curves make many objects.
    return read, Scan.PICTURE if objects > _FEW_OBJECTS else Scan.DRAWING


def _is_garbage(character: str) -> bool:
    return character == "\ufffd" or unicodedata.category(character) in _GARBAGE


def _has_image(page: pypdfium2.PdfPage, *, share: float) -> bool:
    """Tell whether an image covers more than this share of the page."""
    area = page.get_width() * page.get_height()
    for image in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = image.get_bounds()
        if (right - left) * (top - bottom) > share * area:
            return True
    return False


def read_scans(document: pypdfium2.PdfDocument, pages: list[Page], scans: Mapping[int, Scan]) -> list[str]:
    """Put what is recognised on these pages into ``pages``; return in words what was not read.

    Raises:
        ReadError: text recognition cannot be run.
    """
    scans = {number: kind for number, kind in scans.items() if kind is not Scan.DRAWING}
    if not scans:
        return []
    if find_program() is None:
        kinds = {kind: [number + 1 for number in scans if scans[number] is kind] for kind in Scan}
        told = " and ".join(f"{page_list(numbers)} ({kind.value})" for kind, numbers in kinds.items() if numbers)
        return [f"{told} were left out; to read them, {INSTALL}"]
    ask_for(SCANNED_PAGE_SECONDS * len(scans))
    recogniser = Recogniser()
    for number in scans:
        page = document[number]
        try:
            width, height = page.get_size()
            scale = min(DPI / _POINTS_PER_INCH, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
            if recogniser.in_time(number + 1):
                image = page.render(scale=scale, grayscale=True).to_pil().convert("L")
                read = recogniser.page(image, number=number + 1, dpi=scale * _POINTS_PER_INCH)
                if _letters(read) > _letters(pages[number]):
                    pages[number] = read
        finally:
            page.close()
    return recogniser.notes()


def _letters(page: Page) -> int:
    return sum(len(line.text) for line in page.lines)
