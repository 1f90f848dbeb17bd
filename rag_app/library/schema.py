"""The tables of a library.

The full-text table ``chunk_words`` and the triggers that keep it and the change log are SQLite's own and live in the
first migration. Everything that a search shows comes from these tables; whatever else lies on the disk is a cache.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

state = Table(
    "state",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("embedder", String),
    Column("dimensions", Integer),
    Column("residue", Integer, nullable=False, server_default=text("0")),
)
"""One row: how often the library has changed, and which embedder made all its vectors (null until one is chosen).

``residue`` is 1 while words of something that was removed may still stand in places that are free to be reused.
"""

revisions = Table(
    "revisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Two histories can reach the same number (a restored backup, a new database in an old place), not the same token.
    Column("token", String(32), nullable=False),
)
"""The latest revisions. An index whose number and token are in here can be caught up; any other is rebuilt."""

changes = Table(
    "changes",
    metadata,
    Column("revision", ForeignKey("revisions.number", ondelete="CASCADE"), primary_key=True),
    Column("chunk_id", Integer, primary_key=True),
    sqlite_with_rowid=False,
)
"""Which chunks came, went or changed their vector in a revision; triggers on ``chunks`` write it."""

collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", ForeignKey("collections.id"), nullable=False),
    Column("path", String, nullable=False),
    Column("name", String, nullable=False),
    Column("root", String, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("pages", Integer),
    Column("version", Integer, nullable=False),
    Column("ingested_at", DateTime, nullable=False),  # UTC
    Column("format", String, nullable=False, server_default=text("''")),
    Column("notes", Text, nullable=False, server_default=text("'[]'")),  # a JSON list
    Column("settled", Boolean(create_constraint=False), nullable=False, server_default=text("0")),
    # By what it was read and split; empty where that was before it was noted.
    Column("reading", String, nullable=False, server_default=text("''")),
    UniqueConstraint("collection_id", "path"),
    Index("ix_documents_sha256", "sha256"),
    # An id is never given twice: a link or a stale index must not lead to another document.
    sqlite_autoincrement=True,
)

document_texts = Table(
    "document_texts",
    metadata,
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
)
"""The text of each document, apart from it so that listing ten thousand documents reads none of their texts."""

document_versions = Table(
    "document_versions",
    metadata,
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("pages", Integer),
    Column("ingested_at", DateTime, nullable=False),  # UTC
    Column("superseded_at", DateTime, nullable=False),  # UTC
    Column("text", LargeBinary, nullable=False),  # UTF-8, compressed by zlib
)
"""What a document was before. Kept to be looked up, never searched."""

document_boxes = Table(
    "document_boxes",
    metadata,
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("boxes", LargeBinary, nullable=False),
)
"""Where the text of each page stands on it; ``start`` and ``end`` enclose the spans of all its boxes."""

signatures = Table(
    "signatures",
    metadata,
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("method", String, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""By what near-duplicates are found. Only those of one ``method`` can be compared."""

failures = Table(
    "failures",
    metadata,
    Column("collection", String, primary_key=True),
    Column("path", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("root", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("sha256", String(64)),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_at", DateTime, nullable=False),  # UTC
    Column("reader", String, nullable=False),
)
"""Files that could not be read. A collection may hold nothing else, so that it is named and not pointed to."""

receipts = Table(
    "receipts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", Integer, nullable=False),
    # A JSON object without title and notes, which can hold words of the text.
    Column("document", Text, nullable=False),
    Column("versions", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("removed_at", DateTime, nullable=False),  # UTC
    Column("checked", Text, nullable=False),  # a JSON list
    sqlite_autoincrement=True,
)
"""What was removed, and where it was then looked for."""

chunks = Table(
    "chunks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    # Title, heading and text are what the vector was made of.
    Column("title", String, nullable=False),
    Column("heading", String),
    Column("text", Text, nullable=False),
    Column("embedder", String, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # float16, little-endian, of length 1
    # Of the text that was embedded, so that the same text is never embedded twice.
    Column("content_hash", String(32), nullable=False, server_default=text("''")),
    UniqueConstraint("document_id", "ordinal"),
    Index("ix_chunks_content_hash", "content_hash"),
    sqlite_autoincrement=True,
)

pending_vectors = Table(
    "pending_vectors",
    metadata,
    Column("chunk_id", ForeignKey("chunks.id", ondelete="CASCADE"), primary_key=True),
    Column("embedder", String, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Vectors of an embedder that is to replace the library's own, once every chunk has one."""

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("title", String, nullable=False),
    Column("created_at", DateTime, nullable=False),  # UTC
    Column("changed_at", DateTime, nullable=False),  # UTC
    Index("ix_conversations_changed_at", "changed_at"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("state", String, nullable=False),
    # The process that answers: what one that has ended left unfinished stays so.
    Column("writer", String(16), nullable=False),
    Column("answer", Text),  # JSON
    Column("error", Text, nullable=False, server_default=text("''")),
    Column("asked_at", DateTime, nullable=False),  # UTC
    UniqueConstraint("conversation_id", "ordinal"),
    # What came to no answer is counted by this alone: a row with its answer takes some pages to read.
    Index("ix_turns_state", "state", "asked_at", "writer"),
    # An answer that comes late must not be written to another question.
    sqlite_autoincrement=True,
)
"""What was asked in a conversation, and what came back."""

turn_documents = Table(
    "turn_documents",
    metadata,
    Column("document_id", Integer, primary_key=True, autoincrement=False),
    Column("turn_id", ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_turn_documents_turn_id", "turn_id"),
    sqlite_with_rowid=False,
)
"""Which documents' words an answer may hold, so that they go with the document."""

turn_figures = Table(
    "turn_figures",
    metadata,
    Column("turn_id", ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("asked_at", DateTime, nullable=False),  # UTC
    Column("abstained", Boolean(create_constraint=False), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("retrieve_ms", Float, nullable=False),
    Column("evidence_ms", Float, nullable=False),
    Column("first_token_ms", Float, nullable=False),
    Column("total_ms", Float, nullable=False),
)
"""Of each whole answer but small talk what can be counted, so that to count nobody need read the answers."""

feedback = Table(
    "feedback",
    metadata,
    Column("turn_id", ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("helpful", Boolean(create_constraint=False), nullable=False),
    Column("reason", String),
    Column("words", Text, nullable=False, server_default=text("''")),
    Column("correction", Text, nullable=False, server_default=text("''")),
    Column("given_at", DateTime, nullable=False),  # UTC
)
"""What readers thought of answers. Words of a removed document go from it, too."""

conversation_documents = Table(
    "conversation_documents",
    metadata,
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("document_id", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""The documents that a conversation asks alone; without any it asks all. The number of a removed one stays."""


def fits_a_column(number: int) -> bool:
    """Whether a number can stand in the database, which cannot even be asked for a larger one."""
    return abs(number) < 2**63
