"""The reader of PDF files, on files made by reportlab."""

import pytest

from ingest.readers import read_document
from rag_app.errors import ReadError
from tests.corpus_makers import PARAGRAPH, pdf, pdf_of_images, pdf_of_lines, pdf_table


def test_each_section_lies_on_one_page_and_the_lines_of_a_paragraph_are_joined() -> None:
    extracted = read_document(pdf([PARAGRAPH, "Second."], [PARAGRAPH]), "a.pdf")
    assert extracted.pages == 2
    assert [section.page for section in extracted.sections] == [1, 2]
    assert extracted.text == f"{PARAGRAPH}\n\nSecond.\n\n{PARAGRAPH}"


def test_headings_are_known_by_their_size() -> None:
    extracted = read_document(pdf(["# Leave", PARAGRAPH, "# Travel", PARAGRAPH], [PARAGRAPH]), "a.pdf")
    assert [(s.heading, s.page) for s in extracted.sections] == [("Leave", 1), ("Travel", 1), ("Travel", 2)]


def test_headings_are_known_by_the_outline() -> None:
    extracted = read_document(pdf(["# Leave", PARAGRAPH], ["# Travel", PARAGRAPH], outline=True), "a.pdf")
    assert [(s.heading, s.page) for s in extracted.sections] == [("Leave", 1), ("Travel", 2)]


@pytest.mark.parametrize("count", [2, 4])
def test_page_headers_footers_and_numbers_are_left_out(count: int) -> None:
    pages = [[f"Rule {number}.", PARAGRAPH] for number in range(1, count + 1)]
    text = read_document(pdf(*pages, footer="Brackwater handbook"), "a.pdf").text
    assert "Brackwater" not in text
    assert "Page" not in text
    assert all(f"Rule {number}." in text for number in range(1, count + 1))


def test_a_line_that_stands_on_two_pages_only_is_no_page_header() -> None:
    text = read_document(pdf(["Same line.", PARAGRAPH], ["Same line.", PARAGRAPH]), "a.pdf").text
    assert text.count("Same line.") == 2


def test_a_word_broken_at_the_end_of_a_line_is_put_together() -> None:
    lines = [
        "The handbook says that the transfer of infor-",
        "mation between offices is encrypted at all ti-",
        "mes, and that a well-known certificate is used.",
    ]
    text = read_document(pdf_of_lines(lines), "a.pdf").text
    assert text == (
        "The handbook says that the transfer of information between offices is encrypted at all times, "
        "and that a well-known certificate is used."
    )


def test_a_word_that_is_known_with_its_hyphen_only_keeps_it() -> None:
    lines = [
        "Up to ten days of leave can be taken as a carry-",
        "over, and the carry-over ends in March of the year.",
    ]
    assert "as a carry-over, and the carry-over" in read_document(pdf_of_lines(lines), "a.pdf").text


def test_short_lines_stay_lines() -> None:
    lines = ["Contacts", "Mail: help@brackwater.example", "Phone: 4711", "Open from nine to five on every working day"]
    assert read_document(pdf_of_lines(lines), "a.pdf").text.splitlines() == lines


def test_the_rows_of_a_table_name_their_columns() -> None:
    table = pdf_table([["City", "Hotel", "Meals"], ["Berlin", "120 EUR", "30 EUR"], ["Oslo", "180 EUR", "55 EUR"]])
    text = read_document(pdf([PARAGRAPH, table, PARAGRAPH]), "a.pdf").text
    assert "City: Berlin; Hotel: 120 EUR; Meals: 30 EUR\nCity: Oslo; Hotel: 180 EUR; Meals: 55 EUR" in text


def test_text_beyond_the_basic_plane_is_kept_whole() -> None:
    text = read_document(pdf(["Fine: ﬁve €"]), "a.pdf").text
    assert text.startswith("Fine: ")
    assert text.encode("utf-8")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (pdf([PARAGRAPH])[:700], "is truncated: its end is missing"),
        (pdf(*[[PARAGRAPH] * 5] * 4)[:-300], "is truncated: its end is missing"),
        (pdf([PARAGRAPH], password="secret"), "is protected by a password. Save a copy without"),
        (pdf_of_images(3), "has no text layer: its 3 pages are images"),
        (pdf([], []), "has no text: it is empty on all its pages"),
        (b"Just some words.", "is not a PDF"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 9 + b"%%EOF", "is damaged"),
    ],
    ids=["no bytes", "truncated", "cut off near its end", "password", "scanned", "blank", "text", "damaged"],
)
def test_a_pdf_that_cannot_be_read_says_why_and_what_to_do(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=rf"^a\.pdf {reason}"):
        read_document(data, "a.pdf")
