"""Make the PDF and Word files of the sample handbook from data/sources.

    python data/make_handbook.py [FOLDER]      FOLDER is data/handbook unless named

A source is Markdown of the plainest kind: headings, paragraphs, lists, tables, and ``---`` for a new page of a
PDF. The same sources and the same versions of reportlab and python-docx give the same bytes.
"""

import io
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import docx
from docx.shared import Pt
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

DATA = Path(__file__).resolve().parent
SOURCES = DATA / "sources"
COMPANY = "Brackwater Instruments"

# The suffix that each source is made into; a source that is not here is a mistake.
FORMATS = {
    "company/minutes-2025-12-safety": ".docx",
    "finance/purchasing": ".docx",
    "hr/code-of-conduct": ".docx",
    "hr/employee-handbook": ".pdf",
    "hr/onboarding": ".docx",
    "hr/performance-review": ".docx",
    "it/security-policy": ".pdf",
    "offices/health-and-safety": ".pdf",
    "offices/lab-safety": ".docx",
    "product/heron-20-datasheet": ".pdf",
    "product/heron-40-datasheet": ".pdf",
    "product/otter-3-installation": ".pdf",
}

_INK = colors.HexColor("#16323f")
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=13, spaceAfter=11)
_ITEM = ParagraphStyle("item", parent=_BODY, leftIndent=14, bulletIndent=2, spaceAfter=4)
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=9.5, leading=12, spaceAfter=0)
_HEAD_CELL = ParagraphStyle("head cell", parent=_CELL, fontName="Helvetica-Bold")
_HEADINGS = {
    1: ParagraphStyle("h1", parent=_BODY, fontName="Helvetica-Bold", fontSize=20, leading=26, textColor=_INK),
    2: ParagraphStyle("h2", parent=_BODY, fontName="Helvetica-Bold", fontSize=14.5, leading=20, spaceBefore=8),
    3: ParagraphStyle("h3", parent=_BODY, fontName="Helvetica-Bold", fontSize=11.8, leading=16, spaceBefore=5),
}
for _style in _HEADINGS.values():
    _style.keepWithNext = 1


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a source: ``kind`` is heading, text, bullet, number, table or page."""

    kind: str
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


def parse(source: str) -> Iterator[Block]:
    """Yield the blocks of a source in order. A block is a run of lines without an empty one."""
    for piece in re.split(r"\n\s*\n", source.strip()):
        lines = piece.splitlines()
        heading = re.fullmatch(r"(#{1,3}) (.+)", piece)
        if heading:
            yield Block("heading", heading.group(2), len(heading.group(1)))
        elif piece == "---":
            yield Block("page")
        elif lines[0].startswith("| "):
            rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
            yield Block("table", rows=(rows[0], *rows[2:]))
        elif lines[0].startswith("- "):
            yield from (Block("bullet", line.removeprefix("- ")) for line in lines)
        elif re.match(r"1\. ", lines[0]):
            yield from (Block("number", line.partition(". ")[2], number) for number, line in enumerate(lines, start=1))
        else:
            yield Block("text", " ".join(lines))


class _Heading(Paragraph):  # type: ignore[misc]
    """A heading that also stands in the outline of the file."""

    def __init__(self, text: str, level: int) -> None:
        super().__init__(escape(text), _HEADINGS[level])
        self._entry = (text, level)

    def draw(self) -> None:
        text, level = self._entry
        key = f"{self.canv.getPageNumber()}-{text}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level - 1)
        super().draw()


def make_pdf(blocks: list[Block]) -> bytes:
    """Return a PDF with an outline, a running header and page numbers; the first heading is its title."""
    title = blocks[0].text
    target = io.BytesIO()

    def furnish(canvas: Canvas, template: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(22 * mm, A4[1] - 13 * mm, f"{COMPANY}: {title}")
        canvas.drawRightString(A4[0] - 22 * mm, 11 * mm, f"Page {template.page}")

    template = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=22 * mm,
        rightMargin=22 * mm,
        topMargin=22 * mm,
        bottomMargin=20 * mm,
        title=title,
        author=COMPANY,
        invariant=1,
    )
    template.build([_flowable(block) for block in blocks], onFirstPage=furnish, onLaterPages=furnish)
    return target.getvalue()


def _flowable(block: Block) -> Flowable:
    if block.kind == "heading":
        return _Heading(block.text, block.level)
    if block.kind == "page":
        return PageBreak()
    if block.kind == "table":
        return _pdf_table(block)
    if block.kind in ("bullet", "number"):
        mark = "-" if block.kind == "bullet" else f"{block.level}."
        return Paragraph(escape(block.text), _ITEM, bulletText=mark)
    return Paragraph(escape(block.text), _BODY) if block.text else Spacer(1, 1)


def _pdf_table(block: Block) -> Table:
    cells = [
        [Paragraph(escape(cell), _CELL if number else _HEAD_CELL) for cell in row]
        for number, row in enumerate(block.rows)
    ]
    longest = [max(len(row[column]) for row in block.rows) for column in range(len(block.rows[0]))]
    shares = [min(max(length, 10), 45) for length in longest]
    width = A4[0] - 44 * mm
    table = Table(
        cells, colWidths=[width * share / sum(shares) for share in shares], repeatRows=1, spaceBefore=6, spaceAfter=12
    )
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e3ecef")),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return table


def make_docx(blocks: list[Block]) -> bytes:
    """Return a Word file with real headings, lists and tables, and without the time at which it was made."""
    document = docx.Document()
    document.styles["Normal"].font.size = Pt(11)
    properties = document.core_properties
    properties.title, properties.author = blocks[0].text, COMPANY
    properties.comments = ""
    properties.created = properties.modified = datetime(2026, 3, 1)  # the format knows no time zone
    document.sections[0].header.paragraphs[0].text = COMPANY
    styles = {"text": "Normal", "bullet": "List Bullet", "number": "List Number"}
    for block in blocks:
        if block.kind == "heading":
            document.add_heading(block.text, block.level)
        elif block.kind == "table":
            _add_docx_table(document, block)
        elif block.kind in styles:
            document.add_paragraph(block.text, styles[block.kind])
    target = io.BytesIO()
    document.save(target)
    return _without_times(target.getvalue())


def _add_docx_table(document: "docx.document.Document", block: Block) -> None:
    table = document.add_table(rows=0, cols=len(block.rows[0]), style="Table Grid")
    for number, row in enumerate(block.rows):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.paragraphs[0].add_run(text).bold = True if number == 0 else None
    document.add_paragraph()


def _without_times(package: bytes) -> bytes:
    """Return a zip file whose entries all carry the same date, so that its bytes depend on its content alone."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (2026, 3, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def main(folder: Path) -> None:
    """Make every file of FORMATS under a folder."""
    makers = {".pdf": make_pdf, ".docx": make_docx}
    found = {path.relative_to(SOURCES).with_suffix("").as_posix() for path in SOURCES.rglob("*.md")}
    if found != set(FORMATS):
        raise SystemExit(f"data/sources and FORMATS differ in {sorted(found ^ set(FORMATS))}. Make them agree.")
    for name, suffix in FORMATS.items():
        blocks = list(parse((SOURCES / f"{name}.md").read_text(encoding="utf-8")))
        path = folder / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(makers[suffix](blocks))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "handbook")
