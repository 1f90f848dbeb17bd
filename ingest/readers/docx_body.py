"""Walk through the body of a Word document, block by block."""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.readers.docx_numbering import Numbering
from ingest.readers.docx_styles import Style, Styles, outline_level, whole_number
from ingest.readers.docx_text import W, Words, child_of, is_on, value_of, words_of
from ingest.readers.sections import TextBuilder, could_be_heading, one_line
from ingest.readers.tables import table_lines

_CONTAINERS = {f"{W}{name}" for name in ("sdtContent", "ins", "moveTo", "customXml", "smartTag")}
_DEEPEST = 10

Notes = Mapping[tuple[str, str], Any]


def add_body(builder: TextBuilder, body: Any, *, styles: Styles, numbering: Numbering, notes: Notes) -> str | None:
    """Add every block; return the document's own title line, else its first main heading."""
    walk = _Walk(builder, styles, numbering, notes)
    walk.bold_headings = not any(walk.level_of(paragraph) for paragraph in body.iter(f"{W}p"))
    walk.blocks(body)
    return walk.title or walk.first_heading


class _Walk:
    """One pass over the blocks of a document."""

    def __init__(self, builder: TextBuilder, styles: Styles, numbering: Numbering, notes: Notes) -> None:
        self._builder = builder
        self._styles = styles
        self._numbering = numbering
        self._notes = notes
        self._note_numbers: dict[tuple[str, str], int] = {}
        self._in_list = False
        self._depth = 0
        self.bold_headings = False
        self.title: str | None = None
        self.first_heading: str | None = None

    def level_of(self, paragraph: Any) -> int | None:
        """Return the level of a paragraph that is a heading by its style or its place in the outline."""
        style = self._styles.of(paragraph)
        return None if style.is_contents else outline_level(paragraph) or style.level

    def blocks(self, parent: Any) -> None:
        """Add what an element holds."""
        if self._depth == _DEEPEST:
            return
        self._depth += 1
        for element in _blocks(parent):
            if element.tag == f"{W}tbl":
                self._table(element)
            else:
                self._paragraph(element)
        self._depth -= 1

    def _paragraph(self, paragraph: Any) -> None:
        style = self._styles.of(paragraph)
        if style.is_contents:
            return
        words = words_of(paragraph)
        text = self._with_note_marks(words).strip()
        if text:
            level = self.level_of(paragraph)
            if level is None and self.bold_headings and _is_bold_line(paragraph, text):
                level = 1
            if level is None:
                self._text(paragraph, style, text)
            else:
                self._heading(paragraph, level, text)
        self._attached(words)

    def _heading(self, paragraph: Any, level: int, text: str) -> None:
        style = self._styles.of(paragraph)
        mark, _ = self._list_mark(paragraph, style)
        self._builder.heading(level, text if mark in (None, "-") else f"{mark} {text}")
        self._in_list = False
        if style.is_title:
            self.title = self.title or text
        elif level == 1:
            self.first_heading = self.first_heading or text

    def _text(self, paragraph: Any, style: Style, text: str) -> None:
        mark, place = self._list_mark(paragraph, style)
        gap = "\n" if mark and self._in_list else "\n\n"
        self._in_list = bool(mark)
        self._builder.block(f"{'  ' * place}{mark} {text}" if mark else text, gap=gap)

    def _list_mark(self, paragraph: Any, style: Style) -> tuple[str | None, int]:
        """Return what a list puts before a paragraph, and how deep it stands in the list."""
        own = value_of(paragraph, "pPr", "numPr", "numId")
        number = own or style.numbering
        if not number or number == "0":
            return ("-" if own is None and style.name.startswith("List Bullet") else None), 0
        place = whole_number(value_of(paragraph, "pPr", "numPr", "ilvl"))
        if place is None:
            place = style.list_level
        if place is None:
            place = self._numbering.level_of_style(number, style.identifier)
        return self._numbering.next_mark(number, place), min(place, 8)

    def _with_note_marks(self, words: Words) -> str:
        for key, place in zip(words.notes, words.note_places, strict=True):
            if key in self._notes:
                number = self._note_numbers.setdefault(key, len(self._note_numbers) + 1)
                words.parts[place] = f" [{number}]"
        return words.text

    def _attached(self, words: Words) -> None:
        """Add the notes and text boxes of a paragraph right below it."""
        for key in words.notes:
            note = self._notes.get(key)
            if note is not None:
                text = " ".join(one_line(words_of(paragraph).text) for paragraph in note.iter(f"{W}p"))
                self._builder.block(f"[{self._note_numbers[key]}] {text.strip()}")
        for box in words.boxes:
            self._in_list = False
            self.blocks(box)

    def _table(self, table: Any) -> None:
        self._in_list = False
        rows = [(row, _cells(row)) for row in _rows(table)]
        if all(len(cells) <= 1 for _, cells in rows):
            # A frame around text, or a layout: what is in it are blocks like any other.
            for _, cells in rows:
                for cell in cells:
                    self.blocks(cell)
            return
        attached: list[Words] = []
        grid: list[list[str]] = []
        for _, cells in rows:
            grid.append(self._row(cells, above=grid[-1] if grid else [], attached=attached))
        header = True if rows and _names_columns(rows[0][0]) else None
        self._builder.lines(table_lines(grid, header=header))
        for words in attached:
            self._attached(words)

    def _row(self, cells: list[Any], *, above: list[str], attached: list[Words]) -> list[str]:
        values: list[str] = []
        for cell in cells:
            text = self._cell_text(cell, attached)
            if _continues_above(cell) and len(values) < len(above):
                text = above[len(values)]
            values.extend([text] * _columns_spanned(cell))
        return values

    def _cell_text(self, cell: Any, attached: list[Words]) -> str:
        parts: list[str] = []
        for element in _blocks(cell):
            if element.tag == f"{W}tbl":
                inner = [self._row(_cells(row), above=[], attached=attached) for row in _rows(element)]
                parts.extend(table_lines(inner))
                continue
            words = words_of(element)
            text = self._with_note_marks(words).strip()
            mark, _ = self._list_mark(element, self._styles.of(element)) if text else (None, 0)
            parts.append(f"{mark} {text}" if mark and mark != "-" else text)
            if words.notes or words.boxes:
                attached.append(words)
        return " ".join(filter(None, parts))


