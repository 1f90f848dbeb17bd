"""The chat: ask, watch the checked sentences arrive, follow each mark to its source."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rag_app.records import Document
from ui import conversation
from ui.answers import answer_html, question_html, writing_html
from ui.conversation import Turn
from ui.desk import Growing, desk
from ui.examples import example_questions
from ui.feedback import draw_feedback
from ui.guard import show_error, told_in_words
from ui.inside import offer_inside
from ui.intake import draw_upload
from ui.markup import as_label, counted
from ui.panel import draw_panel, offer_sources
from ui.scope import ask_all, asked_documents, documents_now, draw_scope, invitation, scope_now
from ui.sources import offer_originals, read_sources, sources_html
from ui.state import all_documents
from ui.suggestions import draw_suggestions

if TYPE_CHECKING:
    from rag_app.assembly import Application

_TYPED = "question"
_TROUBLE = "trouble_of_asking"
_EDITED = "turn_being_edited"
_GLANCE_SECONDS = 0.2
"""How often a page that waits looks whether its reader is still there."""


def show(application: "Application") -> None:
    """Draw the chat page."""
    asked = asked_documents(application.library)
    in_scope = documents_now(application.library, all_documents(application.library), asked)
    if asked is not None:
        with st.bottom:
            draw_scope(asked, in_scope, partial(ask_all, application.library))
    # In st.bottom and not simply last: there Streamlit would keep scrolling to the end while an answer grows.
    st.bottom.chat_input(
        invitation(application.library, asked),
        key=_TYPED,
        disabled=not in_scope,
        on_submit=_ask_typed,
        args=(application,),
    )
    # Always there, and before the turns: opening a source moves nothing, and it stays while an answer grows.
    beside = st.container()
    trouble = st.session_state.pop(_TROUBLE, "")
    turns, jobs = conversation.load_turns(application.library)
    with beside:
        if trouble:
            show_error(trouble)
        if turns:
            draw_panel(application.library)
    opening = st.empty()
    if turns:
        opening.empty()
    elif conversation.current() is not None:
        _draw_lost()
    elif in_scope or asked:
        with opening.container(key="opening"):
            _draw_opening(application, in_scope)
    else:
        with opening.container(key="opening"):
            _draw_empty_library(application)
    growing = []
    for turn in turns:
        box = st.container(key=f"turn-{turn.number}")
        with box:
            _draw_question(application, turn, jobs.get(turn.id))
            place = st.empty()
            if job := jobs.get(turn.id):
                place.html(writing_html(turn, _stage(job)))
                growing.append((box, turn, job, place, _offer_stop(turn, job)))
            else:
                _draw_whole(application, turns, turn, place, waits=bool(jobs))
    # Every question is there before the first answer is waited for: another may have been asked meanwhile.
    for count, (box, turn, job, place, halt) in enumerate(growing, start=1):
        with box:
            _follow(application, turn, job, place)
            halt.empty()
            _draw_whole(application, turns, turn, place, waits=count < len(growing))


def _ask_typed(application: "Application") -> None:
    typed = st.session_state.get(_TYPED)
    if typed and typed.strip():
        _ask(application, typed.strip())


def _ask(application: "Application", question: str) -> None:
    """Ask before the page is drawn, so that the list of conversations is drawn with the new one."""
    st.session_state.pop(_EDITED, None)
    with told_in_words(_remember_trouble):
        conversation.ask(application, question, scope_now(application.library))


def _ask_anew(application: "Application", turn: Turn, question_key: str = "") -> None:
    question = st.session_state.get(question_key, "").strip() if question_key else turn.question
    st.session_state.pop(_EDITED, None)
    with told_in_words(_remember_trouble):
        conversation.ask_anew(application, turn, question or turn.question, scope_now(application.library))


def _ask_everywhere(application: "Application", turn: Turn) -> None:
    ask_all(application.library)
    _ask_anew(application, turn)


def _remember_trouble(words: str) -> None:
    st.session_state[_TROUBLE] = words


def _draw_lost() -> None:
    st.html(
        '<div class="opening"><h1>This conversation is no longer here</h1>'
        "<p>It was deleted, or its address is not complete. Ask something to begin a new one.</p></div>"
    )
    conversation.open_conversation(None)


def _draw_opening(application: "Application", documents: Sequence[Document]) -> None:
    st.html(
        '<div class="opening"><h1>What would you like to know?</h1>'
        f"<p>{counted(len(documents), 'document')} to ask. "
        "Every sentence of an answer is checked against them and shows where it stands.</p></div>"
    )
    with st.container(key="examples", gap="small"):
        for number, question in enumerate(example_questions(documents)):
            st.button(
                as_label(question),
                key=f"example-{number}",
                width="stretch",
                icon=":material/subject:",
                on_click=_ask,
                args=(application, question),
            )


def _draw_empty_library(application: "Application") -> None:
    st.html(
        '<div class="opening"><h1>Nothing to ask yet</h1>'
        "<p>Add documents here, or ingest a whole folder from a terminal:</p>"
        "<pre>rag-app ingest path/to/folder</pre></div>"
    )
    draw_upload(application, key="first")


def _draw_question(application: "Application", turn: Turn, job: Growing | None) -> None:
    if st.session_state.get(_EDITED) == turn.id and job is None:
        _draw_editor(application, turn)
    else:
        st.html(question_html(turn))


def _draw_whole(
    application: "Application", turns: Sequence[Turn], turn: Turn, place: DeltaGenerator, *, waits: bool
) -> None:
    """Draw an answer that grows no more, and what can be done with it; ``waits``: the page waits for another one."""
    last = turn is turns[-1]
    _draw_answer(application, turn, place)
    if turn.answer is None:
        _offer_again(application, turn)
        return
    # In one row, as far as there is room. The thumbs come first: they stay where they were pressed.
    with st.container(horizontal=True, key=f"below-{turn.number}", vertical_alignment="center"):
        draw_feedback(application.library, turn, waits=waits)
        offer_inside(turn)
        if last:
            _offer_anew(application, turn)
    if last and turn.state == "answered":
        draw_suggestions(application, turns, scope_now(application.library), _ask)


def _draw_answer(application: "Application", turn: Turn, place: DeltaGenerator) -> None:
    place.html(answer_html(turn))
    if turn.error:
        show_error(turn.error)
    if turn.sources:
        offer_sources(turn)
        st.html(sources_html(turn.number, turn.sources))
        cited = [source.citation.document for source in turn.sources]
        offer_originals(application.library, cited, key=str(turn.number))


def _offer_stop(turn: Turn, job: Growing) -> DeltaGenerator:
    """Offer to end an answer that grows, or waits for its turn, with a button of ours.

    Streamlit's own way to stop ends the page's script just as every other click does.
    """
    place = st.empty()
    place.button("Stop", key=f"halt-{turn.number}", icon=":material/stop:", on_click=_stop, args=(job,))
    return place


def _stop(job: Growing) -> None:
    with told_in_words(_remember_trouble):
        desk().stop(job)


def _offer_again(application: "Application", turn: Turn) -> None:
    """Offer to ask a question again whose answer never came."""
    st.button(
        "Ask again",
        key=f"again-{turn.number}",
        icon=":material/refresh:",
        on_click=_ask_anew,
        args=(application, turn),
    )


def _offer_anew(application: "Application", turn: Turn) -> None:
    """Offer what can be done with the latest answer."""
    st.button(
        "Ask again",
        key=f"anew-{turn.number}",
        icon=":material/refresh:",
        type="tertiary",
        help="Answer the question once more. An answer that you judged stays above the new one.",
        on_click=_ask_anew,
        args=(application, turn),
    )
    st.button(
        "Edit the question",
        key=f"edit-{turn.number}",
        icon=":material/edit:",
        type="tertiary",
        on_click=st.session_state.__setitem__,
        args=(_EDITED, turn.id),
    )
    if turn.answer and turn.answer.abstained and asked_documents(application.library):
        st.button(
            "Ask all documents",
            key=f"everywhere-{turn.number}",
            icon=":material/travel_explore:",
            type="tertiary",
            on_click=_ask_everywhere,
            args=(application, turn),
        )


def _draw_editor(application: "Application", turn: Turn) -> None:
    field = f"edited-{turn.id}"
    with st.form(f"editor-{turn.id}", border=False):
        st.text_area("Edit the question", turn.question, key=field)
        with st.container(horizontal=True):
            st.form_submit_button("Ask", type="primary", on_click=_ask_anew, args=(application, turn, field))
            st.form_submit_button("Cancel", on_click=st.session_state.pop, args=(_EDITED, None))


def _stage(job: Growing) -> str:
    ahead = desk().ahead(job) if job.stage == "waiting" else 0
    if ahead:
        return f"Waiting for {counted(ahead, 'answer')} before this one…"
    return "retrieving" if job.stage == "waiting" else job.stage


def _follow(application: "Application", turn: Turn, job: Growing, place: DeltaGenerator) -> None:
    """Draw an answer as it grows into ``place``, until it is whole; then let the turn be what was kept of it.

    A reader who does something else meanwhile, or leaves, ends this drawing alone: the answer is written to its end.
    """
    seen = -1
    while not job.ended:
        news = job.wait(seen, seconds=_GLANCE_SECONDS)
        if news != seen:
            turn.sources = read_sources(application.library, job.citations)
            turn.sentences, turn.so_far, seen = list(job.sentences), job.so_far, news
        place.html(writing_html(turn, _stage(job)))
    for kept in application.library.conversations.turns(conversation.current() or ""):
        if kept.id == turn.id:
            whole = conversation.turn_of(application.library, kept)
            turn.sentences, turn.sources, turn.so_far = whole.sentences, whole.sources, whole.so_far
            turn.answer, turn.state, turn.error = whole.answer, whole.state, whole.error or job.error
