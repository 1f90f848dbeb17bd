"""A folder of the server: choose it, see what a run would do, ingest it, watch it."""

from typing import TYPE_CHECKING

import streamlit as st

from ui.dock import Dock, dock
from ui.following import followed, forget_outcomes, remember
from ui.guard import show_error, told_in_words
from ui.ingestion import Ingestion
from ui.intake_board import board_html, changes_html, lines_html, summary
from ui.markup import escaped
from ui.read_only import check_may_change
from ui.server_folders import allowed_roots, are_offered, checked_server_folder, why_not
from ui.uploads import checked_collection
from ui.watched import Watched

if TYPE_CHECKING:
    from rag_app.assembly import Application

_TROUBLE = "trouble_of_folder"
_PATH = "server-folder"
_INTO = "server-folder-into"


def draw_folder_form(application: "Application") -> None:
    """Draw the form to choose a folder of the server, or say why none can be chosen."""
    if not are_offered(application.settings):
        st.html(f'<p class="quiet">{escaped(why_not(application.settings))}</p>')
        return
    roots = allowed_roots(application.settings)
    where = f"below {', '.join(map(str, roots))}" if roots else "of this computer, because only this computer sees it"
    st.html(f'<p class="quiet">The page may read folders {escaped(where)}. The files stay where they are.</p>')
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.text_input("Folder on the server", placeholder="/path/to/folder", key=_PATH)
    right.selectbox(
        "Collection",
        application.library.collections() or ["default"],
        accept_new_options=True,
        help="It is made equal to the folder: what is new is added, what changed updated, what is gone removed",
        key=_INTO,
    )
    with st.container(horizontal=True, key="folder-actions", gap="small"):
        for label, key, icon, kind in (
            ("Ingest", "ingest-folder", ":material/download:", "primary"),
            ("See what would change", "look-folder", ":material/visibility:", "secondary"),
            ("Watch", "watch-folder", ":material/sync:", "secondary"),
        ):
            st.button(label, key=key, icon=icon, type=kind, on_click=_act, args=(application, key))  # type: ignore[arg-type]
    trouble = st.session_state.pop(_TROUBLE, "")
    if trouble:
        show_error(trouble)


def draw_folders(application: "Application", the_dock: Dock, known: int) -> None:
    """Draw what was found out about folders, and those that are watched."""
    if not are_offered(application.settings):
        return
    for ingestion in [one for one in followed(the_dock) if one.dry and not one.live][-1:]:
        _draw_look(ingestion, known)
    watched = the_dock.watched.all()
    if not watched:
        return
    with st.container(key="watched", border=True):
        st.html(
            '<h2 class="part">Watched folders</h2><p class="quiet">Their changes are taken in as long as the page '
            "is served, also after a restart.</p>"
        )
        for number, one in enumerate(watched):
            with st.container(horizontal=True, key=f"watched-{number}", vertical_alignment="top"):
                st.html(watched_html(one))
                st.button(
                    "Stop watching",
                    key=f"unwatch-{number}",
                    type="tertiary",
                    help="Its documents stay",
                    on_click=_unwatch,
                    args=(the_dock, one),
                )


def watched_html(watched: Watched) -> str:
    """Return a watched folder with its state and what its latest change was."""
    latest, looks, state = watched.latest, "stored", "watching"
    if watched.trouble:
        looks, state = "failed", "cannot be read at the moment; it is tried again"
    elif latest is None or latest.live:
        looks, state = "reading", "taking in what changed…"
    changed = watched.changed
    last, files = "No change so far.", ""
    if changed and changed.report:
        last = f"Last change {changed.ended_text()}: {summary(changed.report)}."
        files = lines_html(changed.lines(), title=str(watched.folder))
    reason = f'<p class="reason">{escaped(watched.trouble)}</p>' if watched.trouble else ""
    return (
        f'<ul class="lines watched"><li class="{looks}"><span class="dot"></span>'
        f'<span class="name">{escaped(str(watched.folder))}</span>'
        f'<span class="state">{escaped(watched.collection)} · {state}</span>'
        f'<p class="state wide">{escaped(last)}</p>{reason}</li></ul>{files}'
    )


def _draw_look(ingestion: Ingestion, known: int) -> None:
    with st.container(key="looked", border=True):
        if ingestion.report is None:
            st.html(board_html(ingestion, known=known))
            return
        done = " data-done" if ingestion.is_known(known) else ""
        changes = changes_html(ingestion.report)
        st.html(
            f'<div class="intake" data-job="{ingestion.number}"{done}><p class="doing">What would change in '
            f"{escaped(ingestion.collection)}, from {escaped(ingestion.title)}</p>{changes}</div>"
        )


def _act(application: "Application", action: str) -> None:
    """Do what a button of the form says with the folder that is typed."""
    with told_in_words(_remember_trouble):
        check_may_change()
        if not are_offered(application.settings):
            return
        folder = checked_server_folder(st.session_state.get(_PATH, ""), application.settings)
        collection = checked_collection(st.session_state.get(_INTO))
        the_dock = dock(application)
        if action != "look-folder":
            # What would change is about to be what has changed.
            forget_outcomes()
        if action == "ingest-folder":
            remember(the_dock.add_folder(folder, collection))
        elif action == "look-folder":
            remember(the_dock.look(folder, collection))
        else:
            the_dock.watch(folder, collection)


def _unwatch(the_dock: Dock, watched: Watched) -> None:
    with told_in_words(_remember_trouble):
        check_may_change()
        the_dock.watched.remove(watched)


def _remember_trouble(words: str) -> None:
    st.session_state[_TROUBLE] = words
