"""Collect the words of an RTF file into paragraphs, list items and rows of tables."""

import re
from dataclasses import dataclass, field

from ingest.readers.rtf_state import State, Tables
from ingest.readers.sections import TextBuilder, could_be_heading, one_line
from ingest.readers.tables import table_lines

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_NUMBER = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z]{1,4})(?:\.\d{1,3})*[.)]?")


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    level: int | None
    bold: bool
    mark: str
    depth: int
    is_title: bool = False
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Words:
    """Words that are being collected; bytes wait until all of a character's are there."""

    parts: list[str] = field(default_factory=list)
    waiting: bytearray = field(default_factory=bytearray)
    encoding: str = "cp1252"
    bold: bool = True

    def settle(self) -> None:
        if self.waiting:
            self.parts.append(self.waiting.decode(self.encoding, errors="replace"))
            self.waiting.clear()

    def taken(self) -> str:
        """Return the words so far, and forget them."""
        self.settle()
        text = "".join(self.parts)
        self.parts.clear()
        # Characters outside the first 65,536 are written as two halves.
        return text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")


class Blocks:
    """The blocks of a file in their order: paragraphs, and tables as lists of rows."""

    def __init__(self) -> None:
        self._words = _Words()
        self._outer: list[_Words] = []
        self._mark = ""
        self._notes: list[str] = []
        self._note_count = 0
        self._row: list[str] = []
        self._cell: list[str] = []
        self._blocks: list[_Paragraph | list[list[str]]] = []

    def add_bytes(self, raw: bytes, encoding: str, state: State) -> None:
        if encoding != self._words.encoding:
            self._words.settle()
            self._words.encoding = encoding
        self._words.waiting += raw
        self._words.bold = self._words.bold and (state.bold or not raw.strip())

    def add_text(self, text: str, state: State) -> None:
        self._words.settle()
        self._words.parts.append(text)
        self._words.bold = self._words.bold and (state.bold or not text.strip())

    def decoded(self, state: State) -> str:
        """Return the words so far, if they belong to a table of the file and not to its text."""
        if state.place not in ("style", "title"):
            return ""
        self._words.settle()
        return "".join(self._words.parts)

    def clear(self) -> None:
        self._words = _Words()

    def take_mark(self) -> None:
        """Use the words so far as the mark of the list item that follows."""
        words = one_line(self._words.taken())
        self._mark = words if _NUMBER.fullmatch(words) else "-"
        self.clear()

    def enter_note(self) -> None:
        self._outer.append(self._words)
        self.clear()

    def leave_note(self) -> None:
        """Keep the words so far for below the paragraph, and refer to them in it."""
        note = one_line(self._words.taken())
        self._words = self._outer.pop() if self._outer else _Words()
        if note:
            self._note_count += 1
            self._notes.append(f"[{self._note_count}] {note}")
            self._words.settle()
            self._words.parts.append(f" [{self._note_count}]")

    def end_of(self, word: str, state: State, tables: Tables) -> None:
        """End a paragraph, a cell or a row."""
        if self._outer:
            self.add_text(" ", state)  # a note's paragraphs stand on one line
        elif word in ("cell", "row") or (state.in_table and word == "par"):
            self._in_table(word, tables)
        elif word in ("nestcell", "nestrow"):
            self.add_text(" " if word == "nestcell" else "; ", state)
        else:
            self._end_paragraph(state, tables)

    def end(self) -> None:
        """End what has begun."""
        while self._outer:
            self.leave_note()
        if self._row or self._cell:
            self._in_table("cell", Tables())
            self._in_table("row", Tables())
        self._end_paragraph(State(), Tables())

    def add_to(self, builder: TextBuilder) -> None:
        """Add all blocks. In a file that marks no headings, short lines in bold count as such."""
        by_bold = not any(isinstance(block, _Paragraph) and block.level for block in self._blocks)
        in_list = False
        for block in self._blocks:
            if isinstance(block, list):
                builder.lines(table_lines(block))
                in_list = False
                continue
            level = block.level
            if by_bold and block.bold and not block.mark and could_be_heading(block.text):
                level = 1
            if level:
                builder.heading(level, block.text)
            else:
                prefix = f"{'  ' * block.depth}{block.mark} " if block.mark else ""
                builder.block(prefix + block.text, gap="\n" if in_list and block.mark else "\n\n")
            in_list = bool(block.mark) and not level
            for note in block.notes:
                builder.block(note)

    def _in_table(self, word: str, tables: Tables) -> None:
        if word in ("par", "cell"):
            self._cell.append(one_line(self._words.taken()))
            self.clear()
        if word == "cell":
            mark = f"{self._mark} " if self._mark not in ("", "-") else ""
            self._row.append(mark + " ".join(filter(None, self._cell)))
            self._cell, self._mark = [], ""
        elif word == "row" and self._row:
            if not self._blocks or isinstance(self._blocks[-1], _Paragraph):
                self._blocks.append([])
            table = self._blocks[-1]
            if isinstance(table, list):
                above = table[-1] if table else []
                continued = [place for place, goes_on in enumerate(tables.continued) if goes_on]
                for place in (place for place in continued if place < min(len(above), len(self._row))):
                    self._row[place] = above[place]
                table.append(self._row)
            self._row = []
            self._blocks.extend(self._loose_notes())

    def _loose_notes(self) -> list[_Paragraph | list[list[str]]]:
        notes, self._notes = self._notes, []
        return [_Paragraph(note, None, False, "", 0) for note in notes]

    def _end_paragraph(self, state: State, tables: Tables) -> None:
        bold = self._words.bold
        text = self._words.taken().strip()
        self.clear()
        mark, self._mark = self._mark, ""
        if text:
            level, is_title = _level(state, tables)
            mark = mark or ("-" if state.listed else "")
            notes, self._notes = tuple(self._notes), []
            self._blocks.append(_Paragraph(text, level, bold, mark, state.list_level, is_title, notes))


def _level(state: State, tables: Tables) -> tuple[int | None, bool]:
    """Return the level of a heading, and whether it is the title of the file."""
    name = tables.styles.get(state.style, "") if state.style is not None else ""
    if name.lower() == "title":
        return 1, True
    match = _HEADING.fullmatch(name)
    if match and match.group(1) != "0":
        return int(match.group(1)), False
    return (state.outline + 1 if state.outline is not None and 0 <= state.outline < 9 else None), False
