"""The source beside the answer: the page, section, lines or rows in which a cited passage stands, marked."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.errors import NotFound, ReadError
from rag_app.records import Citation, Document, Span
from ui.conversation import Turn
from ui.markup import escaped
from ui.source_html import source_html
from ui.sources import offer_originals, place
from ui.state import OPENED

if TYPE_CHECKING:
    from rag_app.library import Library
    from rag_app.sources import SourceView

_STATES = {
    "older": "The document has changed since. This is version {version}, which was cited.",
    "moved": "The document has changed since; this is where it says the same now.",
    "lost": "The document has changed since and no longer says this.",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """The passage that is shown beside the answer. ``mark`` names the citation mark that led to it."""

    mark: str
    number: int
    document: Document
    start: int
    end: int
    quote: str
    moved: bool = False


def offer_sources(turn: Turn) -> None:
    """Draw a button for each source of a turn. They are not seen: the marks in the answer press them."""
    with st.container(key=f"opens-{turn.number}"):
        for source in turn.sources:
            number = source.citation.number
            st.button(
                f"Open source {number}",
                key=f"open-source-{turn.number}-{number}",
                on_click=_open,
                args=(turn.number, source.citation),
            )


def close_panel() -> None:
    """Show no source any more."""
    st.session_state.pop(OPENED, None)


def draw_panel(library: "Library") -> None:
    """Draw the opened source, if there is one."""
    opened: Opened | None = st.session_state.get(OPENED)
    if opened is None:
        return
    from rag_app.sources import view_source

    with st.container(key="panel"):
        span = (opened.start, opened.end)
        try:
            quote = library.text(opened.document.id)[slice(*span)] if opened.moved else opened.quote
            view = view_source(library, opened.document.id, span, quote=quote, sha=opened.document.sha256)
        except NotFound:
            _draw_head(opened, "")
            st.html('<p class="quiet">This document has since been removed from the library.</p>')
            return
        _draw_head(opened, place(view.page, view.heading))
        if view.state in _STATES:
            st.html(f'<p class="changed" role="note">{_STATES[view.state].format(version=view.version)}</p>')
        _draw_steps(view, opened)
        _draw_body(view, opened)
        offer_originals(library, [view.document], key="panel")


def _open(turn: int, citation: Citation) -> None:
    st.session_state[OPENED] = Opened(
        f"source-{turn}-{citation.number}",
        citation.number,
        citation.document,
        citation.start,
        citation.end,
        citation.quote,
    )


def _go(opened: Opened, to: Span) -> None:
    st.session_state[OPENED] = replace(opened, start=to.start, end=to.end, moved=True)


def _draw_head(opened: Opened, where: str) -> None:
    with st.container(horizontal=True, key="panel-head", vertical_alignment="top", wrap=False):
        st.html(
            f'<div class="head"><span class="number">{opened.number}</span>'
            f'<h2 class="name" dir="auto">{escaped(opened.document.name)}</h2>'
            f'<span class="where"><bdi>{escaped(where)}</bdi></span></div>'
        )
        st.button("Close", key="close-panel", icon=":material/close:", type="tertiary", on_click=close_panel)


def _draw_steps(view: "SourceView", opened: Opened) -> None:
    if view.places < 2:
        return
    with st.container(horizontal=True, key="panel-steps", vertical_alignment="center"):
        for words, icon, to in (("Previous", "arrow_back", view.previous), ("Next", "arrow_forward", view.following)):
            st.button(
                words,
                key=f"panel-{words.lower()}",
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=to is None,
                on_click=_go,
                args=(opened, to),
            )
        st.html(f'<p class="quiet">Passage {view.place} of {view.places}</p>')


def _draw_body(view: "SourceView", opened: Opened) -> None:
    from rag_app.sources import draw_page

    try:
        image = _page(view, draw_page)
    except ReadError as error:
        st.html(f'<p class="quiet" dir="auto">{escaped(str(error))}</p>')
        image = None
    aim = f'data-mark="{opened.mark}" data-at="{view.document.id}:{view.start}:{view.end}"'
    if image is None:
        st.html(f'<div class="view {view.kind}" tabindex="-1" {aim}>{source_html(view)}</div>')
        return
    top = view.boxes[0].top if view.boxes else 0.0
    page = view.boxes[0].page if view.boxes else view.page
    st.html(f'<div class="view page" tabindex="-1" {aim} data-top="{top:.4f}"></div>')
    st.image(image, width="stretch", alt=f"Page {page}, with the passage marked")
    st.html(
        f'<details class="passages"><summary>As text</summary><div class="view {view.kind}">{source_html(view)}</div>'
        "</details>"
    )


def _page(view: "SourceView", draw: object) -> bytes | None:
    """Return the picture of the page, drawn anew only for another passage or file."""
    key = (view.document.id, view.document.sha256, view.start, view.end, view.state)
    known = st.session_state.get("panel_page")
    if known is None or known[0] != key:
        known = (key, draw(view))  # type: ignore[operator]
        st.session_state["panel_page"] = known
    image: bytes | None = known[1]
    return image
