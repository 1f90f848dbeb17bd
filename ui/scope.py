"""What is asked: all documents, a collection, or those that were chosen in the library, which a conversation keeps."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.records import AskedDocuments, Document, Scope
from ui import conversation
from ui.guard import told_in_words
from ui.markup import counted, escaped
from ui.state import CHOSEN, chosen_collection, in_collection, scope_of

if TYPE_CHECKING:
    from rag_app.library import Library

_NAMED = 3
"""So many names are shown before the rest is counted."""


def ask_these(documents: Sequence[Document]) -> None:
    """Begin a new conversation that asks these documents alone."""
    conversation.open_conversation(None)
    st.session_state[CHOSEN] = tuple(document.id for document in documents)


def asked_documents(library: "Library") -> AskedDocuments | None:
    """Return the documents that are asked alone, in the open conversation or the one to come; None for all."""
    opened = conversation.current()
    if opened is not None:
        return library.conversations.asked(opened)
    chosen: tuple[int, ...] = st.session_state.get(CHOSEN, ())
    if not chosen:
        return None
    living = tuple(document.id for document in library.documents(Scope(documents=chosen)))
    return AskedDocuments(living, removed=len(chosen) - len(living))


def ask_all(library: "Library") -> None:
    """Let the open conversation, or the one to come, ask all documents again."""
    st.session_state.pop(CHOSEN, None)
    opened = conversation.current()
    if opened is not None:
        with told_in_words():
            library.conversations.ask_only(opened, ())


def scope_now(library: "Library") -> Scope:
    """Return what the next question is asked of."""
    asked = asked_documents(library)
    if asked is not None:
        return Scope(documents=asked.documents)
    return scope_of(chosen_collection(library.collections()))


def documents_now(library: "Library", documents: Sequence[Document], asked: AskedDocuments | None) -> list[Document]:
    """Return those of the library's documents that the next question is asked of."""
    if asked is None:
        return in_collection(list(documents), chosen_collection(library.collections()))
    numbers = set(asked.documents)
    return [document for document in documents if document.id in numbers]


def invitation(library: "Library", asked: AskedDocuments | None) -> str:
    """Return what the place to type says."""
    if asked is not None:
        if not asked.documents:
            return "Nothing is left to ask here"
        return "Ask this document" if len(asked.documents) == 1 else f"Ask these {len(asked.documents):,} documents"
    collection = chosen_collection(library.collections())
    return "Ask your documents" if collection is None else f"Ask in {collection}"


def draw_scope(asked: AskedDocuments, documents: Sequence[Document], lift: Callable[[], None]) -> None:
    """Draw which documents alone are asked, with a button that lifts the restriction."""
    with st.container(horizontal=True, key="asked", vertical_alignment="center", gap="small"):
        st.html(asked_html(asked, [document.name for document in documents]))
        st.button("Ask all documents", key="ask-all", icon=":material/close:", type="tertiary", on_click=lift)


def asked_html(asked: AskedDocuments, names: Sequence[str]) -> str:
    """Return in words which documents alone are asked, and how many of the chosen ones are gone."""
    gone = f'<span class="gone">{_gone(asked)}</span>' if asked.removed else ""
    if not names:
        return f'<p class="asked" role="status">{gone}</p>'
    listed = ", ".join(f'<b dir="auto">{escaped(name)}</b>' for name in names[:_NAMED])
    rest = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    whole = escaped(", ".join(names[:50]))
    return f'<p class="asked" role="status" title="{whole}">Asking only {listed}{rest}{gone}</p>'


def _gone(asked: AskedDocuments) -> str:
    if not asked.documents:
        chosen = "The chosen document has" if asked.removed == 1 else "All chosen documents have"
        return f"{chosen} since been removed from the library."
    has = "has" if asked.removed == 1 else "have"
    return f" · {counted(asked.removed, 'chosen document')} {has} since been removed"
