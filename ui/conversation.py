"""A conversation as the page shows it. It is kept in the database; its id is in the page's address.

Which conversation is open belongs to each browser tab alone.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.errors import NotFound
from rag_app.records import Answer, Citation, KeptTurn, Message, Scope, Sentence, TurnState
from ui.desk import Growing, Job, desk
from ui.elsewhere import AnsweredElsewhere
from ui.sources import Source, read_sources
from ui.state import CHOSEN, OPENED

if TYPE_CHECKING:
    from rag_app.assembly import Application
    from rag_app.library import Library

_OPEN = "conversation"
_ADDRESS = "c"
_SOURCES = "sources_read"


@dataclass(slots=True)
class Turn:
    """A question and as much of its answer as has been checked so far.

    ``answer`` is None until it is whole, and ``so_far`` as much of it as there is; ``error`` says why it never will be
    whole. ``id`` is the turn's in the database.
    """

    number: int
    question: str
    sentences: list[Sentence] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    answer: Answer | None = None
    so_far: Answer | None = None
    error: str = ""
    id: int = 0
    state: TurnState = "answered"


def current() -> str | None:
    """Return the id of the conversation that is open in this tab, which the page's address names after a reload."""
    named = st.query_params.get(_ADDRESS)
    if named:
        st.session_state[_OPEN] = named
    opened: str | None = st.session_state.get(_OPEN)
    return opened


def open_conversation(conversation_id: str | None) -> None:
    """Show another conversation from now on, or none."""
    st.session_state.pop(CHOSEN, None)
    if conversation_id != st.session_state.get(_OPEN):
        st.session_state.pop(OPENED, None)
    st.session_state[_OPEN] = conversation_id
    if conversation_id is None:
        st.query_params.pop(_ADDRESS, None)
    else:
        st.query_params[_ADDRESS] = conversation_id


def address(conversation_id: str | None) -> dict[str, str]:
    """Return the parameters of a conversation's address."""
    return {_ADDRESS: conversation_id} if conversation_id else {}


def load_turns(library: "Library") -> tuple[list[Turn], dict[int, Growing]]:
    """Return the turns of the open conversation, and the answers to them that are being written, by the turn's id."""
    opened = current()
    if opened is None:
        return [], {}
    at_work = desk().jobs()
    kept = library.conversations.turns(opened)
    if kept and st.query_params.get(_ADDRESS) != opened:
        st.query_params[_ADDRESS] = opened
    jobs: dict[int, Growing] = {}
    for turn in kept:
        job = at_work.get(turn.id) or desk().jobs().get(turn.id)
        if turn.state == "asked" and job:
            jobs[turn.id] = job
        elif turn.elsewhere:
            jobs[turn.id] = AnsweredElsewhere(library.conversations, turn)
    return [turn_of(library, turn, alive=turn.id in jobs) for turn in kept], jobs


def turn_of(library: "Library", kept: KeptTurn, *, alive: bool = False) -> Turn:
    """Return a kept turn as it is shown; one that nobody answers any more is a stopped one."""
    state: TurnState = "stopped" if kept.state == "asked" and not alive else kept.state
    answer = kept.answer
    return Turn(
        number=kept.ordinal,
        question=kept.question,
        sentences=list(answer.sentences) if answer else [],
        sources=_sources(library, kept.id, answer.citations) if answer else [],
        answer=answer if state == "answered" else None,
        so_far=answer,
        error=kept.error,
        id=kept.id,
        state=state,
    )


def _sources(library: "Library", turn_id: int, citations: tuple[Citation, ...]) -> list[Source]:
    """Read the surroundings of the citations, anew only when the library or the answer has changed."""
    known: dict[int, tuple[object, list[Source]]] = st.session_state.setdefault(_SOURCES, {})
    stamp = (library.revision, citations)
    if turn_id not in known or known[turn_id][0] != stamp:
        known[turn_id] = (stamp, read_sources(library, citations))
    return known[turn_id][1]


def ask(application: "Application", question: str, scope: Scope) -> None:
    """Keep a question in the open conversation, or a new one, and have it answered from the documents in a scope."""
    kept = application.library.conversations
    opened = current()
    history = _history(kept.turns(opened)) if opened else []
    try:
        turn = kept.ask(opened, question) if opened else kept.begin(question, documents=scope.documents or ())
    except NotFound:
        # Deleted in another tab: the question begins a new one.
        turn = kept.begin(question)
    open_conversation(turn.conversation_id)
    desk().write(Job(application.assistant, kept, turn, history=history, scope=scope))


def ask_anew(application: "Application", turn: Turn, question: str, scope: Scope) -> None:
    """Ask a turn's question again, or another in its place. A turn that was judged, or that others follow, stays."""
    kept = application.library.conversations
    job = desk().jobs().get(turn.id)
    if job:
        desk().stop(job)
    try:
        again = kept.ask_again(turn.id, question)
    except NotFound:
        ask(application, question, scope)
        return
    open_conversation(again.conversation_id)
    # As it was meant where it was asked first, whatever has been said since.
    earlier = [before for before in kept.turns(again.conversation_id) if before.ordinal < turn.number]
    desk().write(Job(application.assistant, kept, again, history=_history(earlier), scope=scope))


def _history(turns: list[KeptTurn]) -> list[Message]:
    """Return the whole turns as the assistant wants them."""
    messages = []
    for turn in turns:
        if turn.state == "answered" and turn.answer is not None:
            messages.append(Message("user", turn.question))
            messages.append(Message("assistant", turn.answer.text))
    return messages