def _blocks(parent: Any) -> Iterator[Any]:
    """Yield paragraphs and tables in order, also those inside content controls."""
    for child in parent:
        if child.tag in (f"{W}p", f"{W}tbl"):
            yield child
        elif child.tag in _CONTAINERS or (child.tag == f"{W}sdt" and _is_filled(child)):
            yield from _blocks(child)


def _is_filled(control: Any) -> bool:
    """Whether a content control holds words of the document's own: no table of contents, no prompt."""
    gallery = value_of(control, "sdtPr", "docPartObj", "docPartGallery")
    return gallery != "Table of Contents" and not is_on(control, "sdtPr", "showingPlcHdr")


def _rows(table: Any) -> Iterator[Any]:
    """Yield the rows of this table, not of one inside it; rows whose deletion is tracked are left out."""
    for row in table.iter(f"{W}tr"):
        if next(row.iterancestors(f"{W}tbl")) is table and child_of(row, "trPr", "del") is None:
            yield row


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row.iter(f"{W}tc") if next(cell.iterancestors(f"{W}tr")) is row]


def _columns_spanned(cell: Any) -> int:
    return max(1, min(whole_number(value_of(cell, "tcPr", "gridSpan")) or 1, 50))


def _continues_above(cell: Any) -> bool:
    merge = child_of(cell, "tcPr", "vMerge")
    return merge is not None and merge.get(f"{W}val") in (None, "continue")


def _names_columns(row: Any) -> bool:
    """Whether a row is marked as a header, or all its words are bold."""
    return is_on(row, "trPr", "tblHeader") or _is_bold(row)


def _is_bold(element: Any) -> bool:
    runs = [run for run in element.iter(f"{W}r") if words_of(run).text.strip()]
    return bool(runs) and all(is_on(run, "rPr", "b") for run in runs)


def _is_bold_line(paragraph: Any, text: str) -> bool:
    """Whether a paragraph looks like a heading, in a document that marks none: a short line in bold."""
    if not could_be_heading(text):
        return False
    in_table = next(paragraph.iterancestors(f"{W}tbl", f"{W}txbxContent"), None) is not None
    return not in_table and child_of(paragraph, "pPr", "numPr") is None and _is_bold(paragraph)
