"""The last border before the reader: an error is told in words, never as a traceback."""

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from rag_app.errors import RagError
from ui.markup import escaped

_log = logging.getLogger(__name__)


def show_error(words: str) -> None:
    """Show what went wrong.

    Not with ``st.error``: its Markdown would turn an address inside a file's name into a link.
    """
    st.html(f'<div class="notice bad" role="alert" dir="auto">{escaped(words)}</div>')


def show_receipt(words: str) -> None:
    """Show that something was done."""
    st.html(f'<div class="notice good" role="status" dir="auto">{escaped(words)}</div>')


@contextmanager
def told_in_words(tell: Callable[[str], None] = show_error) -> Iterator[None]:
    """Tell a RagError in its own words, and anything else as an apology with a reference that the log has too."""
    try:
        yield
    except RagError as error:
        tell(str(error))
    except Exception:  # The page is the end of the line: whatever was not foreseen is logged whole and told briefly.
        reference = secrets.token_hex(4)
        _log.exception("Unforeseen error, reference %s", reference)
        tell(
            "Something went wrong that should not have. Your documents are safe. Reload the page to go on; "
            f"if it happens again, look for reference {reference} in the program's log."
        )
