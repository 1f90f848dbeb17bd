"""Documents, chunks with their vectors, full text and the change log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The words of a chunk are indexed from the chunk's own row (external content), so that its text is stored once.
FULL_TEXT = """
CREATE VIRTUAL TABLE chunk_words USING fts5(
    text, heading, title, content='chunks', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
)
"""

ADD_WORDS = "INSERT INTO chunk_words(rowid, text, heading, title) VALUES (new.id, new.text, new.heading, new.title);"
# FTS5 removes a row by being told exactly what it was given for it.
REMOVE_WORDS = """
    INSERT INTO chunk_words(chunk_words, rowid, text, heading, title)
    VALUES ('delete', old.id, old.text, old.heading, old.title);
"""
LOG_NEW = "INSERT OR IGNORE INTO changes(revision, chunk_id) SELECT revision, new.id FROM state;"
LOG_OLD = "INSERT OR IGNORE INTO changes(revision, chunk_id) SELECT revision, old.id FROM state;"

TRIGGERS = {
    "chunk_added AFTER INSERT ON chunks": ADD_WORDS + LOG_NEW,
    "chunk_removed AFTER DELETE ON chunks": REMOVE_WORDS + LOG_OLD,
    "chunk_reworded AFTER UPDATE OF text, heading, title ON chunks": REMOVE_WORDS + ADD_WORDS,
    "chunk_reembedded AFTER UPDATE OF vector ON chunks": LOG_NEW,
}


def upgrade() -> None:
    _create_history()
    _create_documents()
    _create_chunks()
    op.execute(FULL_TEXT)
    for event, body in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {event} BEGIN {body} END")
    op.execute("INSERT INTO state(id, revision) VALUES (1, 0)")
    op.execute("INSERT INTO revisions(number, token) VALUES (0, lower(hex(randomblob(16))))")


def _create_history() -> None:
    op.create_table(
        "state",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1", name="ck_state_one_row"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("embedder", sa.String),
        sa.Column("dimensions", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_state"),
    )
    op.create_table(
        "revisions",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_revisions"),
    )
    op.create_table(
        "changes",
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("chunk_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("revision", "chunk_id", name="pk_changes"),
        sa.ForeignKeyConstraint(["revision"], ["revisions.number"], name="fk_changes_revision", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )


def _create_documents() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
        sa.UniqueConstraint("name", name="uq_collections_name"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("root", sa.String, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("pages", sa.Integer),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("ingested_at", sa.DateTime, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name="fk_documents_collection_id"),
        sa.UniqueConstraint("collection_id", "path", name="uq_documents_collection_id"),
        sqlite_autoincrement=True,
    )


def _create_chunks() -> None:
    op.create_table(
        "chunks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("heading", sa.String),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("embedder", sa.String, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_chunks"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_chunks_document_id", ondelete="CASCADE"),
        sa.UniqueConstraint("document_id", "ordinal", name="uq_chunks_document_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pending_vectors",
        sa.Column("chunk_id", sa.Integer, nullable=False),
        sa.Column("embedder", sa.String, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("chunk_id", "embedder", name="pk_pending_vectors"),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunks.id"], name="fk_pending_vectors_chunk_id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
