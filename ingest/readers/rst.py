"""Read reStructuredText: headings, lists, tables, notes and code, without the marks.

A small reader of its own: it executes no directive, includes no other file and never fails on a mistake, which is
what a reader of other people's files needs.
"""

import re
from collections.abc import Sequence

from ingest.readers.csv import table_rows
from ingest.readers.sections import TextBuilder
from ingest.readers.tables import table_lines
from ingest.readers.text import decode
from rag_app.records import ExtractedText

_RULE = re.compile(r"^([!-/:-@\[-`{-~])\1{2,}\s*$")
_DIRECTIVE = re.compile(r"^\.\. ([\w:.+-]+?):: ?(.*)$")
_SILENT = {"include", "contents", "toctree", "image", "raw", "highlight", "meta", "index", "currentmodule", "module"}
_LITERAL = {"code", "code-block", "sourcecode", "literalinclude", "parsed-literal", "math", "doctest", "prompt"}
_NOTES = {"note", "warning", "tip", "important", "caution", "danger", "attention", "hint", "error", "seealso"}
_NOTES |= {"versionadded", "versionchanged", "deprecated", "admonition", "topic", "sidebar", "rubric"}
_OPTION = re.compile(r"^\s*:([\w -]+):(?:\s+(.*))?$")
_FIELD = re.compile(r"^:([^:\n]+):\s+(.*)$")
_LIST_ITEM = re.compile(r"^(\s*)(?:[-*+•]|(?:\d+|[a-zA-Z#]|[ivxIVX]+)[.)]|\((?:\d+|[a-zA-Z])\))\s+\S")
_GRID = re.compile(r"^\s*\+(?:[-=]+\+)+\s*$")
_SIMPLE = re.compile(r"^\s*=+(?:\s+=+)+\s*$")
_COMMENT = re.compile(r"^\.\.(?:\s|$)")
_INLINE = (
    (re.compile(r":[\w:.+-]{1,60}:`([^`<]+?)\s*(?:<[^`>]*>)?`"), r"\1"),  # roles
    (re.compile(r"``([^`]+)``"), r"\1"),
    (re.compile(r"`([^`<]+?)\s*<(https?://[^`>\s]+)>`__?"), r"\1 (\2)"),
    (re.compile(r"`([^`<]+?)\s*<[^`>]*>`__?"), r"\1"),
    (re.compile(r"`([^`]+)`_{0,2}"), r"\1"),
    (re.compile(r"\*\*(\S(?:[^*\n]*\S)?)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])"), r"\1"),
    (re.compile(r"\|([^|\s][^|\n]*)\|_{0,2}"), r"\1"),
    (re.compile(r"(?<=\w)__?(?=[\s.,;:!?)]|$)"), ""),
    (re.compile(r"\s?\[(?:#[\w-]*|\*)\]_"), ""),
    (re.compile(r"\\(\S)"), r"\1"),
)


def read_rst(data: bytes, name: str) -> ExtractedText:
    """Read a file; its first heading is its title."""
    text = decode(data, name).replace("\r\n", "\n").replace("\r", "\n").expandtabs(8)
    builder = TextBuilder()
    walk = _Walk(builder, text.split("\n"))
    walk.run()
    return builder.build(title=walk.title)


