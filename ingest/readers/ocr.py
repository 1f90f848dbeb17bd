"""Recognise the text of pictures with Tesseract, a program [Apache-2.0] that its user installs beside rag_app.

The picture goes in and the words come out through pipes, so that nothing of a document is written to a disk.
"""

import io
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from ingest.readers.pdf_lines import Frame, Line, Page, Word, line_of_words
from ingest.readers.tesseract import INSTALL, find_program
from rag_app.errors import ReadError

if TYPE_CHECKING:
    from PIL import Image

_SECONDS = 100.0
# What a reader still does after recognition, and what a worker's alarm leaves to the other side.
_SPARE_SECONDS = 20.0
# All that is tried with one page, together.
_PAGE_SECONDS = 45.0
_LEAST_SECONDS = 0.1
_POINTS_PER_INCH = 72
# Tesseract was trained on letters of a height that print of the usual size has at this resolution.
DPI = 300
_LEAST_SIDE = 12
_LEAST_CERTAIN = 25.0
_DOUBTFUL = 60.0
_MOST_LANGUAGES = 4
_NO_LANGUAGES = {"osd", "equ", "snum"}
_LARGER = 1.35


class _Seen(NamedTuple):
    """A recognised word: its line's key, its place in pixels from the upper left corner, and how certain it is."""

    line: tuple[int, int, int]
    text: str
    left: int
    top: int
    right: int
    bottom: int
    certainty: float


@dataclass(slots=True)
class Recogniser:
    """Recognises one page after another while there is time, and notes what it could not do."""

    deadline: float = field(default_factory=lambda: time.monotonic() + _seconds_left())
    doubtful: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)

    def in_time(self, number: int) -> bool:
        """Tell whether there is time for another page, and note its number if not."""
        if time.monotonic() < self.deadline:
            return True
        self.late.append(number)
        return False

    def page(self, image: "Image.Image", *, number: int, dpi: float = DPI) -> Page:
        """Return the lines of a grey picture of a page; none where it took too long.

        Raises:
            ReadError: Tesseract cannot be run.
        """
        words: list[_Seen] = []
        turns = 0
        try:
            words, turns = _upright(image, until=min(self.deadline, time.monotonic() + _PAGE_SECONDS))
        except subprocess.TimeoutExpired:
            self.late.append(number)
        if words and _certainty(words) < _DOUBTFUL:
            self.doubtful.append(number)
        points = _POINTS_PER_INCH / dpi
        level = Frame(image.width * points, image.height * points, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
        frame = level.turned(turns)
        return Page(list(_lines(words, points, frame.height)), frame)

    def notes(self) -> list[str]:
        """Return in words what was recognised badly and what not at all."""
        notes = []
        if self.doubtful:
            notes.append(f"text recognition is unsure of {page_list(self.doubtful)}")
        if self.late:
            notes.append(f"{page_list(self.late)} were left out: recognising their text took too long")
        return notes


def page_list(numbers: Sequence[int]) -> str:
    """Return page numbers in words: "page 3", "pages 3, 7-9"."""
    ranges: list[str] = []
    for _, members in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in members]
        ranges.append(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)))
    shown = ", ".join(ranges[:12]) + (", …" if len(ranges) > 12 else "")
    return f"page {shown}" if len(numbers) == 1 else f"pages {shown}"


def _seconds_left() -> float:
    """Return how long recognition may take. A worker has set an alarm that ends it; other callers have not."""
    if not hasattr(signal, "getitimer"):
        return _SECONDS
    alarm, _ = signal.getitimer(signal.ITIMER_REAL)
    return alarm - _SPARE_SECONDS if alarm else _SECONDS


def _upright(image: "Image.Image", *, until: float) -> tuple[list[_Seen], int]:
    """Return the words of a picture, and how many quarter turns, clockwise, made them upright.

    Raises:
        TimeoutExpired: it was not read by ``until``.
    """
    seen = _words(image, until)
    words = _without_specks(seen)
    # Lines on their side look like a few odd words; where nothing is seen, nothing need be turned.
    if not seen or _certainty(words) >= _DOUBTFUL:
        return words, 0
    # What was read once stands, if there is no time to read it better.
    with suppress(subprocess.TimeoutExpired):
        found = re.search(rb"^Rotate: (\d+)", _run(image, until, "--psm", "0").stdout, re.MULTILINE)
        turns = int(found.group(1)) // 90 if found else 0
        if turns:
            turned = _without_specks(_words(image.rotate(-90 * turns, expand=True), until))
            if _weight(turned) > _weight(words):
                return turned, turns
    return words, 0


