"""Lines of a PDF page with their places, from PDFium's characters."""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from ingest.readers.pdf_lines import Frame, Line, Page, Word, line_of_words

LINE_END_HYPHENS = "\x02\ufffe\xad"
_WORD = re.compile(r"\S+")
_LINE = re.compile(r"[^\r\n]+")
# Scripts without spaces are cut, so that the place of a phrase within the line stays known.
_LONGEST_WORD = 16
_ANGLES_ASKED = 40
_FRACTIONS = 1_000_000
# Ink that is lower than this, in points, is of dots and dashes, or of letters whose shapes are not known.
_LEAST_INK = 3.0


def page_frame(page: pypdfium2.PdfPage) -> Frame:
    """Return the frame of a page as it is shown; it respects the crop box and the page's rotation."""
    width, height = (max(side, 1e-3) for side in page.get_size())
    to_x, to_y = ctypes.c_int(), ctypes.c_int()

    def shown(x: float, y: float) -> tuple[float, float]:
        size = _FRACTIONS
        pdfium.FPDF_PageToDevice(page.raw, 0, 0, size, size, 0, x, y, ctypes.byref(to_x), ctypes.byref(to_y))
        return to_x.value / size * width, (1 - to_y.value / size) * height

    span = max(width, height)
    (x0, y0), (x1, y1), (x2, y2) = shown(0, 0), shown(span, 0), shown(0, span)
    return Frame(
        width,
        height,
        ((x1 - x0) / span, (x2 - x0) / span, x0),
        ((y1 - y0) / span, (y2 - y0) / span, y0),
    )


def read_page(page: pypdfium2.PdfPage) -> Page:
    """Return the lines of a page in the order of its content.

    Raises:
        PdfiumError: the page is damaged.
    """
    frame = page_frame(page)
    textpage = page.get_textpage()
    try:
        text = _characters(textpage.raw)
        turns = _quarter_turns(textpage.raw, len(text), frame)
        if turns:
            # PDFium tells lines apart as they are shown: only level ones come out in their order.
            textpage.close()
            page.set_rotation((page.get_rotation() + 90 * turns) % 360)
            textpage = page.get_textpage()
            text = _characters(textpage.raw)
            frame = frame.turned(turns)
        boxes = _Boxes(textpage.raw, frame)
        lines = (_line(words, ends_hyphenated=hyphen) for words, hyphen in _word_lines(text, boxes))
        return Page([line for line in lines if line], frame)
    finally:
        textpage.close()


def _characters(textpage: pdfium.FPDF_TEXTPAGE) -> str:
    """Return one character for each of PDFium's, so that places in the text are places on the page."""
    count = pdfium.FPDFText_CountChars(textpage)
    if count <= 0:
        return ""
    buffer = (ctypes.c_ushort * (count + 1))()
    written = pdfium.FPDFText_GetText(textpage, 0, count, buffer)
    text = bytes(buffer).decode("utf-16-le", errors="replace")[:count]
    if written == count + 1 and "\0" not in text and len(text) == count:
        return text
    # Some have no Unicode, or two code units: these are asked for one by one.
    return "".join(_character(pdfium.FPDFText_GetUnicode(textpage, index)) for index in range(count))


def _character(code: int) -> str:
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"


