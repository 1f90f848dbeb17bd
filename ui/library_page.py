"""The library page: what is in it, as the system sees it, and how to add and remove."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.records import Chunk, Document
from ui.following import forget_outcomes
from ui.guard import show_receipt, told_in_words
from ui.intake import draw_upload, read_again
from ui.library_table import draw_table
from ui.markup import counted, escaped
from ui.read_only import check_may_change, is_read_only
from ui.scope import ask_these
from ui.sources import offer_originals, place
from ui.state import all_documents, chosen_collection, in_collection, scope_of
from ui.upkeep import draw_upkeep, draw_versions, said_of
from ui.uploads import delete_upload, is_upload

if TYPE_CHECKING:
    from rag_app.assembly import Application
    from rag_app.library import Library

TEXT_CHARACTERS = 20_000
CHUNKS_SHOWN = 30

_ROUND = "library_round"
_RECEIPT = "library_receipt"


def show(application: "Application", *, go_to_chat: Callable[[], object] = st.rerun) -> None:
    """Draw the library page. ``go_to_chat`` leads to where the chosen documents can be asked."""
    st.html('<div class="title library"><h1>Library</h1></div>')
    receipt = st.session_state.pop(_RECEIPT, None)
    if receipt:
        show_receipt(receipt)
    draw_upload(application, key="library")
    collection = chosen_collection(application.library.collections())
    documents = in_collection(all_documents(application.library), collection)
    if not documents:
        st.html('<p class="quiet">No documents here yet.</p>')
        draw_upkeep(application.library, scope_of(collection), read_again=partial(read_again, application))
        return
    found = _filtered(documents)
    chosen = _draw_table(found, application)
    if chosen:
        _draw_actions(application, chosen, go_to_chat)
    if len(chosen) == 1:
        _draw_document(application.library, chosen[0])
    draw_upkeep(application.library, scope_of(collection), read_again=partial(read_again, application))


def _filtered(documents: Sequence[Document]) -> list[Document]:
    words = st.text_input("Filter", placeholder="Filter by name or title", key="filter", label_visibility="collapsed")
    wanted = words.casefold().split()
    return [d for d in documents if all(word in f"{d.name} {d.title} {d.collection}".casefold() for word in wanted)]


def _draw_table(documents: Sequence[Document], application: "Application") -> list[Document]:
    """Draw the table and return the documents whose rows are selected."""
    chunks = sum(document.chunks for document in documents)
    st.html(
        f'<p class="quiet">{counted(len(documents), "document")}, {counted(chunks, "chunk")}. '
        "Select a row to read a document as the system sees it.</p>"
    )
    if not documents:
        return []
    return draw_table(
        documents,
        application.settings.home,
        revision=application.library.revision,
        key=f"documents-{st.session_state.get(_ROUND, 0)}",
    )


def _draw_actions(application: "Application", chosen: Sequence[Document], go_to_chat: Callable[[], object]) -> None:
    with st.container(horizontal=True, key="actions"):
        words = "Ask this document" if len(chosen) == 1 else f"Ask these {len(chosen):,} documents"
        if st.button(words, icon=":material/chat_bubble:", key="ask-these", type="primary"):
            ask_these(chosen)
            go_to_chat()
        if is_read_only():
            return
        if st.button(f"Remove {counted(len(chosen), 'document')}", icon=":material/delete:", key="remove"):
            _confirm_removal(application, chosen)


@st.dialog("Remove from the library?")
def _confirm_removal(application: "Application", chosen: Sequence[Document]) -> None:
    with told_in_words():
        home = application.settings.home
        uploaded = [document for document in chosen if is_upload(document, home)]
        names = "".join(f"<li>{escaped(document.name)}</li>" for document in chosen[:10])
        more = f"<li>and {len(chosen) - 10} more</li>" if len(chosen) > 10 else ""
        st.html(f'<ul class="names">{names}{more}</ul>')
        st.html(f'<p class="quiet">{_consequence(len(uploaded), len(chosen) - len(uploaded))}</p>')
        yes, no = st.columns(2)
        if yes.button("Remove", type="primary", width="stretch", key="remove-yes"):
            st.session_state[_RECEIPT] = _remove(application.library, chosen, home)
            st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
            forget_outcomes()
            st.rerun()
        if no.button("Keep", width="stretch", key="remove-no"):
            st.rerun()


def _consequence(uploaded: int, from_folders: int) -> str:
    words = [
        "Answers will no longer draw on them." if uploaded + from_folders > 1 else "Answers will no longer use it."
    ]
    if uploaded:
        words.append(f"{counted(uploaded, 'uploaded file')} will be deleted.")
    if from_folders:
        words.append(
            f"{counted(from_folders, 'file')} in your own folders will not be touched: "
            "the next ingestion of the folder brings it back, unless the file is moved or ignored."
        )
    return " ".join(words)


def _remove(library: "Library", chosen: Sequence[Document], home: Path) -> str:
    """Remove documents, and the files of those that were uploaded, and say what the receipts say."""
    check_may_change()
    receipts = library.remove_many([document.id for document in chosen])
    for document in chosen:
        if is_upload(document, home):
            delete_upload(document, home)
    return said_of(receipts)


def _draw_document(library: "Library", document: Document) -> None:
    with st.container(key="document", border=True):
        st.html(
            f'<div class="title small"><h2 dir="auto">{escaped(document.title or document.name)}</h2>'
            f'<p class="quiet">{escaped(document.path)}</p>{_notes(document)}</div>'
        )
        offer_originals(library, [document], key="library")
        as_text, as_chunks, before = st.tabs(["Text", f"Chunks ({document.chunks:,})", "Versions"])
        with as_text:
            _draw_text(library.text(document.id))
        with as_chunks:
            _draw_chunks(library.chunks(document.id))
        with before:
            draw_versions(library, document)


def _notes(document: Document) -> str:
    return "".join(f'<p class="quiet">{escaped(note)}</p>' for note in document.notes)


def _draw_text(text: str) -> None:
    pages = max(1, -(-len(text) // TEXT_CHARACTERS))
    page = 1 if pages == 1 else int(st.number_input(f"Part (of {pages})", 1, pages, key="text-part"))
    shown = text[(page - 1) * TEXT_CHARACTERS : page * TEXT_CHARACTERS]
    st.html(
        '<div class="reading" dir="auto" tabindex="0" role="region" aria-label="Text of the document">'
        f"{escaped(shown)}</div>"
    )


def _draw_chunks(chunks: Sequence[Chunk]) -> None:
    pages = max(1, -(-len(chunks) // CHUNKS_SHOWN))
    page = 1 if pages == 1 else int(st.number_input(f"Part (of {pages})", 1, pages, key="chunk-part"))
    items = "".join(
        f'<li><div class="head"><span class="number">{chunk.ordinal + 1}</span>'
        f'<span class="where">{escaped(place(chunk.page, chunk.heading))} '
        f"characters {chunk.start:,}–{chunk.end:,}</span></div>"
        f'<blockquote dir="auto">{escaped(chunk.text)}</blockquote></li>'
        for chunk in chunks[(page - 1) * CHUNKS_SHOWN : page * CHUNKS_SHOWN]
    )
    st.html(f'<ol class="chunks">{items}</ol>')
