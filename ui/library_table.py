"""The table of documents, fit for thousands of them: what it shows is read once for each state of the library."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from rag_app.records import Document

_SECONDS = 30
"""After so long the files are looked at again, which change without the library's knowing."""
_COLUMNS = {
    "Name": st.column_config.TextColumn(width=290),
    "State": st.column_config.TextColumn(width=95),
    "Collection": st.column_config.TextColumn(width=105),
    "Pages": st.column_config.NumberColumn(width=60),
    "Chunks": st.column_config.NumberColumn(width=65),
    "Version": st.column_config.NumberColumn(width=65),
    "Size": st.column_config.NumberColumn(format="bytes", width=75),
    "Ingested": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", width=135),
}


def draw_table(documents: Sequence[Document], home: Path, *, revision: int, key: str) -> list[Document]:
    """Draw the table and return the documents whose rows are selected."""
    state = st.dataframe(
        _table(documents, home, revision, tuple(document.id for document in documents)),
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        height=min(38 + 36 * len(documents), 420),
        row_height=36,
        hide_index=True,
        placeholder="",
        column_config=_COLUMNS,
    )
    return [documents[row] for row in state.selection.rows if row < len(documents)]


@st.cache_resource(show_spinner=False, ttl=_SECONDS, max_entries=16)
def _table(_documents: Sequence[Document], _home: Path, revision: int, ids: tuple[int, ...]) -> dict[str, list[Any]]:
    """Return what the table shows of documents, which their ids and the library's revision stand for."""
    uploads = tuple(f"{folder}{os.sep}" for folder in {_home / "uploads", (_home / "uploads").resolve()})
    return {
        "Name": [document.name for document in _documents],
        "State": [state_of(document, uploads) for document in _documents],
        "Collection": [document.collection for document in _documents],
        "Pages": [document.pages for document in _documents],
        "Chunks": [document.chunks for document in _documents],
        "Version": [document.version for document in _documents],
        "Ingested": [document.ingested_at for document in _documents],
        "Size": [document.size for document in _documents],
    }


def state_of(document: Document, uploads: tuple[str, ...]) -> str:
    """Say how a document's file compares with what was read, by its size and time (its hash would take too long)."""
    try:
        facts = os.stat(document.path)  # noqa: PTH116 - a Path for each of thousands would take three times as long
    except (OSError, ValueError):
        return "file gone"
    if (facts.st_size, facts.st_mtime_ns) != (document.size, document.mtime_ns):
        return "file changed"
    return "uploaded" if document.path.startswith(uploads) else "in its folder"