class _Walk:
    """One pass over the lines of a file."""

    def __init__(self, builder: TextBuilder, lines: Sequence[str]) -> None:
        self._builder = builder
        self._lines = lines
        self._at = 0
        self._levels: list[str] = []
        self._literal_next = False
        self.title: str | None = None

    def run(self) -> None:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                self._at += 1
            elif self._literal_next and line.startswith((" ", ">", "|")):
                self._literal_next = False
                self._builder.block("\n".join(self._indented(self._at)))
            else:
                self._literal_next = False
                self._block(line)

    def _block(self, line: str) -> None:
        if self._heading():
            return
        directive = _DIRECTIVE.match(line)
        if directive:
            self._at += 1
            self._directive(directive.group(1).lower().rpartition(":")[2], directive.group(2).strip())
        elif _COMMENT.match(line):
            self._explicit(line)
        elif _GRID.match(line):
            self._builder.lines(_grid_lines(self._while_table()))
        elif _SIMPLE.match(line):
            self._simple_table()
        elif _RULE.match(line.strip()):
            self._at += 1  # a line drawn across the page
        else:
            self._paragraph()

    def _heading(self) -> bool:
        """Add the heading that begins here, if one does: underlined, or lined above and below."""
        here, below, after = (self._line(self._at + n) for n in range(3))
        over = _RULE.match(here)
        if over and below.strip() and not _RULE.match(below) and after.strip() == here.strip():
            mark, text, used = over.group(1) * 2, below, 3
        elif (
            not over and _RULE.match(below) and not here.startswith(" ") and len(below.strip()) >= len(here.strip()) - 2
        ):
            mark, text, used = below.strip()[0], here, 2
        else:
            return False
        if mark not in self._levels:
            self._levels.append(mark)
        text = _plain(text.strip())
        self._builder.heading(self._levels.index(mark) + 1, text)
        self.title = self.title or text
        self._at += used
        return True

    def _line(self, number: int) -> str:
        return self._lines[number] if number < len(self._lines) else ""

    def _indented(self, start: int) -> list[str]:
        """Take the lines from ``start`` that are indented or blank, without what all are indented by."""
        end = start
        while end < len(self._lines) and (not self._lines[end].strip() or self._lines[end].startswith((" ", ">", "|"))):
            end += 1
        taken = list(self._lines[start:end])
        self._at = max(end, self._at)
        while taken and not taken[-1].strip():
            taken.pop()
        indents = [len(line) - len(line.lstrip(" ")) for line in taken if line.strip()]
        indent = min(indents, default=0)
        return [line[indent:] for line in taken]

    def _directive(self, kind: str, argument: str) -> None:
        body = self._indented(self._at)
        options = 0
        while options < len(body) and _OPTION.match(body[options]):
            options += 1
        found = (_OPTION.match(line) for line in body[:options])
        captions = [
            match.group(2) for match in found if match and match.group(1) in ("caption", "alt") and match.group(2)
        ]
        body = body[options:]
        for caption in captions:
            self._builder.block(_plain(caption))
        if kind in _LITERAL:
            self._builder.block("\n".join(body))
        elif kind == "csv-table":
            self._builder.block(_plain(argument))
            self._builder.lines(table_lines(table_rows("\n".join(body)), header=None))
        elif kind not in _SILENT:
            self._words(kind, argument, body)

    def _words(self, kind: str, argument: str, body: list[str]) -> None:
        """Add what a directive says: a note under its kind, an object's description under its signature."""
        label = f"{kind.capitalize()}:" if kind in _NOTES else ""
        # The first words of a note may stand on the line of its mark, and go on below.
        first = next((number for number, line in enumerate(body) if not line.strip()), len(body)) if argument else 0
        words = [argument, *map(str.strip, body[:first])] if kind in _NOTES else [argument]
        self._builder.block(_plain(" ".join([label, *words]).strip()))
        # Headings cannot stand in a directive; what looks like one has its own marks.
        _Walk(self._builder, body[first:] if kind in _NOTES else body).run()

    def _explicit(self, line: str) -> None:
        """Skip comments and link targets; keep footnotes and citations."""
        self._at += 1
        rest = self._indented(self._at)
        note = re.match(r"^\.\. \[([^\]]+)\]\s*(.*)$", line)
        if note:
            self._builder.block(_plain(" ".join([f"[{note.group(1)}]", note.group(2), *map(str.strip, rest)])))

    def _while_table(self) -> list[str]:
        start = self._at
        while self._line(self._at).strip().startswith(("+", "|")):
            self._at += 1
        return [line.strip() for line in self._lines[start : self._at]]

    def _simple_table(self) -> None:
        rule = self._lines[self._at]
        columns = [(match.start(), match.end()) for match in re.finditer(r"=+", rule)]
        rows: list[list[str]] = []
        header: bool | None = False
        self._at += 1
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if _SIMPLE.match(line):
                if not self._line(self._at).strip() or not rows or header:
                    break
                header = True
            elif line.strip() and not re.match(r"^[\s-]+$", line):
                _add_simple_row(rows, line, columns)
        self._builder.lines(table_lines(rows, header=header))

    def _paragraph(self) -> None:
        start = self._at
        in_list = bool(_LIST_ITEM.match(self._lines[start]))
        pieces: list[str] = []
        while self._line(self._at).strip() and (self._at == start or not self._begins_block()):
            line = self._lines[self._at]
            if not pieces or _LIST_ITEM.match(line) or _FIELD.match(line) or line.lstrip().startswith("| "):
                pieces.append(line.rstrip())
            else:
                pieces[-1] += " " + line.strip()
            self._at += 1
        text = "\n".join(_plain(_field_name(piece)) for piece in pieces)
        if text.rstrip().endswith("::"):
            self._literal_next = True
            text = text.rstrip()[:-1].rstrip(" ")
            text = "" if text == ":" else text
        self._builder.block(text, gap="\n" if in_list and pieces else "\n\n")

    def _begins_block(self) -> bool:
        line = self._lines[self._at]
        return bool(
            _GRID.match(line) or _DIRECTIVE.match(line) or (_RULE.match(line) and _RULE.match(self._line(self._at + 2)))
        )


def _field_name(line: str) -> str:
    field = _FIELD.match(line)
    return f"{field.group(1)}: {field.group(2)}" if field else line


def _add_simple_row(rows: list[list[str]], line: str, columns: Sequence[tuple[int, int]]) -> None:
    ends = [start for start, _ in columns[1:]] + [len(line)]
    cells = [_plain(line[start:end].strip()) for (start, _), end in zip(columns, ends, strict=True)]
    if not cells[0] and rows:
        rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
    else:
        rows.append(cells)


def _grid_lines(table: Sequence[str]) -> list[str]:
    """Return the rows of a table that is drawn with + - and |."""
    rows: list[list[str]] = []
    header = False
    open_row: list[str] | None = None
    for line in table:
        if line.startswith("+"):
            header = header or ("=" in line and len(rows) == 1)
            open_row = None
            continue
        cells = [_plain(cell.strip()) for cell in line.strip("|").split("|")]
        if open_row is None or len(open_row) != len(cells):
            open_row = cells
            rows.append(open_row)
        else:
            open_row[:] = [" ".join(filter(None, pair)) for pair in zip(open_row, cells, strict=True)]
    return table_lines(rows, header=header or None)


def _plain(text: str) -> str:
    """Return a text without the marks inside its lines."""
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text
