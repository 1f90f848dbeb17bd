"""A page that is for asking and reading alone: nothing is added, removed or set there.

That is decided where the work is done; that its buttons are not drawn either is a courtesy.
"""

import streamlit as st

from rag_app.errors import PageError
from rag_app.settings import load_settings

WORDS = "This page is read-only: documents are added and removed, and settings changed, by whoever runs rag_app."


def is_read_only() -> bool:
    """Say whether the page is for asking and reading alone, by the settings as they are at this moment."""
    return load_settings().read_only


def check_may_change() -> None:
    """Let what is about to be changed be changed.

    Raises:
        PageError: the page is read-only.
    """
    if is_read_only():
        raise PageError(f"{WORDS} Ask them, or have them start the page without the setting read_only.")


def draw_read_only() -> None:
    """Say that the page is read-only."""
    st.html(f'<p class="quiet read-only">{WORDS}</p>')
