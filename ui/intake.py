"""The place where documents are added: files, whole folders, and folders of the server."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import streamlit as st

from rag_app.errors import PageError
from rag_app.records import FailedFile
from ui.dock import Dock, dock
from ui.folder_intake import draw_folder_form, draw_folders
from ui.following import draw_boards, draw_following, draw_line, remember
from ui.following import forget_outcomes as forget_outcomes
from ui.guard import show_error, told_in_words
from ui.markup import counted
from ui.read_only import check_may_change, draw_read_only, is_read_only
from ui.taking_in import may_be_read_now, worth_taking
from ui.uploads import KeptUploads, Upload, checked_collection

if TYPE_CHECKING:
    from rag_app.assembly import Application

_ROUND = "upload_round"
_TROUBLE = "trouble_of_upload"
_NOTE = "note_of_upload"
_WAYS: dict[str, Literal["directory"] | bool] = {"Files": True, "A folder": "directory"}
_ON_SERVER = "On the server"


def draw_upload(application: "Application", *, key: str) -> None:
    """Draw the place to add documents, and what goes on and went on there."""
    if is_read_only():
        draw_read_only()
        draw_following(application, draw_line)
        return
    with st.container(key=f"upload-{key}", border=True):
        way = st.segmented_control(
            "What to add",
            [*_WAYS, _ON_SERVER],
            default="Files",
            required=True,
            key=f"way-{key}",
            label_visibility="collapsed",
        )
        if way == _ON_SERVER:
            draw_folder_form(application)
        else:
            _draw_uploader(application, key, _WAYS[way])
        trouble = st.session_state.pop(_TROUBLE, "")
        if trouble:
            show_error(trouble)
        note = st.session_state.pop(_NOTE, "")
        if note:
            st.html(f'<p class="quiet">{note}</p>')
        draw_following(application, partial(_draw_all, application))


def _draw_all(application: "Application", the_dock: Dock, known: int) -> None:
    draw_boards(the_dock, known)
    draw_folders(application, the_dock, known)


def _draw_uploader(application: "Application", key: str, several: Literal["directory"] | bool) -> None:
    turn = st.session_state.setdefault(_ROUND, 0)
    files, into = f"files-{key}-{turn}-{several}", f"into-{key}"
    chosen = st.file_uploader(
        "Drop documents here, or choose them" if several is True else "Drop a folder here, or choose one",
        accept_multiple_files=several,
        key=files,
        help="PDF, Office files, books, mail, web pages, data, text, code and archives. Several at once are fine.",
    )
    uploads = chosen if isinstance(chosen, list) else []
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.selectbox(
        "Collection",
        application.library.collections() or ["default"],
        accept_new_options=True,
        help="Choose a collection, or type the name of a new one",
        key=into,
    )
    right.button(
        f"Add {counted(len(uploads), 'file')}" if uploads else "Add to the library",
        type="primary",
        disabled=not uploads,
        width="stretch",
        key=f"add-{key}",
        # Before the page is drawn, so that it is drawn once, with an empty place to drop files on.
        on_click=_add,
        args=(application, files, into, several == "directory"),
    )


def _add(application: "Application", files: str, into: str, of_folder: bool) -> None:
    """Keep the uploads and have them ingested."""
    uploads: Sequence[Upload] = st.session_state.get(files) or []
    with told_in_words(partial(st.session_state.__setitem__, _TROUBLE)):
        check_may_change()
        collection = checked_collection(st.session_state.get(into))
        left_out = 0
        if of_folder:
            found = len(uploads)
            uploads = [upload for upload in uploads if worth_taking(upload)]
            left_out = found - len(uploads)
        if not uploads:
            raise PageError("The folder holds no file that can be read. Choose another, or add the files one by one.")
        kept = KeptUploads.keep(application.settings.home, collection, uploads)
        forget_outcomes()
        remember(dock(application).add_uploads(kept))
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
        if left_out:
            st.session_state[_NOTE] = f"{counted(left_out, 'file')} left out: hidden, or of kinds that are not read."


def read_again(application: "Application", failure: FailedFile) -> bool:
    """Have one file of a folder that could not be read tried again at once; say whether the page may read it."""
    if not may_be_read_now(application, failure):
        return False
    forget_outcomes()
    remember(dock(application).add_again(failure))
    return True
