"""Tables in PDFs, framed or not, as programs set them: row after row or cell after cell."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table

from ingest.readers import read_document
from ingest.readers.pdf_places import boxes_of
from tests.corpus_makers import PARAGRAPH, STYLES, pdf

GRID = ("GRID", (0, 0), (-1, -1), 0.5, colors.black)
TOP = ("VALIGN", (0, 0), (-1, -1), "TOP")
STRIPES = ("ROWBACKGROUNDS", (0, 0), (-1, -1), [colors.whitesmoke, colors.lightgrey])
RULES = [("LINEABOVE", (0, 0), (-1, 0), 1, colors.black), ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black)]
ROLES = [
    ["Role", "What it may do", "Limit"],
    ["Manager", "Approves travel within the country and orders equipment for the team after asking the board", "500"],
    ["Director", "Approves travel abroad", "5,000"],
    ["Board", "Approves everything else, in particular buildings, mergers and long contracts", "none"],
]
PARTS = [["Part", "Torque", "Tool"], ["Bolt M6", "9 Nm", "T30"], ["Bolt M8", "22 Nm", "T40"], ["Nut M10", "44 Nm", ""]]


def told(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(
        "; ".join(f"{name}: {cell}" for name, cell in zip(rows[0], row, strict=True) if cell) for row in rows[1:]
    )


def read_table(rows: Sequence[Sequence[Any]], widths: Sequence[int], *style: Any) -> str:
    text = read_document(pdf([PARAGRAPH, Table(rows, colWidths=widths, style=list(style)), PARAGRAPH]), "a.pdf").text
    assert text.startswith(PARAGRAPH)
    assert text.endswith(PARAGRAPH)
    return text[len(PARAGRAPH) : -len(PARAGRAPH)].strip("\n")


@pytest.mark.parametrize(
    "style", [[GRID, TOP], [GRID], [TOP], [TOP, STRIPES]], ids=["framed", "framed, centred", "bare", "striped"]
)
def test_cells_of_several_lines_stay_together(style: list[Any]) -> None:
    rows = [[Paragraph(cell, STYLES["BodyText"]) for cell in row] for row in ROLES]
    assert read_table(rows, [80, 250, 80], *style) == told(ROLES)


@pytest.mark.parametrize(
    ("widths", "style"),
    [([120, 80, 80], RULES), ([120, 80, 80], []), ([45, 35, 25], [GRID])],
    ids=["rules above and below the header", "bare", "framed and narrow"],
)
def test_cells_of_one_line_are_told_with_their_columns(widths: list[int], style: list[Any]) -> None:
    assert read_table(PARTS, widths, *style) == told(PARTS)


def test_cells_that_span_several_are_told_with_each() -> None:
    rows = [
        ["Region", "2024", "", "2025", ""],
        ["", "Q1", "Q2", "Q1", "Q2"],
        ["North", "1", "2", "3", "4"],
        ["South", "5", "6", "7", "8"],
    ]
    spans = [("SPAN", (1, 0), (2, 0)), ("SPAN", (3, 0), (4, 0)), ("SPAN", (0, 0), (0, 1))]
    assert read_table(rows, [70] * 5, GRID, *spans) == (
        "Region: North; 2024 Q1: 1; 2024 Q2: 2; 2025 Q1: 3; 2025 Q2: 4\n"
        "Region: South; 2024 Q1: 5; 2024 Q2: 6; 2025 Q1: 7; 2025 Q2: 8"
    )


def test_two_columns_are_labels_and_values() -> None:
    rows = [["Warranty:", "24 months"], ["Weight", "1.2 kg"], ["Colour", "grey or black"]]
    assert read_table(rows, [100, 200], GRID) == "Warranty: 24 months\nWeight: 1.2 kg\nColour: grey or black"


def test_text_in_a_frame_is_text() -> None:
    frame = ("BOX", (0, 0), (-1, -1), 1, colors.black)
    text = read_table([[Paragraph(PARAGRAPH, STYLES["BodyText"])]], [400], frame)
    assert " ".join(text.split()) == PARAGRAPH


def test_a_value_of_a_table_is_marked_with_the_name_of_its_column() -> None:
    data = pdf([PARAGRAPH, Table(PARTS, colWidths=[120, 80, 80], style=[GRID]), PARAGRAPH])
    extracted = read_document(data, "a.pdf")
    start = extracted.text.index("Torque: 22 Nm")
    name, value = boxes_of(extracted.boxes, start, start + len("Torque: 22 Nm"))
    assert extracted.text[name.start : name.end] == "Torque"
    assert extracted.text[value.start : value.end] == "22 Nm"
    assert name.bottom < value.top
    assert abs(name.left - value.left) < 0.01


def test_a_table_of_contents_is_no_table() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    entries = [("1", "Introduction", 72), ("1.1", "Purpose", 90), ("1.2", "Scope", 90), ("2", "Leave", 72)]
    for number, (mark, title, left) in enumerate(entries):
        canvas.drawString(left, 700 - 16 * number, mark)
        canvas.drawString(left + 40, 700 - 16 * number, f"{title} {'. ' * 30}{number + 1}")
    canvas.save()
    lines = read_document(out.getvalue(), "a.pdf").text.splitlines()
    assert [line.partition(" .")[0] for line in lines if line] == [f"{mark} {title}" for mark, title, _ in entries]
