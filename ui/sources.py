"""Citations as a reader sees them: the quoted span, marked in the text that surrounds it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

from rag_app.errors import NotFound, ReadError
from rag_app.records import Citation, Document, Passage
from ui.markup import as_label, escaped

if TYPE_CHECKING:
    from rag_app.library import Library

SURROUNDING_CHARACTERS = 240
OPEN_AT_FIRST = 3

_BLANK_LINES = re.compile(r"\n\s*\n\s*")

Original = Literal["unchanged", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Source:
    """A citation with the text around its quote. Kept with the answer, so that the proof outlives a removal."""

    citation: Citation
    before: str
    after: str
    at_start: bool
    at_end: bool


def read_sources(library: "Library", citations: Iterable[Citation]) -> list[Source]:
    """Read the surroundings of each citation from the library; a document that was just removed has none."""
    texts: dict[int, str] = {}
    sources = []
    for citation in citations:
        if citation.document.id not in texts:
            texts[citation.document.id] = _text_of(library, citation.document)
        sources.append(source_of(texts[citation.document.id], citation))
    return sources


def _text_of(library: "Library", document: Document) -> str:
    try:
        return library.text(document.id)
    except NotFound:
        return ""


def source_of(text: str, citation: Citation) -> Source:
    """Cut the surroundings of a citation out of its document's text, at word boundaries.

    A text that no longer holds the quote, because the document changed meanwhile, is not shown around it.
    """
    if text[citation.start : citation.end] != citation.quote:
        return Source(citation, "", "", at_start=False, at_end=False)
    low = max(0, citation.start - SURROUNDING_CHARACTERS)
    high = min(len(text), citation.end + SURROUNDING_CHARACTERS)
    before, after = text[low : citation.start], text[citation.end : high]
    if low > 0 and " " in before:
        before = before.split(" ", 1)[1]
    if high < len(text) and " " in after:
        after = after.rsplit(" ", 1)[0]
    return Source(citation, before, after, at_start=low == 0, at_end=high == len(text))


def anchor(turn: int, number: int) -> str:
    """Return the element id of the card of source ``number`` of a turn."""
    return f"source-{turn}-{number}"


def place(page: int | None, heading: str | None) -> str:
    """Say where in a document something stands, as in ``page 3 · Leave / Carrying over``; empty if unknown."""
    return " · ".join(
        part for part in (f"page {page}" if page is not None else "", (heading or "").replace(" > ", " / ")) if part
    )


def sources_html(turn: int, sources: Sequence[Source]) -> str:
    """Return the list of source cards; a citation mark opens any of them.

    The first few are open, but for those whose quote can be read in another open one: an account quotes many sentences
    of one place.
    """
    opened: list[Source] = []
    for source in sources:
        if len(opened) < OPEN_AT_FIRST and not any(_shows(other, source) for other in opened):
            opened.append(source)
    cards = "".join(_card(turn, source, opened=source in opened) for source in sources)
    return f'<section class="sources" aria-label="Sources"><h3>Sources</h3>{cards}</section>'


def _shows(opened: Source, source: Source) -> bool:
    """Tell whether a quote stands in the surroundings of another."""
    mine, its = source.citation, opened.citation
    low, high = its.start - len(opened.before), its.end + len(opened.after)
    return mine.document.id == its.document.id and low <= mine.start and mine.end <= high


def _card(turn: int, source: Source, *, opened: bool) -> str:
    citation = source.citation
    where = place(citation.page, citation.heading)
    before = ("" if source.at_start else "… ") + _BLANK_LINES.sub("\n", source.before)
    after = _BLANK_LINES.sub("\n", source.after) + ("" if source.at_end else " …")
    return (
        f'<details class="source" id="{anchor(turn, citation.number)}"{" open" if opened else ""}>'
        f'<summary><span class="number">{citation.number}</span>'
        f'<span class="name">{escaped(citation.document.name)}</span>'
        f'<span class="where">{escaped(where)}</span></summary>'
        f'<blockquote dir="auto" tabindex="0">{escaped(before)}<mark>{escaped(citation.quote)}</mark>{escaped(after)}'
        "</blockquote></details>"
    )


def passages_html(passages: Sequence[Passage]) -> str:
    """Return the passages that came closest, folded away under one line."""
    items = "".join(
        f'<li><div class="head"><span class="name">{escaped(passage.document.name)}</span>'
        f'<span class="where">{escaped(place(passage.chunk.page, passage.chunk.heading))}</span></div>'
        f'<blockquote dir="auto">{escaped(_BLANK_LINES.sub(chr(10) * 2, passage.chunk.text.strip()))}</blockquote></li>'
        for passage in passages
    )
    return f'<details class="passages"><summary>Closest passages</summary><ol>{items}</ol></details>'


def original_of(document: Document) -> Original:
    """Say whether the file that a document was read from is still the same, byte for byte."""
    path = Path(document.path)
    try:
        facts = path.stat()
        digest = _sha256(document.path, facts.st_mtime_ns, facts.st_size)
    except OSError:
        return "gone"
    return "unchanged" if digest == document.sha256 else "changed"


@st.cache_data(show_spinner=False, max_entries=1000)
def _sha256(path: str, mtime_ns: int, size: int) -> str:
    """Return the hash of a file; ``mtime_ns`` and ``size`` are there so that a changed file is hashed again."""
    with Path(path).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def read_original(document: Document) -> bytes:
    """Return the file that a document was read from, and nothing that has taken its place since it was looked at.

    Raises:
        ReadError: it cannot be opened, is a link now, or is another file.
    """
    from ingest.file_bytes import read_bytes

    data, _ = read_bytes(Path(document.path), document.name, limit=document.size)
    if sha256(data).hexdigest() != document.sha256:
        raise ReadError(f"{document.name} has changed since it was read. Load the page again to take its text.")
    return data


def offer_originals(library: "Library", documents: Iterable[Document], *, key: str) -> None:
    """Draw a download button for each document: its original file, or its extracted text when that is not to be had."""
    with st.container(horizontal=True, key=f"originals-{key}", gap="small"):
        for document in {document.id: document for document in documents}.values():
            _offer(library, document, key=f"original-{key}-{document.id}")


def _offer(library: "Library", document: Document, *, key: str) -> None:
    state = original_of(document)
    if state == "unchanged":
        st.download_button(
            as_label(document.name, 60),
            partial(read_original, document),
            file_name=Path(document.path).name,
            mime="application/octet-stream",
            key=key,
            help="Download the original file",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
        )
        return
    try:
        library.document(document.id)
    except NotFound:
        st.caption(f"{as_label(document.name, 60)} has since been removed from the library.")
        return
    reason = "has changed since it was read" if state == "changed" else "is gone"
    st.download_button(
        f"{as_label(document.name, 60)}: the file {reason}, take its text",
        lambda: library.text(document.id),
        file_name=f"{Path(document.name).name}.txt",
        mime="text/plain",
        key=key,
        help=f"The original file {reason}: download the text that was read from it",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
        wrap=True,
    )
