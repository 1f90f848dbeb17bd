"""Put the words of a binary Word document into blocks."""

import re

from ingest.readers.doc_format import Binary, Layout
from ingest.readers.sections import TextBuilder, could_be_heading, one_line
from ingest.readers.tables import table_lines

_TEXT_BOXES = 6
_MARK = re.compile("[\r\x07\x0c\x0e]")
_SIGNS = {"\x0b": "\n", "\x1e": "-", "\xa0": " "}
_FIELD, _RESULT, _FIELD_END = "\x13", "\x14", "\x15"
_REFERENCE = "\x02"
_SPECIAL = re.compile("[\x02\x0b\x13-\x15\x1e\xa0\ud800-\udfff]")


def add_blocks(builder: TextBuilder, binary: Binary) -> None:
    """Add the text with its notes, then the words of its text boxes."""
    walk = _Walk(builder, binary)
    for story in (0, _TEXT_BOXES):
        walk.story(*binary.story(story))


class _Walk:
    """One pass over the paragraphs of a document."""

    def __init__(self, builder: TextBuilder, binary: Binary) -> None:
        self._builder = builder
        self._binary = binary
        self._notes = dict(binary.notes())
        self._note_count = 0
        self._below: list[str] = []
        self._cell: list[str] = []
        self._row: list[str] = []
        self._rows: list[list[str]] = []
        self._in_list = False
        self._fields: list[bool] = []
        self._by_bold = not self._has_headings()

    def story(self, start: int, end: int) -> None:
        """Add the paragraphs between two positions."""
        position = start
        self._fields = []
        while position < end:
            found = _MARK.search(self._binary.text, position, end)
            mark = found.start() if found else end - 1
            layout = self._binary.layout(mark)
            words = self._words(position, mark if found else end)
            if layout.in_table or layout.ends_row:
                self._in_table(words, layout, ends_cell=found is not None and found.group() == "\x07")
            else:
                self._end_table()
                self._paragraph(words, layout, bold=self._by_bold and self._is_bold(position, mark))
            position = mark + 1
        self._end_table()

    def _has_headings(self) -> bool:
        start, end = self._binary.story(0)
        marks = (found.start() for found in _MARK.finditer(self._binary.text, start, end))
        return any(self._binary.style(self._binary.layout(mark).style).level for mark in marks)

    def _words(self, start: int, end: int) -> str:
        """Return what is shown between two positions; of a field, its result."""
        if not (self._fields or self._binary.hides_words or _SPECIAL.search(self._binary.text, start, end)):
            return self._binary.text[start:end]
        parts: list[str] = []
        for position in range(start, end):
            sign = self._binary.text[position]
            if sign == _FIELD:
                self._fields.append(False)
            elif sign == _RESULT and self._fields:
                self._fields[-1] = True
            elif sign == _FIELD_END and self._fields:
                self._fields.pop()
            elif not all(self._fields) or self._binary.is_hidden(position):
                continue
            elif sign == _REFERENCE and position in self._notes:
                parts.append(self._note(*self._notes[position]))
            else:
                parts.append(_SIGNS.get(sign, sign))
        return "".join(parts).encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")

    def _note(self, start: int, end: int) -> str:
        outer, self._fields = self._fields, []
        words = one_line(self._words(start, min(end, len(self._binary.text))))
        self._fields = outer
        if not words:
            return ""
        self._note_count += 1
        self._below.append(f"[{self._note_count}] {words}")
        return f" [{self._note_count}]"

    def _is_bold(self, start: int, end: int) -> bool:
        text = self._binary.text
        return all(self._binary.is_bold(place) for place in range(start, end) if not text[place].isspace())

    def _paragraph(self, words: str, layout: Layout, *, bold: bool) -> None:
        words = words.strip()
        if words:
            level = self._binary.style(layout.style).level
            if level is None and bold and not layout.listed and could_be_heading(words):
                level = 1
            if level:
                self._builder.heading(level, words)
                self._in_list = False
            else:
                mark = f"{'  ' * layout.list_level}- " if layout.listed else ""
                self._builder.block(mark + words, gap="\n" if mark and self._in_list else "\n\n")
                self._in_list = bool(mark)
        self._add_below()

    def _in_table(self, words: str, layout: Layout, *, ends_cell: bool) -> None:
        if layout.ends_row:
            self._rows.append(self._row)
            self._row, self._cell = [], []
            return
        self._cell.append(one_line(words))
        if ends_cell:
            self._row.append(" ".join(filter(None, self._cell)))
            self._cell = []

    def _end_table(self) -> None:
        if self._row or self._cell:
            self._rows.append([*self._row, *filter(None, self._cell)])
        if self._rows:
            self._builder.lines(table_lines(self._rows))
            self._in_list = False
            self._rows, self._row, self._cell = [], [], []
            self._add_below()

    def _add_below(self) -> None:
        for note in self._below:
            self._builder.block(note)
        self._below = []
