"""Make real files for the tests of ingestion: whole ones, odd ones and broken ones."""

import io
import random
from collections.abc import Sequence
from pathlib import Path

import docx
from docx.document import Document as WordDocument
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

PARAGRAPH = (
    "Every employee may carry over up to ten days of annual leave into the next calendar year. The days that were "
    "carried over have to be taken before the end of March, after which they lapse without compensation. Managers "
    "confirm the number of days in January, and the people team publishes the list for each office."
)
STYLES = getSampleStyleSheet()


def pdf(
    *pages: Sequence[Flowable | str], password: str | None = None, footer: str = "", outline: bool = False
) -> bytes:
    """Return a PDF. A string is a paragraph; one that begins with "# " is a heading."""
    flow: list[Flowable] = []
    for number, page in enumerate(pages):
        flow.extend([PageBreak()] if number else [])
        for part in page:
            flow.extend([part] if isinstance(part, Flowable) else [_paragraph(part), Spacer(1, 8)])
    out = io.BytesIO()
    encryption = StandardEncryption(password) if password else None
    template = _Outlined if outline else SimpleDocTemplate
    document = template(out, pagesize=A4, encrypt=encryption)

    def margins(canvas: Canvas, _: SimpleDocTemplate) -> None:
        if footer:
            canvas.drawString(72, 800, footer)
            canvas.drawString(72, 40, f"Page {canvas.getPageNumber()} of {len(pages)}")

    document.build(flow, onFirstPage=margins, onLaterPages=margins)
    return out.getvalue()


class _Outlined(SimpleDocTemplate):  # type: ignore[misc]
    """Writes every heading into the outline."""

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - the name that reportlab calls
        if isinstance(flowable, Paragraph) and flowable.style.name == "Heading1":
            key = flowable.getPlainText()
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(key, key, level=0)


def _paragraph(text: str) -> Paragraph:
    heading = text.startswith("# ")
    return Paragraph(text[2:] if heading else text, STYLES["Heading1" if heading else "BodyText"])


def pdf_table(rows: Sequence[Sequence[str]]) -> Flowable:
    return Table(rows, colWidths=[150] * len(rows[0]))


def pdf_of_images(pages: int = 2) -> bytes:
    """Return a PDF as a scanner makes it: pictures and no text."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for _ in range(pages):
        canvas.rect(72, 72, 300, 500, fill=1)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def pdf_of_lines(lines: Sequence[str]) -> bytes:
    """Return a PDF with exactly these lines, as a typesetting program breaks them."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for number, line in enumerate(lines):
        canvas.drawString(72, 700 - 14 * number, line)
    canvas.save()
    return out.getvalue()


def word(document: WordDocument) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def handbook_word() -> bytes:
    """Return a Word file with title, headings, a list, a table and a closing paragraph, in this order."""
    document = docx.Document()
    document.add_heading("Travel Policy", level=0)
    document.add_heading("Booking", level=1)
    document.add_paragraph("Book trains before planes.")
    document.add_paragraph("Ask your manager", style="List Bullet")
    document.add_paragraph("Use the portal", style="List Bullet")
    document.add_heading("Allowances", level=2)
    table = document.add_table(rows=3, cols=3)
    for row, values in zip(
        table.rows, (("City", "Hotel", "Meals"), ("Berlin", "120", "30"), ("Oslo", "180", "55")), strict=True
    ):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    document.add_paragraph("Receipts are due within 14 days.")
    return word(document)


def write_corpus(folder: Path, files: int, *, seed: int = 0) -> None:
    """Fill a folder with text files of several paragraphs each, the same ones for the same seed."""
    chance = random.Random(seed)
    words = "leave office budget laptop travel parental invoice sensor warranty train manager review salary".split()
    for number in range(files):
        place = folder / f"part{number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        sentences = [
            f"The {chance.choice(words)} {chance.choice(words)} of {chance.choice(words)} {n} takes {n + 2} days."
            for n in range(chance.randrange(5, 60))
        ]
        (place / f"file{number:03}.md").write_text(
            f"# Rule {number}\n\n" + " ".join(sentences) + "\n", encoding="utf-8"
        )
