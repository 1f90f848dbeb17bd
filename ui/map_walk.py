"""The passage that is read on the map, and the ways to it: a click, a document, a question, and what is most like it.

Whatever a pointer finds on the map is found here by keyboard, too.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.records import Document, Hit, Passage
from ui.cartography import Plot
from ui.map_chart import PICKED
from ui.markup import as_label, escaped, shortened
from ui.sources import offer_originals, place

if TYPE_CHECKING:
    from rag_app.assembly import Application
    from rag_app.library.sampling import SampledChunk

ALIKE = 6
"""So many passages are offered to go on to."""
_AT = "map_passage_read"
_CLICKED = "map_passage_clicked"
_ROUND = "map_round"
_DOCUMENT = "map-document"
_PASSAGE = "map-passage"
_NAME_CHARACTERS = 60
_LINE_CHARACTERS = 110


def chart_key() -> str:
    """Return the key of the chart, a new one once a passage was not clicked: then no point is the clicked one."""
    return f"map-chart-{st.session_state.get(_ROUND, 0)}"


def pick_clicked() -> None:
    """Take the point that was just clicked as the passage that is read."""
    picked = st.session_state[chart_key()]["selection"].get(PICKED)
    if picked:
        st.session_state[_AT], st.session_state[_CLICKED] = int(picked[0]["id"]), True


def spot_read(plot: Plot) -> tuple[float, float] | None:
    """Return the place of the passage that is read, if it is on the map and was not clicked there."""
    row = None if st.session_state.get(_CLICKED) else _row_read(plot)
    return None if row is None else (float(plot.places[row, 0]), float(plot.places[row, 1]))


def draw_walk(application: "Application", plot: Plot, documents: Mapping[int, Document]) -> None:
    """Draw the choice of a passage, the chosen one, and those most like it."""
    row = _row_read(plot)
    chunk = None if row is None else plot.sample.chunks[row]
    _draw_choice(plot, documents, chunk)
    if row is None or chunk is None:
        return
    passages = application.library.passages([Hit(chunk.id, 0.0)])
    with st.container(key="map-picked", border=True):
        if not passages:
            st.html('<p class="quiet">This passage has since been removed from the library.</p>')
            return
        st.html(f'<h2 class="picked">The passage you chose</h2><div role="status">{passage_html(passages[0])}</div>')
        offer_originals(application.library, [passages[0].document], key="map")
        _draw_alike(plot, row, documents)


def offer_ranks(plot: Plot, passages: Sequence[Passage]) -> None:
    """Offer to go on from the passages of a question, those that are points of the map."""
    shown = {chunk.id for chunk in plot.sample.chunks}
    with st.container(horizontal=True, key="map-ranks", gap="small"):
        for passage in passages:
            if passage.chunk.id in shown:
                st.button(
                    f"Go to passage {passage.rank}",
                    key=f"map-rank-{passage.rank}",
                    type="tertiary",
                    on_click=_go_to,
                    args=(passage.chunk.id,),
                )


def passage_html(passage: Passage, *, note: str = "") -> str:
    """Return a passage with where it stands."""
    where = place(passage.chunk.page, passage.chunk.heading)
    return (
        f'<div class="head"><span class="name" dir="auto">{escaped(passage.document.name)}</span>'
        f'<span class="where" dir="auto">{escaped(where)}{note}</span></div>'
        f'<blockquote dir="auto">{escaped(passage.chunk.text.strip())}</blockquote>'
    )


def _row_read(plot: Plot) -> int | None:
    read = st.session_state.get(_AT)
    return next((row for row, chunk in enumerate(plot.sample.chunks) if chunk.id == read), None)


def _draw_choice(plot: Plot, documents: Mapping[int, Document], chunk: "SampledChunk | None") -> None:
    """Draw two fields to choose a document and a passage of it; they show what is read, however it was chosen."""
    firsts: dict[int, int] = {}
    for one in plot.sample.chunks:
        if one.document_id in documents:
            firsts.setdefault(one.document_id, one.id)
    owner = chunk.document_id if chunk and chunk.document_id in firsts else None
    passages = {one.id: one for one in plot.sample.chunks if one.document_id == owner}
    st.session_state[_DOCUMENT], st.session_state[_PASSAGE] = owner, chunk.id if chunk and passages else None
    left, right = st.columns(2)
    left.selectbox(
        "Document",
        sorted(firsts, key=lambda number: documents[number].name.casefold()),
        format_func=lambda number: shortened(documents[number].name, _NAME_CHARACTERS),
        index=None,
        placeholder="Choose one to read it here",
        key=_DOCUMENT,
        on_change=_go_to_document,
        args=(firsts,),
    )
    right.selectbox(
        f"Passage (of {len(passages):,})" if passages else "Passage",
        list(passages),
        format_func=lambda number: _line(passages[number]),
        index=None,
        placeholder="Click a point, or choose a document",
        disabled=not passages,
        key=_PASSAGE,
        on_change=lambda: _go_to(st.session_state[_PASSAGE]),
    )


def _draw_alike(plot: Plot, row: int, documents: Mapping[int, Document]) -> None:
    alike = _alike(plot, row, documents)
    if alike:
        st.html('<h3 class="next">Go on to what is most like it</h3>')
    for number, other in enumerate(alike):
        chunk = plot.sample.chunks[other]
        name = shortened(documents[chunk.document_id].name, _NAME_CHARACTERS)
        st.button(
            as_label(f"{name} · {_line(chunk)}", _NAME_CHARACTERS + _LINE_CHARACTERS),
            # By number, so that the focus stays where it was pressed.
            key=f"map-next-{number}",
            icon=":material/arrow_forward:",
            type="tertiary",
            on_click=_go_to,
            args=(chunk.id,),
        )


def _alike(plot: Plot, row: int, documents: Mapping[int, Document]) -> list[int]:
    """Return the rows most like this one, the likest first, whose documents are there."""
    import numpy as np

    likeness = plot.sample.vectors @ plot.sample.vectors[row]
    order = np.argsort(-likeness, kind="stable").tolist()
    there = (other for other in order if other != row and plot.sample.chunks[other].document_id in documents)
    return [other for other, _ in zip(there, range(ALIKE), strict=False)]


def _line(chunk: "SampledChunk") -> str:
    where = place(chunk.page, chunk.heading)
    return shortened(f"{where}: {chunk.opening}" if where else chunk.opening, _LINE_CHARACTERS)


def _go_to_document(firsts: Mapping[int, int]) -> None:
    chosen = st.session_state[_DOCUMENT]
    _go_to(firsts.get(chosen))


def _go_to(chunk_id: int | None) -> None:
    if st.session_state.get(_CLICKED):
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.session_state[_AT], st.session_state[_CLICKED] = chunk_id, False
