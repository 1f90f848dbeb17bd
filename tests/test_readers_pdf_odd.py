"""PDFs that are damaged, filled in, commented, huge or in scripts of their own, and pictures of their pages."""

import io
import random

import pypdf
import pytest
from PIL import Image
from pypdf.annotations import FreeText, Text
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from ingest.readers import read_document
from ingest.readers.pdf_page import render_page
from ingest.readers.pdf_places import boxes_of
from rag_app.errors import ReadError
from rag_app.records import ExtractedText, TextBox
from tests.corpus_makers import PARAGRAPH, pdf, pdf_table
from tests.scans import saved


def written(writer: pypdf.PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def form() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    canvas.drawString(72, 700, "Name of the applicant:")
    canvas.acroForm.textfield(name="applicant", value="Ada Lovelace", x=220, y=690, width=200, height=20)
    canvas.drawString(72, 640, "The form ends here.")
    canvas.save()
    return out.getvalue()


def three_pages(*, damage: int | None = None) -> bytes:
    """Return three pages; the content of one can be replaced by nonsense."""
    writer = pypdf.PdfWriter(io.BytesIO(pdf(["First."], ["Second."], ["Third."])))
    if damage is not None:
        kids = writer.root_object["/Pages"]["/Kids"]  # type: ignore[index]
        kids[damage] = pypdf.generic.NumberObject(7)
    return written(writer)


def test_what_was_filled_into_a_form_stands_beside_its_label() -> None:
    assert read_document(form(), "a.pdf").text.splitlines()[0] == "Name of the applicant: Ada Lovelace"


def test_a_field_that_is_filled_in_but_not_drawn_is_read() -> None:
    writer = pypdf.PdfWriter(io.BytesIO(form()))
    for annotation in writer.pages[0]["/Annots"]:  # type: ignore[attr-defined]
        field = annotation.get_object()
        field[pypdf.generic.NameObject("/V")] = pypdf.generic.TextStringObject("Grace Hopper")
        del field["/AP"]
    assert "Grace Hopper" in read_document(written(writer), "a.pdf").text


def test_comments_are_read_and_placed_at_their_marks() -> None:
    writer = pypdf.PdfWriter(io.BytesIO(pdf(["The lease ends in May."])))
    writer.add_annotation(0, FreeText(text="Seen by the board", rect=(300, 500, 450, 530)))
    writer.add_annotation(0, Text(text="Check this date", rect=(300, 400, 320, 420)))
    extracted = read_document(written(writer), "a.pdf")
    assert extracted.text == "The lease ends in May.\n\nSeen by the board\n\nCheck this date"
    (box,) = boxes_of(extracted.boxes, len(extracted.text) - len("date"), len(extracted.text))
    assert (box.left, box.top) == pytest.approx((300 / A4[0], 1 - 420 / A4[1]), abs=0.002)


def test_attached_files_are_noted() -> None:
    writer = pypdf.PdfWriter(io.BytesIO(pdf([PARAGRAPH])))
    writer.add_attachment("prices.xlsx", b"anything")
    assert read_document(written(writer), "a.pdf").notes == ("1 attached file not read: prices.xlsx",)


def test_a_font_that_does_not_tell_its_letters_is_no_text() -> None:
    broken = pdf([PARAGRAPH]).replace(b"/WinAnsiEncoding", b"/Identity-H     ")
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    canvas.drawString(72, 700, "\ue001\ue002\ue003 \ue004\ue005" * 9)
    canvas.save()
    for data in (broken, out.getvalue()):
        try:
            text = read_document(data, "a.pdf").text
        except ReadError as error:
            assert "has no text" in str(error)
        else:
            assert not any("\ue000" <= character <= "\uf8ff" for character in text)


@pytest.mark.parametrize(
    ("font", "lines"),
    [
        ("HeiseiMin-W3", ["年次有給休暇は十日まで翌年に繰り越すことが", "できます。申請書は三月末までに出してくださ"]),
        ("STSong-Light", ["员工最多可以将十天年假结转到下一年度使用并", "且必须在三月底之前用完否则将自动失效不予补"]),
    ],
    ids=["Japanese", "Chinese"],
)
def test_lines_of_scripts_without_spaces_are_joined_without_spaces(font: str, lines: list[str]) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(font))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    canvas.setFont(font, 12)
    for number, line in enumerate(lines):
        canvas.drawString(72, 700 - 15 * number, line)
    canvas.save()
    extracted = read_document(out.getvalue(), "a.pdf")
    assert extracted.text == "".join(lines)
    first, second = boxes_of(extracted.boxes, 18, 24)
    assert (first.end, second.start) == (21, 21)
    assert first.top < first.bottom < second.bottom


