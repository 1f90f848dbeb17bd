"""What a reader thought of an answer."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Reason = Literal["wrong", "not_cited", "incomplete", "should_be_silent", "should_have_known", "other"]
REASONS: dict[Reason, str] = {
    "wrong": "the answer is wrong",
    "not_cited": "the cited passage does not say this",
    "incomplete": "something is missing",
    "should_be_silent": "it should have said that it does not know",
    "should_have_known": "the documents do say",
    "other": "something else",
}
"""What a reader can say is wrong with an answer, in words."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Feedback:
    """A reader's verdict on the answer of a turn.

    ``reason``, ``words`` and ``correction`` (the right answer) belong to an answer that did not help.
    """

    turn_id: int
    helpful: bool
    reason: Reason | None = None
    words: str = ""
    correction: str = ""
    given_at: datetime = field(default_factory=_now)

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``feedback list --json`` prints, without the question."""
        return {
            "turn_id": self.turn_id,
            "helpful": self.helpful,
            "reason": self.reason,
            "words": self.words,
            "correction": self.correction,
            "given_at": self.given_at.isoformat(),
        }
