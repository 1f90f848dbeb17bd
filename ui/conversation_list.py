"""The kept conversations in the sidebar: open, search, rename, take along, delete."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from rag_app.records import Conversation, KeptTurn
from ui import conversation
from ui.exports import as_file_name, as_json, as_markdown, as_printable
from ui.guard import told_in_words
from ui.markup import as_label, escaped

if TYPE_CHECKING:
    from rag_app.library import Library

SHOWN = 40
_SEARCH = "search_conversations"


def draw_conversations(library: "Library") -> str | None:
    """Draw the list and return the id of the conversation that was just chosen, if any."""
    found = library.conversations.recent(st.session_state.get(_SEARCH, ""), limit=SHOWN + 1)
    if not found and not st.session_state.get(_SEARCH):
        return None
    opened, chosen = conversation.current(), None
    with st.container(key="conversations", gap="xxsmall"):
        st.text_input(
            "Search conversations", placeholder="Search conversations", key=_SEARCH, label_visibility="collapsed"
        )
        if not found:
            st.html('<p class="quiet">No conversation has these words.</p>')
        zone = reader_zone()
        today = datetime.now(zone).date()
        for day, group in itertools.groupby(found[:SHOWN], lambda c: c.changed_at.astimezone(zone).date()):
            st.html(f'<h2 class="day">{_named(day, today)}</h2>')
            for kept in group:
                if _draw_row(library, kept, is_open=kept.id == opened):
                    chosen = kept.id
        if len(found) > SHOWN:
            st.html('<p class="quiet">Older ones are found by their words.</p>')
    return chosen


def _draw_row(library: "Library", kept: Conversation, *, is_open: bool) -> bool:
    name = "open-row" if is_open else f"row-{kept.id}"
    with st.container(horizontal=True, key=name, gap="xsmall", vertical_alignment="center", wrap=False):
        chosen = st.button(as_label(kept.title, 80), key=f"open-{kept.id}", type="tertiary", width="stretch")
        if is_open:
            with st.popover("Rename, export or delete", icon=":material/more_horiz:", type="tertiary"):
                _draw_actions(library, kept)
    return chosen


def _draw_actions(library: "Library", kept: Conversation) -> None:
    field = f"title-{kept.id}"
    st.text_input("Title", kept.title, key=field, max_chars=80, on_change=_rename, args=(library, kept.id, field))
    for words, suffix, mime, written in (
        ("Markdown", "md", "text/markdown", as_markdown),
        ("JSON", "json", "application/json", partial(_as_json, library)),
        ("Page to print", "html", "text/html", as_printable),
    ):
        st.download_button(
            words,
            partial(_written, library, kept, written),
            file_name=f"{as_file_name(kept.title)}.{suffix}",
            mime=mime,
            key=f"export-{suffix}-{kept.id}",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )
    if st.button("Delete", icon=":material/delete:", key=f"delete-{kept.id}", width="stretch"):
        _confirm_deletion(library, kept)


def _written(library: "Library", kept: Conversation, form: Callable[[Conversation, list[KeptTurn]], str]) -> str:
    return form(kept, library.conversations.turns(kept.id))


def _as_json(library: "Library", kept: Conversation, turns: Sequence[KeptTurn]) -> str:
    return as_json(kept, turns, library.feedback.of_each([turn.id for turn in turns]))


def _rename(library: "Library", conversation_id: str, field: str) -> None:
    with told_in_words():
        library.conversations.rename(conversation_id, st.session_state[field])


@st.dialog("Delete this conversation?")
def _confirm_deletion(library: "Library", kept: Conversation) -> None:
    with told_in_words():
        st.html(f'<ul class="names"><li dir="auto">{escaped(kept.title)}</li></ul>')
        st.html('<p class="quiet">Its questions and answers are deleted for good. Your documents are not touched.</p>')
        yes, no = st.columns(2)
        if yes.button("Delete", type="primary", width="stretch", key="delete-yes"):
            library.conversations.remove(kept.id)
            conversation.open_conversation(None)
            st.rerun()
        if no.button("Keep", width="stretch", key="delete-no"):
            st.rerun()


def reader_zone() -> tzinfo:
    """Return the reader's time zone, as far as the browser tells it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _named(day: date, today: date) -> str:
    past = (today - day).days
    if past <= 0:
        return "Today"
    return "Yesterday" if past == 1 else f"{day:%-d %B}" if day.year == today.year else f"{day:%-d %B %Y}"
