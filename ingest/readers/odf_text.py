"""The words and blocks of OpenDocument files: headings, paragraphs, lists, tables and notes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest.readers.odf_styles import Styles
from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.tables import table_lines

DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_LEFT_OUT = {
    f"{TEXT}tracked-changes",
    f"{TEXT}table-of-content",
    f"{TEXT}sequence-decls",
    f"{OFFICE}annotation",
    f"{OFFICE}forms",
    f"{TEXT}ruby-text",
    f"{TEXT}note-citation",
}
_MOST_SPACES = 100
_MOST_COLUMNS = 200
_MOST_ROWS = 10_000


@dataclass(slots=True)
class Words:
    """What was found in a paragraph: its text, its notes and the boxes anchored in it."""

    styles: Styles
    parts: list[str] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def add(self, element: Any, *, notes_before: int) -> None:
        """Add what an element holds, its own text and that between its children."""
        self.parts.append(element.text or "")
        for child in element:
            self._child(child, notes_before)
            self.parts.append(child.tail or "")

    def _child(self, child: Any, notes_before: int) -> None:
        tag = child.tag
        if not isinstance(tag, str) or tag in _LEFT_OUT:
            return
        if tag == f"{TEXT}s":
            self.parts.append(" " * repeated(child, f"{TEXT}c", _MOST_SPACES))
        elif tag == f"{TEXT}tab":
            self.parts.append("\t")
        elif tag == f"{TEXT}line-break":
            self.parts.append("\n")
        elif tag == f"{TEXT}note":
            self.notes.append(child)
            self.parts.append(f" [{notes_before + len(self.notes)}]")
        elif tag.startswith(DRAW):
            self.boxes.extend(child.iter(f"{DRAW}text-box"))
        elif not self.styles.is_hidden(child.get(f"{TEXT}style-name")):
            self.add(child, notes_before=notes_before)


def repeated(element: Any, attribute: str, most: int) -> int:
    """Return how often an element stands for itself, by an attribute that says so."""
    value = element.get(attribute)
    if value is None:
        return 1
    return max(1, min(int(value), most)) if value.isascii() and value.isdecimal() and len(value) < 10 else 1


class Blocks:
    """One pass over the blocks of a document."""

    def __init__(self, builder: TextBuilder, styles: Styles) -> None:
        self._builder = builder
        self._styles = styles
        self._notes = 0
        self._after_item = False
        self.title: str | None = None
        self.first_heading: str | None = None

    def add(self, parent: Any) -> None:
        """Add what an element holds."""
        for child in parent:
            tag = child.tag
            if tag in _LEFT_OUT:
                continue
            if tag == f"{TEXT}h":
                self._heading(child)
            elif tag == f"{TEXT}p":
                self._paragraph(child)
            elif tag == f"{TEXT}list":
                self._list(child, style=child.get(f"{TEXT}style-name"), depth=0)
            elif tag == f"{TABLE}table":
                self._table(child)
            elif isinstance(tag, str):
                self.add(child)

    def _list(self, element: Any, *, style: str | None, depth: int) -> None:
        """Add the items of a list, with those of the lists inside them."""
        style = element.get(f"{TEXT}style-name") or style
        number = self._styles.start(style, depth)
        for item in element:
            if item.tag not in (f"{TEXT}list-item", f"{TEXT}list-header"):
                continue
            mark = ("-" if number is None else f"{number}.") if item.tag == f"{TEXT}list-item" else ""
            number = number + 1 if number is not None and mark else number
            for block in item:
                if block.tag == f"{TEXT}list":
                    self._list(block, style=style, depth=depth + 1)
                elif block.tag == f"{TEXT}h":
                    self._heading(block)
                elif block.tag == f"{TEXT}p":
                    self._paragraph(block, prefix=f"{'  ' * min(depth, 8)}{mark} " if mark else "")
                    mark = ""

    def _table(self, element: Any) -> None:
        """Add a table; one with a single column is a frame around text."""
        self._after_item = False
        rows = list(_rows(element))
        header = any(row.getparent().tag == f"{TABLE}table-header-rows" for row in rows[:1])
        if all(len(row.findall(f"{TABLE}table-cell")) <= 1 for row in rows):
            for row in rows:
                for cell in row.findall(f"{TABLE}table-cell"):
                    self.add(cell)
            return
        spans: dict[int, tuple[int, str]] = {}
        grid = [self._row(row, spans) for row in rows[:_MOST_ROWS]]
        if len(rows) > _MOST_ROWS:
            self._builder.note(f"a table cut after {_MOST_ROWS:,} of {len(rows):,} rows")
        self._builder.lines(table_lines(grid, header=header or None))

    def _row(self, row: Any, spans: dict[int, tuple[int, str]]) -> list[str]:
        """Return a row's cells; ``spans`` holds the cells above that reach further down, by their columns."""
        values: list[str] = []
        for cell in row:
            if cell.tag == f"{TABLE}covered-table-cell":
                times = repeated(cell, f"{TABLE}number-columns-repeated", _MOST_COLUMNS)
                values.extend(self._covered(len(values), values, spans) for _ in range(times))
            elif cell.tag == f"{TABLE}table-cell":
                text = self.cell_text(cell)
                below = repeated(cell, f"{TABLE}number-rows-spanned", _MOST_ROWS) - 1
                for column in range(len(values), len(values) + repeated(cell, f"{TABLE}number-columns-spanned", 50)):
                    spans[column] = (below, text)
                values.extend([text] * repeated(cell, f"{TABLE}number-columns-repeated", _MOST_COLUMNS))
        return values[:_MOST_COLUMNS]

    @staticmethod
    def _covered(column: int, values: list[str], spans: dict[int, tuple[int, str]]) -> str:
        below, text = spans.get(column, (0, ""))
        if values and values[-1] == text:
            return text  # beside the cell that spans it
        if below > 0:
            spans[column] = (below - 1, text)
            return text
        return ""

    def cell_text(self, cell: Any) -> str:
        """Return the words in a cell on one line."""
        blocks = (block for block in cell.iter(f"{TEXT}p", f"{TEXT}h") if not _is_comment(block))
        return " ".join(filter(None, (one_line(self._words(block).text) for block in blocks)))

    def _words(self, element: Any) -> Words:
        words = Words(self._styles)
        words.add(element, notes_before=self._notes)
        return words

    def _heading(self, element: Any) -> None:
        self._after_item = False
        words = self._words(element)
        level = repeated(element, f"{TEXT}outline-level", 9)
        self._builder.heading(level, words.text)
        if level == 1:
            self.first_heading = self.first_heading or words.text.strip() or None
        self._attached(words)

    def _paragraph(self, element: Any, prefix: str = "") -> None:
        words = self._words(element)
        text = words.text.strip()
        if text and self._styles.is_title(element.get(f"{TEXT}style-name")):
            self._builder.heading(1, text)
            self.title = self.title or text
        elif text:
            self._builder.block(prefix + text, gap="\n" if prefix and self._after_item else "\n\n")
            self._after_item = bool(prefix)
        self._attached(words)

    def _attached(self, words: Words) -> None:
        for note in words.notes:
            self._notes += 1
            body = note.find(f"{TEXT}note-body")
            text = self.cell_text(body) if body is not None else ""
            if text:
                self._builder.block(f"[{self._notes}] {text}")
        for box in words.boxes:
            self.add(box)


def _is_comment(block: Any) -> bool:
    return next(block.iterancestors(f"{OFFICE}annotation"), None) is not None


def _rows(table: Any) -> Iterator[Any]:
    """Yield the rows of this table, not of one inside it."""
    for row in table.iter(f"{TABLE}table-row"):
        if next(row.iterancestors(f"{TABLE}table")) is table:
            yield row
