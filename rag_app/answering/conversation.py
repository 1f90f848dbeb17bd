"""Make a follow-up question stand alone, so that it can be searched for.

Rules for now: a question that leans on what went before (a pronoun, an opening such as "and", or only a few
words) is joined to the last question that stood alone.
"""

import re
from collections.abc import Sequence

from rag_app.records import Message

_LEANS = re.compile(
    r"^(and|but|or|so|then|also|what about|how about|why|why not|really)\b"
    r"|\b(it|its|they|them|their|theirs|he|him|his|she|her|hers|that one|this one|those|these|there|the same)\b",
    re.IGNORECASE,
)
_SHORT_WORDS = 3


def needs_history(question: str) -> bool:
    """Tell whether a question cannot be understood without the conversation before it."""
    return len(question.split()) <= _SHORT_WORDS or bool(_LEANS.search(question.strip()))


def standalone_question(question: str, history: Sequence[Message]) -> str:
    """Return the question, joined to the last one of the history that stood alone if it leans on it."""
    asked = [m.content.strip() for m in history if m.role == "user" and m.content.strip()]
    if not asked or not needs_history(question):
        return question
    anchor = next((q for q in reversed(asked) if not needs_history(q)), asked[0])
    return f"{anchor} {question}"
