"""Lines of a PDF page with their places, and how they join into paragraphs, headings and tables.

PDFium gives characters with boxes. Places are in points from the lower left corner of the page.
"""

import ctypes
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

_LINE_END_HYPHENS = "\x02\ufffe\xad"
# A gap wider than this many line heights parts the cells of a table.
_CELL_GAP = 1.2
_PARAGRAPH_GAP = 1.55
_LIST_MARK = re.compile(r"(?:[•‣▪●◦·–—*-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_TABLE_COLUMN_SLACK = 6.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Words of a line that stand close together."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; ``cells`` has more than one entry where wide gaps part its words."""

    text: str
    cells: tuple[Cell, ...]
    left: float
    right: float
    bottom: float
    top: float
    first_word_width: float
    ends_hyphenated: bool

    @property
    def height(self) -> float:
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page in the order of its content, and the page's height."""

    lines: list[Line]
    height: float


def page_lines(textpage: pdfium.FPDF_TEXTPAGE) -> list[Line]:
    """Return the lines of a page in the order of its content."""
    lines = (_line(chars) for chars in _character_lines(textpage))
    return [line for line in lines if line]


_Character = tuple[str, float, float, float, float]


def _character_lines(textpage: pdfium.FPDF_TEXTPAGE) -> Iterator[list[_Character]]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    box = tuple(map(ctypes.byref, (left, right, bottom, top)))
    loose = pdfium.FS_RECTF()
    loose_reference = ctypes.byref(loose)
    chars: list[_Character] = []
    high = 0
    for index in range(pdfium.FPDFText_CountChars(textpage)):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        if code in (10, 13):
            if chars:
                yield chars
                chars = []
            continue
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
        high = 0
        pdfium.FPDFText_GetCharBox(textpage, index, *box)
        pdfium.FPDFText_GetLooseCharBox(textpage, index, loose_reference)
        # PDFium gives no line end after a hyphen that it takes for a syllable break.
        if (
            chars
            and chars[-1][0] in _LINE_END_HYPHENS
            and loose.top < chars[-1][3] + 0.5 * (chars[-1][4] - chars[-1][3])
        ):
            yield chars
            chars = []
        chars.append((chr(code), left.value, right.value, loose.bottom, loose.top))
    if chars:
        yield chars


def _line(chars: list[_Character]) -> Line | None:
    seen = [c for c in chars if not c[0].isspace() and c[0] not in _LINE_END_HYPHENS]
    if not seen:
        return None
    bottom, top = median(c[3] for c in seen), median(c[4] for c in seen)
    cells = _cells(chars, gap=_CELL_GAP * max(top - bottom, 1.0))
    words = "  ".join(cell.text for cell in cells)
    left, right = min(c[1] for c in seen), max(c[2] for c in seen)
    ends_hyphenated = chars[-1][0] in _LINE_END_HYPHENS or (words.endswith(("-", "\u2010")) and words[-2:-1].isalpha())
    return Line(words, cells, left, right, bottom, top, _first_word_width(chars), ends_hyphenated)


def _cells(chars: list[_Character], gap: float) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    text: list[str] = []
    left = right = 0.0
    for char, low, high, _, _ in chars:
        if char.isspace():
            text.append(" ")
            continue
        if text and not cells and not "".join(text).strip():
            text = []
        if text and low - right > gap:
            cells.append(Cell("".join(text).strip(), left, right))
            text = []
        if not "".join(text).strip():
            text, left = [], low
        text.append("-" if char in _LINE_END_HYPHENS else char)
        right = max(high, right) if text[1:] else high
    if "".join(text).strip():
        cells.append(Cell("".join(text).strip(), left, right))
    return tuple(cells)


def _first_word_width(chars: list[_Character]) -> float:
    start: float | None = None
    end = 0.0
    for char, low, high, _, _ in chars:
        if char.isspace():
            if start is not None:
                break
            continue
        start = low if start is None else start
        end = high
    return end - (start or 0.0)


def paragraphs(lines: Sequence[Line], *, levels: Sequence[int | None]) -> Iterator[list[int]]:
    """Yield the numbers of the lines that make one paragraph, table or heading each, in order.

    ``levels`` has the level of each line that is a heading, and None for the others.
    """
    group: list[int] = []
    spacing = _usual_spacing(lines)
    for number in range(len(lines)):
        if group and _starts_new(lines, number, levels=levels, spacing=spacing):
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _usual_spacing(lines: Sequence[Line]) -> float:
    steps = [a.bottom - b.bottom for a, b in itertools.pairwise(lines) if 0 < a.bottom - b.bottom < 3 * a.height]
    return median(steps) if steps else 0.0


def _starts_new(lines: Sequence[Line], number: int, *, levels: Sequence[int | None], spacing: float) -> bool:
    above, line = lines[number - 1], lines[number]
    if levels[number] != levels[number - 1]:
        return True
    step = above.bottom - line.bottom
    return step < 0 or step > _PARAGRAPH_GAP * max(min(spacing, 1.3 * above.height), above.height)


def join_lines(lines: Sequence[Line], *, right_edge: float, vocabulary: frozenset[str]) -> str:
    """Join the lines of a paragraph: wrapped ones with a space, those that were ended on purpose with a newline.

    A line was wrapped when the first word of the next one had no room left on it. A hyphen at the end of a
    wrapped line is dropped, unless ``vocabulary`` (the document's words) knows the word only with it.
    """
    text = lines[0].text
    for above, line in itertools.pairwise(lines):
        room = right_edge - above.right
        wrapped = line.first_word_width + 0.2 * line.height > room and not _LIST_MARK.match(line.text)
        if not wrapped or len(above.cells) > 1:
            text += "\n" + line.text
        elif above.ends_hyphenated and line.text[:1].islower():
            text = _without_hyphen(text, line.text, vocabulary)
        else:
            text += " " + line.text
    return text


def _without_hyphen(text: str, following: str, vocabulary: frozenset[str]) -> str:
    stem = re.search(r"[\w-]*\w(?=[-\u2010]$)", text)
    ending = re.match(r"\w+", following)
    if stem and ending:
        hyphenated = f"{stem.group()}-{ending.group()}".lower()
        if hyphenated in vocabulary and hyphenated.replace("-", "") not in vocabulary:
            return text + following
    return text[:-1] + following


def table_rows(lines: Sequence[Line]) -> list[list[str]] | None:
    """Return the cells of lines that stand in columns, or None where they are no table.

    A line that fills only some columns, and not the first, continues the row above it.
    """
    if len(lines) < 2 or sum(len(line.cells) > 1 for line in lines) < max(2, len(lines) * 2 // 3):
        return None
    widest = max(lines, key=lambda line: len(line.cells))
    starts = [cell.left for cell in widest.cells]
    ends = [cell.right for cell in widest.cells]
    rows: list[list[str]] = []
    for line in lines:
        row = [""] * len(starts)
        for cell in line.cells:
            column = _column(cell, starts, ends)
            if column is None:
                return None
            row[column] = f"{row[column]} {cell.text}".strip()
            starts[column], ends[column] = min(starts[column], cell.left), max(ends[column], cell.right)
        if rows and not row[0] and sum(map(bool, row)) < len(row):
            rows[-1] = [f"{above} {here}".strip() for above, here in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    return rows if len(rows) > 1 else None


def _column(cell: Cell, starts: Sequence[float], ends: Sequence[float]) -> int | None:
    overlaps = [min(cell.right, end) - max(cell.left, start) for start, end in zip(starts, ends, strict=True)]
    best = max(range(len(starts)), key=overlaps.__getitem__)
    return best if overlaps[best] > -_TABLE_COLUMN_SLACK else None
