"""The map of the collection: every passage a point, what is alike close together, and a question among them."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from rag_app.records import Document, Passage, Scope
from ui.cartography import Plot, cartographer
from ui.guard import told_in_words
from ui.map_chart import PICKED, Groups, Marks, groups_of, legend_html, map_chart, map_data, map_points
from ui.map_question import ASKED
from ui.map_walk import chart_key, draw_walk, offer_ranks, passage_html, pick_clicked, spot_read
from ui.markup import counted
from ui.state import chosen_collection, in_collection, scope_of

if TYPE_CHECKING:
    from rag_app.assembly import Application

NEAREST = 8
"""So many passages of a question are marked."""
_FIELD = "question_on_map"
_COLOURED = "map_coloured_by"
_GLANCE_SECONDS = 0.7
_STEPS = {
    "waiting": "Waiting for another map",
    "reading": "Reading the passages",
    "laying out": "Laying them out, what is alike together (this takes most of the time)",
    "placing the rest": "Placing the rest among those",
}


def show(application: "Application") -> None:
    """Draw the map page."""
    st.html('<div class="title library"><h1>Map</h1></div>')
    library = application.library
    collection = chosen_collection(library.collections())
    documents = {d.id: d for d in in_collection(library.documents(), collection)}
    if not any(document.chunks for document in documents.values()):
        st.html(
            '<p class="quiet">Nothing to map yet. Once there are documents, each of their passages is a point here, '
            "and those that say similar things stand together.</p>"
        )
        return
    scope = scope_of(collection)
    plot, fresh = cartographer().plot(library, scope)
    question = _ask_question()
    if plot is None:
        _wait(application, scope, chunks=sum(d.chunks for d in documents.values()))
        return
    if not fresh:
        _wait_beside(application, scope)
    marks, passages = _find(application, plot, question=question, scope=scope)
    _draw(application, plot, documents, marks=marks)
    if question and passages:
        _draw_passages(plot, passages)


def _ask_question() -> str:
    """Draw the field for a question and return it; one that was brought along stands in it."""
    if ASKED in st.session_state:
        st.session_state[_FIELD] = st.session_state.pop(ASKED)
    words = "Type a question to see where it belongs"
    asked: str = st.text_input("Place a question on the map", key=_FIELD, placeholder=words)
    return asked.strip()


def _wait(application: "Application", scope: Scope, *, chunks: int) -> None:
    with st.container(key="map-waiting"):
        st.html(
            '<p class="stage" role="status"><span class="pulse"></span>'
            f"Drawing the map of {counted(chunks, 'passage')}. The first time takes some seconds.</p>"
        )
        _look_again(application, scope)


def _wait_beside(application: "Application", scope: Scope) -> None:
    st.html('<p class="quiet" role="status">The library has changed since; the map is being drawn anew.</p>')
    _look_again(application, scope)


@st.fragment(run_every=_GLANCE_SECONDS)
def _look_again(application: "Application", scope: Scope) -> None:
    """Draw the page anew once the map is there."""
    with told_in_words():
        if cartographer().plot(application.library, scope)[1]:
            st.rerun()
        drawing = cartographer().drawing(application.library, scope)
        if drawing:
            st.html(step_html(drawing.step, time.monotonic() - drawing.began))


def step_html(step: str, seconds: float) -> str:
    """Return how far the drawing of a map has come."""
    number = list(_STEPS).index(step)
    bar = f'<progress max="{len(_STEPS)}" value="{number}" aria-label="Steps that are done"></progress>'
    return f'<div class="intake">{bar}<p class="quiet">{_STEPS[step]} · {seconds:.0f} s so far</p></div>'


def _find(
    application: "Application", plot: Plot, *, question: str, scope: Scope
) -> tuple[Marks | None, Sequence[Passage]]:
    """Return where a question belongs on the map, and its passages as an answer would find them."""
    if not question:
        return None, ()
    key = (question, plot.revision, scope)
    known: tuple[Any, Any] = st.session_state.get("map_found", (None, None))
    if known[0] != key:
        from rag_app.projection import place as placed

        with told_in_words():
            passages = application.assistant.search(question, NEAREST, scope)
            vector = application.embedder.embed_query(question)[None]
            x, y = placed(vector, among=plot.sample.vectors, spots=plot.places)[0].tolist()
            known = (key, (Marks((x, y), {p.chunk.id: p.rank for p in passages}), passages))
            st.session_state["map_found"] = known
    found: tuple[Marks | None, Sequence[Passage]] = known[1] if known[0] == key else (None, ())
    return found


def _draw(application: "Application", plot: Plot, documents: Mapping[int, Document], *, marks: Marks | None) -> None:
    collections = {document.collection for document in documents.values()}
    by_collection = len(collections) > 1 and (
        st.segmented_control("Coloured by", ["Document", "Collection"], default="Document", key=_COLOURED)
        == "Collection"
    )
    groups = groups_of(plot, documents, by_collection=by_collection)
    points = map_points(plot, documents, groups=groups, marks=marks)
    with st.container(key="map"):
        st.vega_lite_chart(
            {**map_chart(len(points["id"]), groups=groups, marks=marks), "datasets": map_data(points, spot_read(plot))},
            width="stretch",
            key=chart_key(),
            on_select=pick_clicked,
            selection_mode=PICKED,
            alt=_told(plot, groups, marks),
        )
    st.html(legend_html(groups) + _explanation(plot, marks))
    draw_walk(application, plot, documents)


def _told(plot: Plot, groups: Groups, marks: Marks | None) -> str:
    """Say in words what the map shows."""
    largest = ", ".join(groups.names[:3])
    told = f"Map of {counted(len(plot.sample.chunks), 'passage')}; most are of {largest}."
    return (
        f"{told} A question is marked with its {counted(len(marks.ranks), 'passage')}, listed below." if marks else told
    )


def _explanation(plot: Plot, marks: Marks | None) -> str:
    shown, total = len(plot.sample.chunks), plot.sample.total
    words = [
        "Each point is a passage; those that say similar things stand together (embeddings, laid out by t-SNE). Near "
        "means alike; how far apart two groups stand says little. Click a point to read it, or choose it below; hold "
        "Shift to drag the map and to zoom it with the wheel."
    ]
    if shown < total:
        words.append(f"The map shows {shown:,} of {total:,} passages, drawn at random.")
    if marks:
        words.append(
            "The diamond is the question. It has no place of its own on the map and stands in the middle of the five "
            "passages most like it, nearer to those more alike. Rings are the passages an answer would draw on."
        )
    return f'<p class="quiet">{" ".join(words)}</p>'


def _draw_passages(plot: Plot, passages: Sequence[Passage]) -> None:
    shown = {chunk.id for chunk in plot.sample.chunks}
    items = "".join(
        f'<li><span class="number">{passage.rank}</span>'
        f"{passage_html(passage, note='' if passage.chunk.id in shown else ' (not among the points shown)')}</li>"
        for passage in passages
    )
    st.html(
        '<section class="found" aria-label="Passages of the question"><h2>The passages of the question</h2>'
        f'<ol class="chunks">{items}</ol></section>'
    )
    offer_ranks(plot, passages)
