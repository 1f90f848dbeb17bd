"""Lines of words with their places on a page, and how a page lies.

Places are in points from the lower left corner of the page as it is shown: cropped, turned by the page's own
rotation, and turned once more where the text runs up or down the page, so that lines are always level.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

# A gap wider than this many line heights parts the cells of a table.
_CELL_GAP = 1.2


class Word(NamedTuple):
    """Characters of a line without a space between them; ``spaced`` says whether a space stands before them."""

    text: str
    left: float
    right: float
    spaced: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """Words of a line that stand close together."""

    text: str
    left: float
    right: float
    marks: "array[float]"
    """Start and end in ``text``, left and right of each word: a large document has millions of them."""

    @property
    def words(self) -> list[Word]:
        found = []
        for at in range(0, len(self.marks), 4):
            start, end = int(self.marks[at]), int(self.marks[at + 1])
            spaced = not start or self.text[start - 1] == " "
            found.append(Word(self.text[start:end], self.marks[at + 2], self.marks[at + 3], spaced))
        return found


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; ``cells`` has more than one entry where wide gaps part its words.

    A table that was found whole stands among the lines as one that has ``rows``, of what a table's rows are made.
    """

    text: str
    cells: tuple[Cell, ...]
    left: float
    right: float
    bottom: float
    top: float
    first_word_width: float
    ends_hyphenated: bool
    rows: tuple[Any, ...] | None = None

    @property
    def height(self) -> float:
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class Frame:
    """How a page lies: its width and height in points as read, and the way back to the page as shown.

    ``x`` and ``y`` map the file's coordinates to those of the lines; ``turns`` counts the quarter turns, clockwise,
    that the text was given to make its lines level.
    """

    width: float
    height: float
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    turns: int = 0

    def turned(self, turns: int) -> "Frame":
        """Return the frame after so many more quarter turns, clockwise."""
        frame = self
        for _ in range(turns % 4):
            (a, b, c), x = frame.x, frame.y
            frame = Frame(frame.height, frame.width, x, (-a, -b, frame.width - c), (frame.turns + 1) % 4)
        return frame

    def place(self, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        """Return a rectangle of the file's coordinates in those of the lines, as left, bottom, right, top."""
        (a, b, c), (d, e, f) = self.x, self.y
        if b == 0 == d and a > 0 < e and left <= right and bottom <= top:
            # Most pages are not turned, and every word comes through here.
            return a * left + c, e * bottom + f, a * right + c, e * top + f
        x0, x1 = a * left + b * bottom + c, a * right + b * top + c
        y0, y1 = d * left + e * bottom + f, d * right + e * top + f
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def shares(self, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        """Return a rectangle of the lines as left, top, right, bottom: shares of the page as it is shown."""
        box = (left / self.width, 1 - top / self.height, right / self.width, 1 - bottom / self.height)
        for _ in range(self.turns):
            x0, y0, x1, y1 = box
            box = (y0, 1 - x1, y1, 1 - x0)
        x0, y0, x1, y1 = (min(max(share, 0.0), 1.0) for share in box)
        return x0, y0, x1, y1


LEVEL = Frame(1.0, 1.0, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page in the order of its content, and how the page lies."""

    lines: list[Line]
    frame: Frame

    @property
    def height(self) -> float:
        return self.frame.height


def line_of_words(words: list[Word], bottom: float, top: float) -> Line:
    """Return the words as a line between these heights, in cells where wide gaps part them."""
    cells = _cells(words, gap=_CELL_GAP * max(top - bottom, 1.0))
    text = "  ".join(cell.text for cell in cells)
    left, right = min(cell.left for cell in cells), max(cell.right for cell in cells)
    ends_hyphenated = text.endswith(("-", "\u2010")) and text[-2:-1].isalpha()
    return Line(text, cells, left, right, bottom, top, _first_word_width(cells[0].words), ends_hyphenated)


def _first_word_width(words: Sequence[Word]) -> float:
    """Return how wide the first word is, with all the pieces that it was cut into."""
    following = (number for number, word in enumerate(words) if number and word.spaced)
    last = words[next(following, len(words)) - 1]
    return last.right - words[0].left


def _cells(words: list[Word], gap: float) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    members: list[Word] = []
    for word in words:
        if members and word.left - members[-1].right > gap:
            cells.append(_cell(members))
            members = []
        members.append(word)
    cells.append(_cell(members))
    return tuple(cells)


def _cell(words: list[Word]) -> Cell:
    text = ""
    marks = array("f")
    for word in words:
        start = len(text) + bool(text and word.spaced)
        text = f"{text} {word.text}" if start > len(text) else text + word.text
        marks.extend((start, len(text), word.left, word.right))
    return Cell(text, min(word.left for word in words), max(word.right for word in words), marks)


def as_they_stand(lines: Sequence[Line]) -> list[Line]:
    """Return lines from top to bottom, those at one height joined to one, whatever the order of the content."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: -(line.bottom + line.top)):
        above = rows[-1][0] if rows else None
        if above and above.bottom < (line.bottom + line.top) / 2 < above.top:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_side_by_side(row) for row in rows]


def _side_by_side(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    words = sorted((word for line in row for cell in line.cells for word in cell.words), key=lambda word: word.left)
    spaced = [word._replace(spaced=True) for word in words]
    return line_of_words(spaced, median(line.bottom for line in row), median(line.top for line in row))
