"""How an answer's tokens are chosen beyond what the model alone finds likeliest."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag_app.records import Message


@dataclass(frozen=True, slots=True)
class Decoding:
    """What may change which token is written next.

    ``faithful_to`` is a text (the sources and the question) outside of which no number, date or name is written.
    ``contrast`` > 0 strengthens what the sources bring, against the same prompt ``without`` them; it costs a second
    forward per step. ``lookup`` drafts tokens from the prompt, which makes quoting faster and changes no text.
    """

    faithful_to: str | None = None
    contrast: float = 0.0
    without: Sequence[Message] | None = None
    lookup: bool = True

    def __post_init__(self) -> None:
        if self.contrast and self.without is None:
            raise ValueError("Decoding with contrast needs the prompt without its sources.")