def _certainty(words: Iterable[_Seen]) -> float:
    weights = [(len(word.text), word.certainty) for word in words]
    letters = sum(length for length, _ in weights)
    return sum(length * certainty for length, certainty in weights) / letters if letters else 0.0


def _weight(words: Sequence[_Seen]) -> float:
    return sum(len(word.text) * max(word.certainty - _LEAST_CERTAIN, 0) for word in words)


def _words(image: "Image.Image", until: float) -> list[_Seen]:
    if min(image.size) < _LEAST_SIDE:
        return []
    done = _run(image, until, "-l", _languages(_program()), "--psm", "3", "-c", "tessedit_create_tsv=1")
    if done.returncode:
        cause = done.stderr.decode("utf-8", errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
        raise ReadError(
            f"Tesseract failed ({cause[0][:200]}). Run it by hand on a picture, and install what it misses."
        )
    table = done.stdout.decode("utf-8", errors="replace")
    words = []
    for row in table.splitlines()[1:]:
        fields = row.split("\t")
        if len(fields) < 12 or fields[0] != "5" or not fields[11].strip():
            continue
        block, paragraph, line, _, left, top, width, height = map(int, fields[2:10])
        place = (left, top, left + width, top + height)
        words.append(_Seen((block, paragraph, line), fields[11].strip(), *place, float(fields[10])))
    return words


def _without_specks(words: Sequence[_Seen]) -> list[_Seen]:
    """Return the words without lines that are a picture, a stain or the edge of the paper; one word may be doubtful."""
    lines = [list(members) for _, members in groupby(words, key=lambda word: word.line)]
    return [word for line in lines if _certainty(line) >= _LEAST_CERTAIN for word in line]


def _run(image: "Image.Image", until: float, *options: str) -> subprocess.CompletedProcess[bytes]:
    picture = io.BytesIO()
    image.save(picture, "PPM")
    command = [_program(), "stdin", "stdout", "--dpi", str(DPI), *options]
    # Its own threads only slow it down where several files are read at once.
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    seconds = max(_LEAST_SECONDS, until - time.monotonic())
    try:
        return subprocess.run(
            command, input=picture.getvalue(), capture_output=True, timeout=seconds, env=environment, check=False
        )
    except OSError as error:
        raise ReadError(f"Tesseract cannot be started ({error.strerror}): {INSTALL}.") from error


def _program() -> str:
    program = find_program()
    if program is None:
        raise ReadError(f"Pictures cannot be read without text recognition: {INSTALL}.")
    return program


@lru_cache(maxsize=1)
def _languages(program: str) -> str:
    """Return the languages that are installed, as Tesseract wants them; many would make it slow."""
    done = subprocess.run(
        [program, "--list-langs"],
        # A reader's own stdin has its requests.
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PAGE_SECONDS,
        check=False,
    )
    names = done.stdout.decode("utf-8", errors="replace").splitlines()[1:]
    languages = [name.strip() for name in names if re.fullmatch(r"\s*[a-z]{3}(?:_\w+)?\s*", name)]
    languages = [name for name in languages if name not in _NO_LANGUAGES]
    languages.sort(key=lambda name: name != "eng")
    return "+".join(languages[:_MOST_LANGUAGES]) or "eng"


def _lines(words: Iterable[_Seen], points: float, height: float) -> Iterator[Line]:
    """Yield the words' lines, in points from the lower left corner."""
    lines = [list(members) for _, members in groupby(words, key=lambda word: word.line)]
    heights = [median(word.bottom - word.top for word in line) for line in lines]
    usual = median(heights) if heights else 0.0
    highest = median(max(word.bottom - word.top for word in line) for line in lines) if lines else 0.0
    for line, own in zip(lines, heights, strict=True):
        middle = height - points * median((word.top + word.bottom) / 2 for word in line)
        placed = [Word(word.text, points * word.left, points * word.right, True) for word in line]
        reach = 0.6 * points * highest
        read = line_of_words(placed, middle - reach, middle + reach)
        # Ink tells a line's size only roughly: without ascenders it looks small. What is much larger is a heading.
        if own > _LARGER * usual and len(read.cells) == 1:
            reach *= round(2 * own / usual) / 2
            read = line_of_words(placed, middle - reach, middle + reach)
        yield read
