"""The values that travel through rag_app. All are frozen; none does any I/O.

Offsets count characters (Unicode code points) of a document's extracted text, end exclusive, so that
``text[start:end]`` is always the exact span.
"""

from rag_app.records.answers import (
    UNSUPPORTED_MARK,
    Answer,
    Citation,
    Message,
    Sentence,
    Status,
    is_item,
    stand_apart,
)
from rag_app.records.conversations import REMOVED_MARK, AskedDocuments, Conversation, KeptTurn, TurnState
from rag_app.records.documents import (
    Chunk,
    Document,
    ExtractedText,
    Hit,
    NewDocument,
    Passage,
    Scope,
    Section,
    Span,
    TextBox,
    contextual_text,
    heading_path,
)
from rag_app.records.trace import DraftedSentence, Fate, Found, Trace, TracedPassage
from rag_app.records.upkeep import (
    Duplicate,
    FailedFile,
    Failure,
    IngestEvent,
    IngestReport,
    Problem,
    Receipt,
    VerifyReport,
    Version,
)

__all__ = [
    "REMOVED_MARK",
    "UNSUPPORTED_MARK",
    "Answer",
    "AskedDocuments",
    "Chunk",
    "Citation",
    "Conversation",
    "Document",
    "DraftedSentence",
    "Duplicate",
    "ExtractedText",
    "FailedFile",
    "Failure",
    "Fate",
    "Found",
    "Hit",
    "IngestEvent",
    "IngestReport",
    "KeptTurn",
    "Message",
    "NewDocument",
    "Passage",
    "Problem",
    "Receipt",
    "Scope",
    "Section",
    "Sentence",
    "Span",
    "Status",
    "TextBox",
    "Trace",
    "TracedPassage",
    "TurnState",
    "VerifyReport",
    "Version",
    "contextual_text",
    "heading_path",
    "is_item",
    "stand_apart",
]
