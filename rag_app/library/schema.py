"""The tables of a library.

The full-text table ``chunk_words`` and the triggers that keep it and the change log are SQLite's own and live in the
first migration. Everything that a search shows comes from these tables; whatever else lies on the disk is a cache.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
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
)
"""One row: how often the library has changed, and which embedder made all its vectors (null until one is chosen)."""

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
    # Last, so that listing documents does not read through their texts.
    Column("text", Text, nullable=False),
    UniqueConstraint("collection_id", "path"),
    # An id is never given twice: a link or a stale index must not lead to another document.
    sqlite_autoincrement=True,
)

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
    UniqueConstraint("document_id", "ordinal"),
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
