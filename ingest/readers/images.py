"""Read the text of scanned pages, photographs and screenshots by text recognition."""

from dataclasses import replace

from PIL import Image

from ingest.readers.ocr import Recogniser
from ingest.readers.patience import SCANNED_PAGE_SECONDS, ask_for
from ingest.readers.pdf_lines import LEVEL, Page
from ingest.readers.pdf_margins import without_running_lines
from ingest.readers.pdf_writing import write_pages
from ingest.readers.pictures import open_picture
from ingest.readers.tesseract import INSTALL, find_program
from rag_app.errors import NothingToRead, ReadError
from rag_app.records import ExtractedText

_USUAL_DPI = 300.0
# Pages are at least so large in pixels when their letters are large enough for recognition.
_SMALL_PIXELS = 2_500_000
_MOST_PIXELS = 24_000_000


def read_image(data: bytes, name: str) -> ExtractedText:
    """Read the text in a picture; each picture of a TIFF file is a page.

    Raises:
        ReadError: it is damaged or too large, or text recognition is not installed or took too long.
        NothingToRead: no text is found.
    """
    with open_picture(data, name) as picture:
        if find_program() is None:
            raise ReadError(f"{name} is a picture. To read the text in it, {INSTALL}.")
        # The usual time is enough for one page.
        ask_for(SCANNED_PAGE_SECONDS * (picture.pages - 1))
        recogniser = Recogniser()
        pages = []
        for number in range(1, picture.pages + 1):
            if not recogniser.in_time(number):
                pages.append(Page([], LEVEL))
                continue
            image, scale = _sized(picture.page(number, mode="L"))
            pages.append(recogniser.page(image, number=number, dpi=(picture.dpi() or _USUAL_DPI) * scale))
    author = write_pages(without_running_lines(pages), {})
    if author.builder.empty:
        if recogniser.late:
            late = "".join(f" {note}." for note in recogniser.notes())
            raise ReadError(
                f"{name} is a picture in which no text was found.{late} Save it in a smaller size, or scan it anew."
            )
        raise NothingToRead(f"{name} is a picture in which no text was found. If there is some, scan it anew.")
    extracted = author.builder.build(pages=len(pages))
    return replace(extracted, format="image", boxes=tuple(author.boxes), notes=tuple(recogniser.notes()))


def _sized(image: Image.Image) -> tuple[Image.Image, float]:
    """Return the picture in a size that recognition can use, and how much larger it was made."""
    pixels = image.width * image.height
    scale = 1.0
    if pixels < _SMALL_PIXELS:
        scale = 2.0
    elif pixels > _MOST_PIXELS:
        scale = (_MOST_PIXELS / pixels) ** 0.5
    if scale == 1.0:
        return image, scale
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC), scale
