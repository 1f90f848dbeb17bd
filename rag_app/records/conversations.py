"""Conversations as they are kept: what was asked, what came back, and how far it came."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rag_app.records.answers import Answer

TurnState = Literal["asked", "answered", "stopped", "failed"]

REMOVED_MARK = "[removed from the library]"
"""What a kept answer says in place of sentences that rested on a document which has since been removed."""


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """A question that was asked, as it is kept.

    ``answer`` holds what has been checked so far; it is whole once ``state`` is "answered". ``error`` says why a
    failed turn has none. ``elsewhere`` says that another process is answering.
    """

    id: int
    conversation_id: str
    ordinal: int
    question: str
    state: TurnState
    answer: Answer | None
    error: str
    asked_at: datetime
    elsewhere: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the form of an export."""
        return {
            "question": self.question,
            "state": self.state,
            "asked_at": self.asked_at.isoformat(),
            "error": self.error,
            "answer": self.answer.to_json() if self.answer else None,
        }


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation under an id that cannot be guessed. ``turns`` counts its questions."""

    id: str
    title: str
    created_at: datetime
    changed_at: datetime
    turns: int = field(default=0)

    def to_json(self) -> dict[str, Any]:
        """Return the form of an export, without the turns."""
        return {
            "id": self.id,
            "title": self.title,
            "created_at": self.created_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class AskedDocuments:
    """The documents that a conversation asks alone, by their ids; ``removed`` counts those that are gone since."""

    documents: tuple[int, ...]
    removed: int = 0
