"""A passage as it stands in its document: the page with the passage marked, the lines of code, the rows of a table.

What is shown is the document that was cited. Where it has changed since, the version that was cited is looked for.
"""

import atexit
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ingest.options import IngestOptions
from ingest.page_drawing import PageDrawer, PageRequest
from rag_app.records import Chunk, Document, Span, TextBox

if TYPE_CHECKING:
    from rag_app.library import Library

Kind = Literal["text", "code", "table"]
State = Literal["same", "older", "moved", "lost"]

AROUND_CHARACTERS = 1500
LEAST_CHARACTERS = 400
AROUND_LINES = 25
PAGE_SCALE = 1.6
_TABLES = frozenset({"csv", "tsv", "xlsx", "xls", "ods"})
# Somebody is waiting for the page; its text is there at once.
_DRAWING_SECONDS = 20.0
_drawer = PageDrawer(replace(IngestOptions().limits, seconds=_DRAWING_SECONDS))
"""One for the whole program: it keeps a process, and draws one page at a time."""
atexit.register(_drawer.close)


@dataclass(frozen=True, slots=True)
class SourceView:
    """A passage and its surroundings, which together are the text before, the passage and the text after it.

    ``state`` is "older" where the passage stands in a version that has been superseded since, "moved" where it stands
    elsewhere in the document now, and "lost" where it is found no more. ``first_line`` is the number of the first
    line that is shown, from 1. ``previous`` and ``following`` are the passages next to it.
    """

    document: Document
    kind: Kind
    state: State
    start: int
    end: int
    before: str
    marked: str
    after: str
    first_line: int = 1
    version: int | None = None
    page: int | None = None
    heading: str | None = None
    place: int = 0
    places: int = 0
    previous: Span | None = None
    following: Span | None = None
    boxes: tuple[TextBox, ...] = ()


def view_source(library: "Library", document_id: int, span: tuple[int, int], *, quote: str, sha: str) -> SourceView:
    """Find a passage that was cited from the content ``sha`` of a document, with what stands around it.

    Raises:
        NotFound: the document was removed.
    """
    document, text = library.document(document_id), library.text(document_id)
    start, end = span
    if text[start:end] == quote:
        return _in_document(library, document, text, span)
    for version in library.versions(document_id):
        if version.sha256 == sha:
            older = library.version_text(document_id, version.number)
            if older[start:end] == quote:
                view = _around(document, older, span, bounds=(0, len(older)))
                return replace(view, state="older", version=version.number)
    now = text.find(quote) if quote else -1
    if now >= 0:
        return replace(_in_document(library, document, text, (now, now + len(quote))), state="moved")
    return SourceView(document, "text", "lost", start, end, "", quote, "")


def draw_page(view: SourceView, *, drawer: PageDrawer = _drawer) -> bytes | None:
    """Return the page of a passage as PNG, the passage marked; None where it has none or its file has changed.

    Raises:
        ReadError: the page cannot be drawn.
    """
    page = view.boxes[0].page if view.boxes else view.page
    if view.state in {"older", "lost"} or page is None or not (view.boxes or view.document.format == "pdf"):
        return None
    document = view.document
    request = PageRequest(
        document.path, document.name, document.sha256, document.size, page, view.boxes, scale=PAGE_SCALE
    )
    return drawer.draw(request)


def table_rows(text: str) -> tuple[list[str], list[list[str]]] | None:
    """Return the columns and rows that lines such as ``Name: Ada; Year: 1843`` were made of; None if they were not."""
    rows = []
    for line in text.split("\n"):
        pairs = [part.split(": ", 1) for part in line.split("; ")]
        if not all(len(pair) == 2 for pair in pairs):
            return None
        rows.append({name: value for name, value in pairs})
    columns = list(dict.fromkeys(name for row in rows for name in row))
    # A name that a single row has is rather a value with a colon in it.
    if len(rows) < 2 or any(sum(name in row for row in rows) < 2 for name in columns):
        return None
    return columns, [[row.get(name, "") for name in columns] for row in rows]


def _in_document(library: "Library", document: Document, text: str, span: tuple[int, int]) -> SourceView:
    chunks = library.chunks(document.id)
    at = _chunk_at(chunks, span[0])
    view = _around(document, text, span, bounds=_section(chunks, at, len(text)))
    if at is None:
        return view
    return replace(
        view,
        page=chunks[at].page,
        heading=chunks[at].heading,
        place=at + 1,
        places=len(chunks),
        previous=_span(chunks[at - 1]) if at else None,
        following=_span(chunks[at + 1]) if at + 1 < len(chunks) else None,
        boxes=tuple(library.boxes(document.id, *span)),
    )


def _around(document: Document, text: str, span: tuple[int, int], *, bounds: tuple[int, int]) -> SourceView:
    start, end = span
    kind: Kind = "code" if document.format == "code" else "table" if document.format in _TABLES else "text"
    if kind == "text":
        low, high = _paragraphs(text, span, bounds=bounds)
    else:
        low, high = _lines(text, start, end)
    return SourceView(
        document=document,
        kind=kind,
        state="same",
        start=start,
        end=end,
        before=text[low:start],
        marked=text[start:end],
        after=text[end:high],
        first_line=text.count("\n", 0, low) + 1,
    )


def _section(chunks: Sequence[Chunk], at: int | None, length: int) -> tuple[int, int]:
    """Return from where to where the section around a chunk goes: its neighbours of the same heading."""
    if at is None:
        return 0, length
    first = last = at
    while first > 0 and chunks[first - 1].heading == chunks[at].heading:
        first -= 1
    while last + 1 < len(chunks) and chunks[last + 1].heading == chunks[at].heading:
        last += 1
    return chunks[first].start, max(chunk.end for chunk in chunks[first : last + 1])


def _paragraphs(text: str, span: tuple[int, int], *, bounds: tuple[int, int]) -> tuple[int, int]:
    """Return what to show around a passage: its section, more where that is short, less where it is long."""
    start, end = span
    low, high = min(bounds[0], start), max(bounds[1], end)
    if start - low < LEAST_CHARACTERS:
        low = text.rfind("\n", 0, max(0, start - LEAST_CHARACTERS)) + 1
    if high - end < LEAST_CHARACTERS:
        high = text.find("\n", end + LEAST_CHARACTERS)
        high = high if high >= 0 else len(text)
    if start - low > AROUND_CHARACTERS:
        space = text.find(" ", start - AROUND_CHARACTERS, start)
        low = space + 1 if space >= 0 else start - AROUND_CHARACTERS
    if high - end > AROUND_CHARACTERS:
        space = text.rfind(" ", end, end + AROUND_CHARACTERS)
        high = space if space >= 0 else end + AROUND_CHARACTERS
    return low, high


def _lines(text: str, start: int, end: int) -> tuple[int, int]:
    """Return from where to where the whole lines around a passage go."""
    low = text.rfind("\n", 0, start) + 1
    high = text.find("\n", end) if "\n" in text[end:] else len(text)
    for _ in range(AROUND_LINES):
        low = text.rfind("\n", 0, max(0, low - 1)) + 1 if low else 0
        high = text.find("\n", high + 1) if "\n" in text[high + 1 :] else len(text)
    return low, high


def _chunk_at(chunks: Sequence[Chunk], start: int) -> int | None:
    """Return the place of the chunk that holds a character, the last one where chunks overlap."""
    return max((place for place, chunk in enumerate(chunks) if chunk.start <= start < chunk.end), default=None)


def _span(chunk: Chunk) -> Span:
    return Span(chunk.start, chunk.end, chunk.page, chunk.heading)
