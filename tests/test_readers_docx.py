"""Reading Word files, made by python-docx."""

import io
import zipfile

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from ingest.readers import read_document
from rag_app.errors import ReadError
from rag_app.records import ExtractedText
from tests.corpus_makers import handbook_word, word


def read(data: bytes) -> ExtractedText:
    return read_document(data, "a.docx")


def test_a_word_file_is_read_in_the_order_of_its_page() -> None:
    extracted = read(handbook_word())
    assert extracted.title == "Travel Policy"
    assert [section.heading for section in extracted.sections] == ["Booking", "Booking > Allowances"]
    assert extracted.text == (
        "Travel Policy\n\nBooking\n\nBook trains before planes.\n\n- Ask your manager\n- Use the portal\n\n"
        "Allowances\n\nCity: Berlin; Hotel: 120; Meals: 30\nCity: Oslo; Hotel: 180; Meals: 55\n\n"
        "Receipts are due within 14 days."
    )


def test_tracked_deletions_are_left_out_and_insertions_kept() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Notice is ")
    for tag, text, holder in (("w:del", "two", "w:delText"), ("w:ins", "three", "w:t")):
        change, run, words = OxmlElement(tag), OxmlElement("w:r"), OxmlElement(holder)
        words.text = text
        run.append(words)
        change.append(run)
        paragraph._p.append(change)
    paragraph.add_run(" months.")
    assert read(word(document)).text == "Notice is three months."


def test_a_two_column_table_with_a_bold_first_row_has_a_header() -> None:
    document = docx.Document()
    table = document.add_table(rows=2, cols=2)
    for cell, value in zip(table.rows[0].cells, ("Grade", "Notice"), strict=True):
        cell.paragraphs[0].add_run(value).bold = True
    for cell, value in zip(table.rows[1].cells, ("Senior", "3 months"), strict=True):
        cell.text = value
    assert read(word(document)).text == "Grade: Senior; Notice: 3 months"


def test_a_tab_stop_is_no_tab() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Words")
    paragraph.paragraph_format.tab_stops.add_tab_stop(914400)
    assert paragraph._p.find(f".//{qn('w:tab')}") is not None
    assert read(word(document)).text == "Words"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[: len(data) // 2], "is damaged or no Word document"),
        (lambda data: b"hello", "is damaged or no Word document"),
        (lambda data: b"\xd0\xcf\x11\xe0" + data, r"is password-protected or in the old \.doc format"),
    ],
)
def test_a_word_file_that_cannot_be_read_says_why(damage: object, reason: str) -> None:
    assert callable(damage)
    with pytest.raises(ReadError, match=rf"a\.docx {reason}"):
        read(damage(handbook_word()))


def test_a_zip_that_is_no_word_file_says_so() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("x.txt", "x")
    with pytest.raises(ReadError, match="no Word document"):
        read(out.getvalue())


def test_a_word_file_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package,
        package.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(410):
            part.write(b" " * 2**20)
    assert len(out.getvalue()) < 2**20
    with pytest.raises(ReadError, match="would unpack to 410 MB"):
        read(out.getvalue())
