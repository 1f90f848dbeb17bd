"""The question that is shown on the map, and the way there from an answer."""

import streamlit as st

ASKED = "map_question"
PAGE = "map_page"


def show_on_map(question: str, *, key: str) -> None:
    """Offer to go to the map with a question."""
    page = st.session_state.get(PAGE)
    if page is not None and st.button("Show on the map", key=key, icon=":material/scatter_plot:", type="tertiary"):
        st.session_state[ASKED] = question
        st.switch_page(page)
