"""Put together a document's text and its sections while a reader walks through a file."""

import re
import unicodedata

from rag_app.records import ExtractedText, Section

MAX_HEADING_CHARACTERS = 120
LONGEST_TITLE = 200
_LONGEST_BOLD_HEADING = 100

_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Tried only where a run of spaces begins: from each of its characters, a long run would take minutes.
_TRAILING = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f]")
# Control characters, lone surrogates, and marks that are never seen but break a search or reorder a line.
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
# No language puts more than a few accents on a letter; sorting a million of them takes hours
# (Unicode Standard Annex #15, Stream-Safe Text Format, allows 30).
_TOO_MANY_ACCENTS = re.compile(
    "([\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{30})"
    "[\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_LIGATURES = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
)


def clean(text: str) -> str:
    """Return the text in NFC with plain newlines and spaces, without control characters or lone surrogates."""
    if text.isascii() and text.isprintable():
        return text
    text = _SPACES.sub(" ", _NEWLINES.sub("\n", text))
    text = _TOO_MANY_ACCENTS.sub(r"\1", _DROPPED.sub("", text))
    return unicodedata.normalize("NFC", text.translate(_LIGATURES))


def without_trailing_spaces(text: str) -> str:
    """Return the text without the spaces and tabs that end its lines."""
    return _TRAILING.sub("", text)


def one_line(text: str) -> str:
    """Return the cleaned text with every run of white space made one space."""
    return " ".join(clean(text).split())


def could_be_heading(text: str) -> bool:
    """Whether a paragraph in bold may be meant as a heading: a short line that is no sentence."""
    return len(text) <= _LONGEST_BOLD_HEADING and "\n" not in text and not text.endswith((".", ",", ";", ":"))


class TextBuilder:
    """Collects blocks of text, and knows for each one its page and the headings above it.

    A section is a run of blocks with the same page and headings. Headings without a text of their own open
    the section of the heading that follows them, so that no section holds nothing but a heading above others.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Section] = []
        self._headings: list[tuple[int, str]] = []
        self._page: int | None = None
        self._only_headings = False
        self._notes: list[str] = []

    @property
    def empty(self) -> bool:
        return not self._sections

    @property
    def last(self) -> tuple[int, str]:
        """The block or heading that was added last, with the offset at which it begins."""
        text = self._parts[-1] if self._parts else ""
        return self._length - len(text), text

    def turn_page(self, page: int | None) -> None:
        """Say that what follows is on this page, counted from 1; None ends the pages."""
        self._page = page

    def heading(self, level: int, text: str) -> None:
        """Add a heading of a level (1 is the highest); it ends those of its own and lower levels."""
        text = one_line(text)
        if not text:
            return
        self.enter(level, text)
        self._append(text, gap="\n\n", continues=self._only_headings)
        self._only_headings = True

    def enter(self, level: int, text: str) -> None:
        """Say that what follows stands under this heading, without adding the heading's words."""
        self.leave(level)
        self._headings.append((level, one_line(text)[:MAX_HEADING_CHARACTERS].rstrip()))

    def leave(self, level: int) -> None:
        """End the headings of this level and of lower ones."""
        self._headings = [heading for heading in self._headings if heading[0] < level]

    def block(self, text: str, gap: str = "\n\n") -> None:
        """Add a paragraph, a list item or a line; ``gap`` parts it from the block before it."""
        text = re.sub(r"\n{3,}", "\n\n", without_trailing_spaces(clean(text))).strip("\n")
        if text.strip():
            self._append(text, gap=gap, continues=False)
            self._only_headings = False

    def lines(self, lines: list[str]) -> None:
        """Add lines that belong together, such as the rows of a table, as one block."""
        self.block("\n".join(filter(None, map(one_line, lines))))

    def note(self, note: str) -> None:
        """Say in words what was left out; the same note is kept once."""
        note = one_line(note)
        if note not in self._notes:
            self._notes.append(note)

    def build(self, *, title: str | None = None, pages: int | None = None) -> ExtractedText:
        """Return the whole text with its sections."""
        title = one_line(title)[:LONGEST_TITLE] if title else None
        text = "".join(self._parts)
        return ExtractedText(text, tuple(self._sections), pages, title or None, notes=tuple(self._notes))

    def _append(self, text: str, *, gap: str, continues: bool) -> None:
        if self._parts:
            self._parts.append(gap)
            self._length += len(gap)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        heading = " > ".join(h[1] for h in self._headings) or None
        last = self._sections[-1] if self._sections else None
        if last and last.page == self._page and (continues or last.heading == heading):
            self._sections[-1] = Section(last.start, self._length, last.page, heading)
        else:
            self._sections.append(Section(start, self._length, self._page, heading))
