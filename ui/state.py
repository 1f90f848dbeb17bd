"""What the pages stand on: the application, opened once for all readers, and the scope each reader chose."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.records import Document, Scope
from rag_app.settings import Settings, load_settings

if TYPE_CHECKING:
    from rag_app.assembly import Application
    from rag_app.library import Library

COLLECTION = "collection"
OPENED = "opened_source"
CHOSEN = "documents_to_ask"
EVERYTHING = ""
_WITHOUT_MODELS = (
    "passages",
    "threshold",
    "max_question_characters",
    "max_answer_tokens",
    "show_unsupported",
    "chunk_tokens",
    "chunk_overlap",
    "max_file_mb",
    "server_folders",
    "read_only",
    "log_level",
)
"""Settings that can change while the models stay loaded."""


def application() -> "Application":
    """Return the application, showing what is going on while its models load."""
    with st.spinner(_loading_words(load_settings())):
        return open_application()


def open_application() -> "Application":
    """Return the application, without a word to anybody."""
    settings = load_settings()
    usual = Settings()
    loaded = replace(settings, **{name: getattr(usual, name) for name in _WITHOUT_MODELS})
    return _opened(loaded).answering_by(settings)


# One: the models of settings that no longer hold would fill the memory.
@st.cache_resource(show_spinner=False, max_entries=1)
def _opened(settings: Settings) -> "Application":
    # Imported here because it loads the libraries of the models, which takes seconds: the page is painted first.
    from rag_app.assembly import Application

    return Application.open(settings)


def _loading_words(settings: Settings) -> str:
    if (settings.home / "models").is_dir():
        return "Loading the models (a few seconds)…"
    return "Preparing the language model, once (less than a minute)…"


def all_documents(library: "Library") -> list[Document]:
    """Return the documents of the library, read only when it has changed. The list is shared: leave it as it is."""
    return _documents(library, str(id(library)), library.revision)


@st.cache_resource(show_spinner=False, ttl=60, max_entries=2)
def _documents(_library: "Library", name: str, revision: int) -> list[Document]:
    # Modification times are noted without a new revision, so that they may be a minute old.
    return _library.documents()


def chosen_collection(collections: list[str]) -> str | None:
    """Return the collection that this reader asks in, None for all."""
    chosen: str | None = st.session_state.get(COLLECTION)
    return chosen if chosen in collections else None


def scope_of(collection: str | None) -> Scope:
    """Return the scope of a chosen collection."""
    return Scope() if collection is None else Scope(collections=(collection,))


def in_collection(documents: list[Document], collection: str | None) -> list[Document]:
    """Return the documents of a chosen collection."""
    return [document for document in documents if collection in (None, document.collection)]
