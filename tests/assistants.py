"""Assistants over ready passages, with the hand-written stand-ins for models."""

from collections.abc import Sequence

from rag_app.answering.assistant import ALL_PARTS, Assistant, Limits
from rag_app.answering.parts import Parts
from rag_app.records import Answer, Message
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages

TEXTS = (
    "Employees have 25 days of annual leave. Up to 10 days of leave may be carried over to the next year.",
    "The canteen opens at 11:30 and closes at 14:00. Dogs are not allowed in the canteen.",
)
CARRY = "How many days of leave may be carried over?"


def make_assistant(
    *lines: str, texts: Sequence[str] = TEXTS, limits: Limits | None = None, parts: Parts = ALL_PARTS
) -> Assistant:
    """Return an assistant over these texts whose generator says these lines."""
    return Assistant(
        ListLibrary(make_passages(*texts)),
        FakeEmbedder(),
        evidence=WordEvidence(),
        generator=ScriptedGenerator(*lines),
        limits=limits or Limits(threshold=0.9),
        parts=parts,
    )


def ask(question: str, *lines: str, history: Sequence[Message] = ()) -> Answer:
    """Return the answer of an assistant whose generator says these lines."""
    return make_assistant(*lines).ask(question, history=history).answer
