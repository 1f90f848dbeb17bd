"""A passage in its surroundings as HTML: running text, the rows of a table, or numbered lines of code."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ui.markup import escaped

if TYPE_CHECKING:
    from rag_app.sources import SourceView

Marked = tuple[int, int]
"""From where to where a text is marked, in characters."""


def source_html(view: "SourceView") -> str:
    """Return what stands around a passage; the passage is marked."""
    if view.kind == "code":
        return _code_html(view)
    before, after = view.before.lstrip(), view.after.rstrip()
    text, marked = before + view.marked + after, (len(before), len(before) + len(view.marked))
    # A sheet of a single column reads like running text.
    parts = [(0, len(text))] if view.kind == "table" else _parts(text)
    return "".join(_part_html(text[low:high], _within(marked, low, high)) for low, high in parts)


def _part_html(part: str, marked: Marked) -> str:
    from rag_app.sources import table_rows

    read = table_rows(part.rstrip("\n"))
    if read:
        return _table_html(part.rstrip("\n").split("\n"), marked, *read)
    low, high = marked
    inside = f"<mark>{escaped(part[low:high])}</mark>" if part[low:high] else ""
    return f'<div class="run" dir="auto">{escaped(part[:low])}{inside}{escaped(part[high:])}</div>'


def _parts(text: str) -> Iterator[Marked]:
    """Give the spans of a text that are rows of one table, and those between them; each is of whole lines."""
    begun, low, in_table = 0, 0, False
    for line in text.split("\n"):
        row = _is_row(line)
        if row != in_table and low > begun:
            yield begun, low
            begun = low
        in_table, low = row, min(low + len(line) + 1, len(text))
    yield begun, len(text)


def _is_row(line: str) -> bool:
    """Say whether a line reads like ``Name: Ada; Year: 1843``."""
    cells = line.split("; ")
    return len(cells) > 1 and all(": " in cell for cell in cells)


def _within(marked: Marked, low: int, high: int) -> Marked:
    """Return which characters of a part are marked; an empty span at its end where none is."""
    start, end = max(marked[0], low), min(marked[1], high)
    return (start - low, end - low) if start < end else (high - low, high - low)


def _code_html(view: "SourceView") -> str:
    """Return numbered lines; those that the passage touches are marked."""
    text, number, low = view.before + view.marked + view.after, view.first_line, 0
    first, last = len(view.before), len(view.before) + len(view.marked)
    lines = []
    for line in text.split("\n"):
        high = low + len(line)
        touched = low < last and first < high if line else False
        code = f"<mark>{escaped(line)}</mark>" if touched else escaped(line)
        lines.append(f'<span class="line"><span class="at">{number}</span>{code}\n</span>')
        number, low = number + 1, high + 1
    return f'<pre dir="ltr" tabindex="0" role="region" aria-label="Lines of code">{"".join(lines)}</pre>'


def _table_html(lines: list[str], marked: Marked, columns: list[str], rows: list[list[str]]) -> str:
    """Return a table; the rows that the passage touches are marked."""
    low, body = 0, ""
    for line, row in zip(lines, rows, strict=True):
        touched = low < marked[1] and marked[0] < low + len(line)
        cells = "".join(f"<td>{f'<mark>{escaped(cell)}</mark>' if touched else escaped(cell)}</td>" for cell in row)
        body += f'<tr class="{"marked" if touched else "plain"}">{cells}</tr>'
        low += len(line) + 1
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in columns)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" dir="auto" tabindex="0" role="region" aria-label="Rows">{table}</div>'
