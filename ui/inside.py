"""Look inside an answer: what was found, how it was weighed, what was written and dropped, and what it took."""

from typing import TYPE_CHECKING

import streamlit as st

from rag_app.records import Answer, Trace
from ui.guard import told_in_words
from ui.inside_pictures import certainty_html, disagreement_html, flow_html, ranks_html, seconds, times_html
from ui.inside_tables import models_html, passages_table_html, prompt_html, written_html
from ui.map_question import show_on_map

if TYPE_CHECKING:
    from ui.conversation import Turn


def offer_inside(turn: "Turn") -> None:
    """Offer a look inside a turn's answer, where it has a trace."""
    if turn.answer is None or turn.answer.trace is None:
        return
    with st.container(key=f"inside-{turn.number}", width="content"):
        key, icon = f"inside-button-{turn.number}", ":material/frame_inspect:"
        if st.button("Look inside", key=key, icon=icon, type="tertiary", help="See how this answer came about"):
            _draw(turn.answer)


@st.dialog("How this answer came about", width="large")
def _draw(answer: Answer) -> None:
    with told_in_words():
        trace = answer.trace
        assert trace is not None
        with st.container(key="inside-body"):
            st.html(inside_html(answer, trace))
            if trace.passages:
                show_on_map(answer.standalone_question, key="inside-map")


def inside_html(answer: Answer, trace: Trace) -> str:
    """Return everything that there is to see inside an answer."""
    if not trace.passages:
        return '<div class="inside"><p>There were no documents to search.</p></div>'
    total = seconds(trace.timings_ms.get("total", 0.0))
    return (
        f'<div class="inside">{flow_html(answer, trace)}'
        "<h2>How the passages moved</h2>"
        '<p class="quiet">On the left their order as the search found them (retrieval); on the right, after each was '
        "read beside the question (reranking). The share says how likely a passage holds the answer; how well it was "
        "found and what it is about count for its place, too.</p>"
        f"{ranks_html(answer, trace)}{disagreement_html(trace)}"
        "<h2>How sure it is</h2>"
        f"{certainty_html(answer, trace)}"
        f"{written_html(answer, trace)}"
        f"<h2>Where the time went: {total}</h2>{times_html(trace)}"
        f"{passages_table_html(answer, trace)}{prompt_html(answer)}{models_html(answer, trace)}</div>"
    )
