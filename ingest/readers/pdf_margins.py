"""Tell the running lines of a PDF (page headers, page footers, page numbers) from its text."""

import re
from collections import Counter
from collections.abc import Sequence

from ingest.readers.pdf_lines import Line, Page
from ingest.readers.pdf_tables import table_rows

_LINES = 2
_LEAST_REPEATS = 3
# A running line stands apart from the text by more than this many line heights.
_GAP = 1.6
# This close to the edge of the page, as a share of its height, lines may differ in their numbers.
_EDGE = 0.085
_PAGE_NUMBER = re.compile(r"(?:\w+ )?[-–(]?\s*(?:\d+|[ivxl]+)\s*(?:(?:of|/|von|de|sur)\s*\d+)?\s*[-–)]?", re.IGNORECASE)


def without_running_lines(pages: Sequence[Page]) -> list[Page]:
    """Return the pages without the lines that repeat at the same place on several pages."""
    keys = [{number: _key(page.lines[number], page) for number in _margin(page.lines)} for page in pages]
    counts = Counter(key for found in keys for key in set(found.values()))

    def least(line: Line, page: Page) -> int:
        return 2 if len(pages) == 2 and _near_edge(line, page) else _LEAST_REPEATS

    return [
        Page(
            [line for i, line in enumerate(page.lines) if i not in found or counts[found[i]] < least(line, page)],
            page.frame,
        )
        for page, found in zip(pages, keys, strict=True)
    ]


def _margin(lines: Sequence[Line]) -> set[int]:
    """Return the numbers of the lines that stand apart at the very top and bottom, by place and not by order.

    The head of a table that goes on over several pages repeats too, but is no running line.
    """
    order = sorted(range(len(lines)), key=lambda i: lines[i].bottom)
    apart: set[int] = set()
    for inwards in (order, order[::-1]):
        for count in range(1, _LINES + 1):
            if len(inwards) > count and _stand_apart(lines[inwards[count - 1]], lines[inwards[count]]):
                apart.update(inwards[:count])
    return {i for i in apart if not lines[i].rows and (len(lines[i].cells) < 2 or not table_rows(lines[i : i + 2]))}


def _stand_apart(outer: Line, inner: Line) -> bool:
    return abs(outer.bottom - inner.bottom) > _GAP * outer.height


def _near_edge(line: Line, page: Page) -> bool:
    return line.top < _EDGE * page.height or line.bottom > (1 - _EDGE) * page.height


def _key(line: Line, page: Page) -> tuple[str, int]:
    text = line.text.strip()
    if _near_edge(line, page):
        text = re.sub(r"\d+", "#", text)
    elif _PAGE_NUMBER.fullmatch(text):
        text = "#"
    return text, round(line.bottom / 4)
