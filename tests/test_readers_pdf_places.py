"""Where the text of a PDF stands on its pages: what a box encloses, read again with PDFium, is its text."""

import ctypes
import io
import re
from collections.abc import Sequence

import pypdf
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf.generic import RectangleObject
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from ingest.readers.pdf import read_pdf
from ingest.readers.pdf_places import boxes_of
from rag_app.records import ExtractedText, TextBox
from tests.corpus_makers import PARAGRAPH, pdf, pdf_of_lines, pdf_table

WORDS = st.lists(st.sampled_from([*PARAGRAPH.split(), "ﬁve", "Straße", "well-known"]), min_size=5, max_size=60)


def text_within(page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage, box: TextBox) -> str:
    """Return what PDFium finds in a box, which may be off by a few points."""
    x, y = ctypes.c_double(), ctypes.c_double()
    corners = []
    for across, down in ((box.left, box.top), (box.right, box.bottom)):
        place = (round(across * 10**6), round(down * 10**6))
        pdfium.FPDF_DeviceToPage(page.raw, 0, 0, 10**6, 10**6, 0, *place, ctypes.byref(x), ctypes.byref(y))
        corners.append((x.value, y.value))
    (x0, y0), (x1, y1) = corners
    slack = 4.0
    found = textpage.get_text_bounded(
        min(x0, x1) - slack, min(y0, y1) - slack / 4, max(x0, x1) + slack, max(y0, y1) + slack / 4
    )
    return str(found)


def misplaced(data: bytes, extracted: ExtractedText) -> list[tuple[str, str]]:
    """Return the words of the text that are not in the boxes that are said to hold them, with what is."""
    shown, upright = pypdfium2.PdfDocument(data), pypdfium2.PdfDocument(data)
    for page in upright:
        # PDFium mixes up what it finds within a box of a page that stands on its head.
        page.set_rotation(0)
    pages = [(page, other.get_textpage()) for page, other in zip(shown, upright, strict=True)]
    wrong = []
    for match in re.finditer(r"[\w-]+", extracted.text):
        boxes = boxes_of(extracted.boxes, *match.span())
        found = "".join(text_within(*pages[box.page - 1], box) for box in boxes)
        letters = re.sub(r"[\s\x02\ufffe-]", "", found).replace("ﬁ", "fi")
        if match.group().replace("-", "") not in letters:
            wrong.append((match.group(), found))
    return wrong


def columns(words: Sequence[str]) -> bytes:
    """Return a page of two columns with words that are broken at the ends of lines."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for left in (60, 320):
        canvas.setFont("Times-Roman", 10)
        for number in range(0, len(words), 5):
            line = " ".join(words[number : number + 5])
            canvas.drawString(left, 780 - 13 * (number // 5), f"{line[:-2]}-" if number % 3 else line)
    canvas.save()
    return out.getvalue()


def turned(data: bytes, angle: int, *, crop: bool = False) -> bytes:
    """Return the PDF with its pages turned, and cropped to a part that does not begin at zero."""
    writer = pypdf.PdfWriter(io.BytesIO(data))
    for page in writer.pages:
        page.rotate(angle)
        if crop:
            page.mediabox = RectangleObject((-30, -40, 600, 850))
            page.cropbox = RectangleObject((20, 30, 580, 835))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@settings(max_examples=20, deadline=None)
@given(words=WORDS, angle=st.sampled_from([0, 90, 180, 270]), crop=st.booleans())
def test_each_word_of_a_page_is_found_in_its_boxes(words: list[str], angle: int, crop: bool) -> None:
    table = pdf_table([["City", "Hotel", "Meals"], ["Berlin", "120 EUR", "30 EUR"], ["Oslo", "180 EUR", "55 EUR"]])
    data = turned(
        pdf(["# Leave", " ".join(words), table], ["Second page.", " ".join(words)], footer="Foot"), angle, crop=crop
    )
    extracted = read_pdf(data, "a.pdf")
    assert misplaced(data, extracted) == []
    assert {box.page for box in extracted.boxes} == {1, 2}


@settings(max_examples=10, deadline=None)
@given(words=WORDS)
def test_each_word_of_two_columns_is_found_in_its_boxes(words: list[str]) -> None:
    data = columns(words)
    assert misplaced(data, read_pdf(data, "a.pdf")) == []


def test_the_halves_of_a_broken_word_are_found_on_both_lines() -> None:
    data = pdf_of_lines(["The handbook says that the transfer of infor-", "mation between offices is encrypted today."])
    extracted = read_pdf(data, "a.pdf")
    start = extracted.text.index("information")
    first, second = boxes_of(extracted.boxes, start, start + len("information"))
    assert extracted.text[first.start : first.end] == "infor"
    assert extracted.text[second.start : second.end] == "mation"
    assert first.left > 0.3
    assert second.left < 0.2
    assert first.bottom <= second.top + 0.01


def test_a_span_has_one_box_for_each_line() -> None:
    extracted = read_pdf(pdf([PARAGRAPH]), "a.pdf")
    lines = boxes_of(extracted.boxes, 0, len(extracted.text))
    assert 3 <= len(lines) <= 5
    assert [line.top for line in lines] == sorted({line.top for line in lines})
    assert lines[0].start == 0
    assert lines[-1].end == len(extracted.text)


def test_the_boxes_cover_the_text_once_and_in_order() -> None:
    extracted = read_pdf(pdf(["# Leave", PARAGRAPH, PARAGRAPH], [PARAGRAPH]), "a.pdf")
    ends = [0, *(box.end for box in extracted.boxes)]
    assert all(box.start >= end for box, end in zip(extracted.boxes, ends, strict=False))
    uncovered = set(range(len(extracted.text))) - {i for box in extracted.boxes for i in range(box.start, box.end)}
    assert {extracted.text[i] for i in uncovered} <= {" ", "\n"}


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_page_that_lies_on_its_side_is_read_like_one_that_stands(angle: int) -> None:
    data = pdf(["# Leave", PARAGRAPH, "Second paragraph."])
    assert read_pdf(turned(data, angle), "a.pdf").text == read_pdf(data, "a.pdf").text


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_text_that_runs_up_the_page_is_read_like_level_text(angle: int) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    canvas.translate(300, 400)
    canvas.rotate(angle)
    for number, row in enumerate(
        [("City", "Hotel", "Meals"), ("Berlin", "120 EUR", "30 EUR"), ("Oslo", "9 EUR", "5 EUR")]
    ):
        for column, cell in enumerate(row):
            canvas.drawString(-180 + 120 * column, -20 * number, cell)
    canvas.save()
    extracted = read_pdf(out.getvalue(), "a.pdf")
    assert "City: Berlin; Hotel: 120 EUR; Meals: 30 EUR\nCity: Oslo; Hotel: 9 EUR; Meals: 5 EUR" in extracted.text
    assert misplaced(out.getvalue(), extracted) == []