def test_a_damaged_page_costs_only_itself() -> None:
    extracted = read_document(three_pages(damage=1), "a.pdf")
    assert "First." in extracted.text
    assert "Third." in extracted.text
    assert extracted.notes == ("page 2 could not be read: damaged",)


def test_damage_anywhere_is_a_read_error_or_some_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    whole = pdf(["# Leave", PARAGRAPH, pdf_table([["City", "Hotel"], ["Oslo", "9 EUR"]])], [PARAGRAPH], outline=True)
    outcomes = set()
    for seed in range(150):
        chance = random.Random(seed)
        data = bytearray(whole if seed % 3 else form())
        for _ in range(chance.choice([1, 5, 30, 200])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            extracted = read_document(bytes(data), "a.pdf")
        except ReadError as error:
            assert str(error).startswith("a.pdf")
            outcomes.add("refused")
        else:
            assert all(0 <= box.start < box.end <= len(extracted.text) for box in extracted.boxes)
            outcomes.add("read")
    assert outcomes == {"refused", "read"}


def test_thousands_of_pages_are_read() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for number in range(3_000):
        canvas.drawString(72, 700, f"Rule {number}.")
        canvas.showPage()
    canvas.save()
    extracted = read_document(out.getvalue(), "a.pdf")
    assert (extracted.pages, len(extracted.boxes)) == (3_000, 3_000)
    assert extracted.text.endswith("Rule 2999.")


@pytest.mark.parametrize("size", [(14_400, 14_400), (4, 4), (14_400, 2)], ids=["huge", "tiny", "long"])
def test_a_page_of_any_size_is_read_and_drawn(size: tuple[float, float]) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=size)
    canvas.drawString(0, 0, "Some words on an odd page.")
    canvas.save()
    assert "Some words" in read_document(out.getvalue(), "a.pdf").text
    image = Image.open(io.BytesIO(render_page(out.getvalue(), 1, scale=4.0)))
    assert image.width * image.height <= 16_100_000


def marked(extracted: ExtractedText, words: str) -> list[TextBox]:
    start = extracted.text.index(words)
    return boxes_of(extracted.boxes, start, start + len(words))


def test_a_quote_is_marked_on_the_picture_of_its_page() -> None:
    data = pdf([PARAGRAPH], [PARAGRAPH, "The train leaves at noon."])
    boxes = marked(read_document(data, "a.pdf"), "leaves at noon")
    plain = Image.open(io.BytesIO(render_page(data, 2)))
    shown = Image.open(io.BytesIO(render_page(data, 2, boxes)))
    assert plain.size == shown.size
    (box,) = boxes
    inside = (round(box.left * shown.width) + 1, round(box.top * shown.height) + 1)
    assert plain.getpixel(inside) == (255, 255, 255)
    assert shown.getpixel(inside) == (255, 231, 112)
    assert shown.getpixel((3, 3)) == (255, 255, 255)
    assert render_page(data, 1, boxes) == render_page(data, 1)


def test_a_place_is_marked_on_a_picture_too() -> None:
    data = saved(Image.new("L", (400, 300), 255), "PNG")
    shown = Image.open(io.BytesIO(render_page(data, 1, [TextBox(0, 5, 1, 0.5, 0.5, 0.75, 0.6)])))
    assert shown.size == (400, 300)
    assert shown.getpixel((250, 160)) == (255, 231, 112)


@pytest.mark.parametrize("data", [pdf([PARAGRAPH]), saved(Image.new("L", (40, 30)), "PNG")], ids=["pdf", "picture"])
def test_a_page_that_is_not_there_is_named(data: bytes) -> None:
    with pytest.raises(ReadError, match=r"^a\.pdf has no page 2"):
        render_page(data, 2, name="a.pdf")