def _quarter_turns(textpage: pdfium.FPDF_TEXTPAGE, count: int, frame: Frame) -> int:
    """Return how many quarter turns, clockwise, make most of the text level."""
    if not count:
        return 0
    step = max(1, count // _ANGLES_ASKED)
    angles = [pdfium.FPDFText_GetCharAngle(textpage, index) for index in range(0, count, step)]
    # PDFium counts a character's angle clockwise and without the page's own rotation, which turns the file's x axis.
    own = math.atan2(frame.y[0] / frame.height, frame.x[0] / frame.width)
    turns = Counter(round((own - angle) / (math.pi / 2)) % 4 for angle in angles if angle >= 0)
    return turns.most_common(1)[0][0] if turns else 0


class _Boxes:
    """Asks PDFium for the places of characters."""

    def __init__(self, textpage: pdfium.FPDF_TEXTPAGE, frame: Frame) -> None:
        self._textpage = textpage
        self._place = frame.place
        self._sides = tuple(ctypes.c_double() for _ in range(4))
        self._references = tuple(map(ctypes.byref, self._sides))
        self._loose = pdfium.FS_RECTF()
        self._loose_reference = ctypes.byref(self._loose)

    def ink(self, index: int) -> tuple[float, float, float, float]:
        """Return left, bottom, right and top of what is drawn."""
        pdfium.FPDFText_GetCharBox(self._textpage, index, *self._references)
        left, right, bottom, top = self._sides
        return self._place(left.value, bottom.value, right.value, top.value)

    def line(self, index: int) -> tuple[float, float]:
        """Return bottom and top of the line that the character's font wants."""
        pdfium.FPDFText_GetLooseCharBox(self._textpage, index, self._loose_reference)
        loose = self._loose
        _, bottom, _, top = self._place(loose.left, loose.bottom, loose.right, loose.top)
        return bottom, top


class _Placed(NamedTuple):
    """A word with the line that its font wants, and with where its ink begins and ends."""

    word: Word
    bottom: float
    top: float
    low: float
    high: float


def _word_lines(text: str, boxes: _Boxes) -> Iterator[tuple[list[_Placed], bool]]:
    """Yield the words of each line, and whether the line ends in a hyphen that PDFium takes for a syllable break."""
    for line in _LINE.finditer(text):
        words: list[_Placed] = []
        for match in _WORD.finditer(text, line.start(), line.end()):
            spaced = True
            for start, end in _pieces(text, *match.span()):
                placed = _placed(text[start:end], start, boxes=boxes, spaced=spaced)
                # PDFium gives no line end after such a hyphen, nor always where a letter has no place.
                if words and _parted(words[-1], placed):
                    yield words, words[-1].word.text[-1] in LINE_END_HYPHENS
                    words = []
                words.append(placed)
                spaced = False
        if words:
            yield words, words[-1].word.text[-1] in LINE_END_HYPHENS


def _parted(one: _Placed, other: _Placed) -> bool:
    """Tell whether two words stand on different lines; what follows a column's end stands higher."""
    level = other.bottom < (one.bottom + one.top) / 2 < other.top
    return not level and (one.word.text[-1] in LINE_END_HYPHENS or other.word.right < one.word.left)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a word: it is cut after a syllable break and where it is long."""
    begin = start
    for at in range(start, end - 1):
        if text[at] in LINE_END_HYPHENS or at + 1 - begin >= _LONGEST_WORD:
            yield begin, at + 1
            begin = at + 1
    yield begin, end


def _placed(text: str, start: int, *, boxes: _Boxes, spaced: bool) -> _Placed:
    left, low, right, high = boxes.ink(start)
    end = start + len(text) - 1
    # A hyphen that PDFium made of a syllable break has no place of its own.
    if end > start and text[-1] in LINE_END_HYPHENS:
        end -= 1
    if end > start:
        other_left, other_low, other_right, other_high = boxes.ink(end)
        # Not by min and max: this is done for every word of a book.
        left = left if left < other_left else other_left
        low = low if low < other_low else other_low
        right = right if right > other_right else other_right
        high = high if high > other_high else other_high
    bottom, top = boxes.line(start)
    return _Placed(Word(text, left, right, spaced), bottom, top, low, high)


def _line(placed: list[_Placed], *, ends_hyphenated: bool) -> Line | None:
    words = [_shown(part.word) for part in placed]
    seen = [part for part, word in zip(placed, words, strict=True) if word.text]
    if not seen:
        return None
    bottom, top = _height(seen)
    line = line_of_words([word for word in words if word.text], bottom, top)
    return replace(line, ends_hyphenated=True) if ends_hyphenated else line


def _height(placed: list[_Placed]) -> tuple[float, float]:
    bottom, top = median(part.bottom for part in placed), median(part.top for part in placed)
    low, high = min(part.low for part in placed), max(part.high for part in placed)
    if top - bottom < 0.6 * (high - low) or (high - low > _LEAST_INK and top - bottom > 4 * (high - low)):
        # Some fonts say nothing of their height, or that they are far higher than any of their letters.
        return low, high
    return bottom, top


def _shown(word: Word) -> Word:
    if word.text[-1] not in LINE_END_HYPHENS or len(word.text) < 2:
        return word if word.text.strip(LINE_END_HYPHENS) else word._replace(text="")
    return word._replace(text=word.text[:-1] + "-")
