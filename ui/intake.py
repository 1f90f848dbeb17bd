"""The place to drop files on: what is dropped is kept, ingested, and told about, file by file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rag_app.records import IngestEvent
from ui.guard import told_in_words
from ui.markup import counted, escaped
from ui.uploads import KeptUploads, Upload, checked_collection, upload_folder

if TYPE_CHECKING:
    from rag_app.assembly import Application

_OUTCOMES = "upload_outcomes"
_ROUND = "upload_round"


@dataclass(slots=True)
class Progress:
    """How far one uploaded file has come. ``step`` is waiting, reading, embedding, stored, unchanged or failed."""

    name: str
    step: str = "waiting"
    reason: str = ""


def draw_upload(application: "Application", *, key: str) -> None:
    """Draw the place to drop files on, and what became of the last ones."""
    turn = st.session_state.setdefault(_ROUND, 0)
    with st.container(key=f"upload-{key}", border=True):
        uploads = st.file_uploader(
            "Drop documents here, or choose them",
            accept_multiple_files=True,
            key=f"files-{key}-{turn}",
            help="PDF, Office files, books, mail, web pages, data, text, code and archives. Several at once are fine.",
        )
        left, right = st.columns([3, 2], vertical_alignment="bottom")
        collection = left.selectbox(
            "Collection",
            application.library.collections() or ["default"],
            accept_new_options=True,
            help="Choose a collection, or type the name of a new one",
            key=f"into-{key}",
        )
        label = f"Add {counted(len(uploads), 'file')}" if uploads else "Add to the library"
        wanted = right.button(label, type="primary", disabled=not uploads, width="stretch", key=f"add-{key}")
        board = st.empty()
        if wanted and uploads:
            with told_in_words():
                st.session_state[_OUTCOMES] = _take_in(application, uploads, checked_collection(collection), board)
                st.session_state[_ROUND] = turn + 1
                st.rerun()
        elif st.session_state.get(_OUTCOMES):
            board.html(board_html(st.session_state[_OUTCOMES]))


def forget_outcomes() -> None:
    """Clear what became of the last uploads from the page."""
    st.session_state.pop(_OUTCOMES, None)


def _take_in(
    application: "Application", uploads: Sequence[Upload], collection: str, board: DeltaGenerator
) -> list[Progress]:
    """Keep and ingest the uploads, showing on the board how far each has come."""
    # Imported here because the readers of all formats come with it: the page is painted first.
    from ingest.pipeline import ingest_files
    from rag_app.assembly import ingest_options

    kept = KeptUploads(upload_folder(application.settings.home, collection), uploads)
    progress = {path.name: Progress(path.name) for path in kept.paths}

    def follow(event: IngestEvent) -> None:
        line = progress.setdefault(event.name, Progress(event.name))
        line.step = event.step
        line.reason = event.failure.reason if event.failure else ""
        board.html(board_html(list(progress.values())))

    board.html(board_html(list(progress.values())))
    whole = False
    try:
        report = ingest_files(
            kept.paths,
            kept.folder,
            application.library,
            application.embedder,
            options=ingest_options(application.settings, collection=collection),
            on_event=follow,
        )
        whole = True
    finally:
        # Interrupted, what is stored stays and the rest is taken back.
        failed = [line.name for line in progress.values() if line.step not in {"stored", "unchanged"}]
        kept.settle([failure.name for failure in report.failures] if whole else failed)
    for failure in report.failures:
        progress[failure.name] = Progress(failure.name, "failed", failure.reason)
    for line in progress.values():
        if line.step not in {"failed", "unchanged"}:
            line.step = "stored"
    return list(progress.values())


_STEPS = {
    "waiting": "waiting",
    "found": "waiting",
    "reading": "reading…",
    "embedding": "embedding…",
    "stored": "added",
    "unchanged": "already there, unchanged",
    "failed": "not added",
}


def board_html(lines: Sequence[Progress]) -> str:
    """Return the list of uploaded files with their progress, and the reason of each failure."""
    items = "".join(
        f'<li class="{escaped(line.step)}"><span class="dot"></span><span class="name">{escaped(line.name)}</span>'
        f'<span class="state">{escaped(_STEPS.get(line.step, line.step))}</span>'
        + (f'<p class="reason">{escaped(line.reason)}</p>' if line.reason else "")
        + "</li>"
        for line in lines
    )
    return f'<ul class="board" aria-live="polite" aria-label="Uploaded files">{items}</ul>'
