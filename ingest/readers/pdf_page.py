"""Draw a page of a PDF or a picture, with the places of a quote marked."""

import io
from collections.abc import Sequence

import pypdfium2  # type: ignore[import-untyped]
from PIL import Image, ImageChops, ImageDraw

from ingest.readers.pdf import open_pdf
from ingest.readers.pictures import open_picture
from rag_app.errors import ReadError
from rag_app.records import TextBox

_MOST_PIXELS = 16_000_000
_MARK = (255, 231, 112)
_LEAST_MARK_PIXELS = 3
# A mark reaches over its letters by so many shares of its height.
_MARGIN = 0.08


def render_page(
    data: bytes, page: int, boxes: Sequence[TextBox] = (), *, scale: float = 2.0, name: str = "The file"
) -> bytes:
    """Return a page (counted from 1) as PNG, with those of the boxes marked that stand on it.

    ``scale`` is in pixels for each point of a PDF (a picture keeps its own size); a page that would be too large
    is drawn smaller.

    Raises:
        ReadError: the file is damaged, is no PDF and no picture, or has no such page.
    """
    is_pdf = b"%PDF-" in data[:1024]
    image = _of_pdf(data, page, scale=scale, name=name) if is_pdf else _of_picture(data, page, name=name)
    marks = Image.new("RGB", image.size, "white")
    draw = ImageDraw.Draw(marks)
    for box in boxes:
        if box.page == page:
            draw.rectangle(_rectangle(box, *image.size), fill=_MARK)
    png = io.BytesIO()
    # Multiplied, as a marker pen does it: black letters stay black.
    ImageChops.multiply(image, marks).save(png, "PNG")
    return png.getvalue()


def _rectangle(box: TextBox, width: int, height: int) -> tuple[float, float, float, float]:
    margin = _MARGIN * (box.bottom - box.top) * height
    left, top = box.left * width - margin, box.top * height - margin
    right, bottom = box.right * width + margin, box.bottom * height + margin
    return left, top, max(right, left + _LEAST_MARK_PIXELS), max(bottom, top + _LEAST_MARK_PIXELS)


def _of_pdf(data: bytes, number: int, *, scale: float, name: str) -> Image.Image:
    document = open_pdf(data, name)
    try:
        document.init_forms()
        if not 1 <= number <= len(document):
            raise ReadError(f"{name} has no page {number}, but {len(document)} pages. Ingest it again.")
        page = document[number - 1]
        try:
            width, height = page.get_size()
            most = (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5
            image: Image.Image = page.render(scale=min(scale, most), rev_byteorder=True).to_pil().convert("RGB")
        finally:
            page.close()
    except pypdfium2.PdfiumError as error:
        raise ReadError(f"{name} is damaged at page {number}. Save it again from the program that made it.") from error
    finally:
        document.close()
    return image


def _of_picture(data: bytes, number: int, *, name: str) -> Image.Image:
    with open_picture(data, name) as picture:
        if not 1 <= number <= picture.pages:
            raise ReadError(f"{name} has no page {number}, but {picture.pages}. Ingest it again.")
        image = picture.page(number, mode="RGB")
    if image.width * image.height > _MOST_PIXELS:
        share = (_MOST_PIXELS / (image.width * image.height)) ** 0.5
        image = image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))))
    return image
