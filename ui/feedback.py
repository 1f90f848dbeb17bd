"""What a reader thinks of an answer: a thumb, and where it points down, a reason and the right answer.

It is kept as soon as the thumb is pressed; pressing it again takes it back.
"""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.records.conversations import REMOVED_MARK
from rag_app.records.feedback import REASONS, Feedback, Reason
from ui.conversation import Turn
from ui.guard import show_error, told_in_words
from ui.markup import escaped

if TYPE_CHECKING:
    from rag_app.library import Library

WORDS_CHARACTERS = 1000
CORRECTION_CHARACTERS = 300
_EXPLAINING = "turn_being_explained"
_TROUBLE = "trouble_of_judging"
_OF_SILENCE: tuple[Reason, ...] = ("should_have_known", "other")
_OF_ANSWERS: tuple[Reason, ...] = ("wrong", "not_cited", "incomplete", "should_be_silent", "other")


def draw_feedback(library: "Library", turn: Turn, *, waits: bool = False) -> None:
    """Draw the thumbs below a whole answer, with what was said of it.

    While the page waits for another answer they are no part of their own: what is pressed in one would be kept only
    when that answer is whole, and be lost if the page is left before.
    """
    if turn.state == "answered" and turn.answer is not None and turn.answer.kind == "answer":
        (_draw if waits else _draw_alone)(library, turn)


@st.fragment
def _draw_alone(library: "Library", turn: Turn) -> None:
    _draw(library, turn)


def _draw(library: "Library", turn: Turn) -> None:
    with st.container(key=f"judge-{turn.id}", gap="small", width="content"), told_in_words():
        kept = library.feedback.of(turn.id)
        thumb = f"thumb-{turn.id}"
        # What is kept may have been changed in another tab.
        st.session_state[thumb] = None if kept is None else int(kept.helpful)
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"thumbs-{turn.id}"):
            # Before the words, which change with it: it stays where it was pressed.
            st.feedback("thumbs", key=thumb, on_change=_press, args=(library, turn, thumb))
            st.html(f'<p class="quiet" role="status">{_asked(turn, kept)}</p>', width="content")
            if kept and not kept.helpful and st.session_state.get(_EXPLAINING) != turn.id:
                st.button(
                    "Change what you said" if kept.reason or kept.words or kept.correction else "Say why",
                    key=f"explain-{turn.id}",
                    type="tertiary",
                    on_click=st.session_state.__setitem__,
                    args=(_EXPLAINING, turn.id),
                )
        trouble: tuple[int, str] | None = st.session_state.get(_TROUBLE)
        if trouble and trouble[0] == turn.id:
            del st.session_state[_TROUBLE]
            show_error(trouble[1])
        if kept and not kept.helpful:
            if st.session_state.get(_EXPLAINING) == turn.id:
                _draw_form(library, turn, kept)
            else:
                st.html(said_html(kept))


def said_html(kept: Feedback) -> str:
    """Return what a reader said of an answer that did not help."""
    if kept.words == REMOVED_MARK:
        written = ['<span class="removed">What you wrote was removed together with a document.</span>']
    else:
        written = [f"“{escaped(kept.words)}”"] if kept.words else []
    if kept.correction:
        written.append(f"Right would be: {escaped(kept.correction)}")
    reason = [f"{REASONS[kept.reason].capitalize()}."] if kept.reason else []
    lines = "".join(f'<p dir="auto">{line}</p>' for line in (*reason, *written))
    return f'<div class="verdict quiet">{lines}</div>' if lines else ""


def _asked(turn: Turn, kept: Feedback | None) -> str:
    if kept is not None:
        return "You found this helpful." if kept.helpful else "You did not find this helpful."
    return "Is it right that the documents do not say?" if turn.answer and turn.answer.abstained else "Did this help?"


def _press(library: "Library", turn: Turn, thumb: str) -> None:
    pressed = st.session_state.get(thumb)
    st.session_state.pop(_EXPLAINING, None)
    with told_in_words(partial(_remember_trouble, turn.id)):
        if pressed is None:
            library.feedback.retract(turn.id)
        else:
            library.feedback.give(Feedback(turn.id, bool(pressed)))
            if not pressed:
                st.session_state[_EXPLAINING] = turn.id


def _draw_form(library: "Library", turn: Turn, kept: Feedback) -> None:
    silent = turn.answer is not None and turn.answer.abstained
    reasons = list(_OF_SILENCE if silent else _OF_ANSWERS)
    with st.form(f"verdict-{turn.id}", border=True):
        st.radio(
            "What is wrong?",
            reasons,
            index=reasons.index(kept.reason) if kept.reason in reasons else None,
            format_func=lambda reason: REASONS[reason].capitalize(),
            key=f"reason-{turn.id}",
        )
        st.text_input(
            "The right answer, if you know it",
            kept.correction,
            max_chars=CORRECTION_CHARACTERS,
            key=f"correction-{turn.id}",
        )
        st.text_area(
            "In your words",
            "" if kept.words == REMOVED_MARK else kept.words,
            max_chars=WORDS_CHARACTERS,
            height=80,
            key=f"words-{turn.id}",
        )
        st.html(
            '<p class="quiet">This stays on this computer. If you quote a document here, '
            "your words are removed together with it.</p>"
        )
        with st.container(horizontal=True):
            st.form_submit_button("Keep", type="primary", on_click=_keep, args=(library, turn.id))
            st.form_submit_button("Cancel", on_click=st.session_state.pop, args=(_EXPLAINING, None))


def _keep(library: "Library", turn_id: int) -> None:
    reason, correction, words = (
        st.session_state.get(f"{name}-{turn_id}") for name in ("reason", "correction", "words")
    )
    st.session_state.pop(_EXPLAINING, None)
    with told_in_words(partial(_remember_trouble, turn_id)):
        library.feedback.give(Feedback(turn_id, False, reason, words=words or "", correction=correction or ""))


def _remember_trouble(turn_id: int, words: str) -> None:
    """Have it shown below the thumbs: what a callback draws would take the place of the page's first elements."""
    st.session_state[_TROUBLE] = (turn_id, words)
