"""A conversation: what was asked and what came back, one turn after another.

Each browser session has its own; nothing here is shared between readers.
"""

from dataclasses import dataclass, field

import streamlit as st

from rag_app.records import Answer, Message, Sentence
from ui.sources import Source

_KEY = "conversation"
_PENDING = "pending_question"


@dataclass(slots=True)
class Turn:
    """A question and as much of its answer as has been checked so far.

    ``answer`` is None until it is whole; ``error`` says why it never will be.
    """

    number: int
    question: str
    sentences: list[Sentence] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    answer: Answer | None = None
    error: str = ""

    def fail(self, words: str) -> None:
        """Keep why the answer never came, for as long as the conversation is shown."""
        self.error = words


def turns() -> list[Turn]:
    """Return the turns of this session's conversation, to be appended to."""
    found: list[Turn] = st.session_state.setdefault(_KEY, [])
    return found


def begin(question: str) -> Turn:
    """Append a turn for a new question."""
    conversation = turns()
    turn = Turn(number=conversation[-1].number + 1 if conversation else 1, question=question)
    conversation.append(turn)
    return turn


def forget() -> None:
    """Start a new conversation."""
    st.session_state[_KEY] = []
    st.session_state.pop(_PENDING, None)


def history(before: Turn) -> list[Message]:
    """Return the whole turns before one, as the assistant wants them."""
    messages = []
    for turn in turns():
        if turn.number < before.number and turn.answer is not None:
            messages.append(Message("user", turn.question))
            messages.append(Message("assistant", turn.answer.text))
    return messages


def ask_next(question: str) -> None:
    """Put a question aside, to be asked as if it had been typed when the page is next drawn."""
    st.session_state[_PENDING] = question


def ask_again(turn: Turn) -> None:
    """Drop a turn that came to nothing and ask its question once more."""
    turns().remove(turn)
    ask_next(turn.question)


def pending() -> str | None:
    """Take the question that was put aside, if any."""
    question: str | None = st.session_state.pop(_PENDING, None)
    return question
