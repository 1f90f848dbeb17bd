"""Versions, positions, failures, receipts, and what tells duplicates."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("state", sa.Column("residue", sa.Integer, nullable=False, server_default=sa.text("0")))
    _widen_documents()
    _hash_chunks()
    _create_versions_and_boxes()
    _create_upkeep()


def _widen_documents() -> None:
    op.create_table(
        "document_texts",
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_document_texts"),
        _of_document("document_texts"),
    )
    op.execute("INSERT INTO document_texts(document_id, text) SELECT id, text FROM documents")
    # Not by making the table anew, as alembic's batches do: dropping the old one would take all chunks with it.
    op.execute("ALTER TABLE documents DROP COLUMN text")
    op.add_column("documents", sa.Column("format", sa.String, nullable=False, server_default=sa.text("''")))
    op.add_column("documents", sa.Column("notes", sa.Text, nullable=False, server_default=sa.text("'[]'")))
    op.add_column("documents", sa.Column("settled", sa.Boolean, nullable=False, server_default=sa.text("0")))
    op.create_index("ix_documents_sha256", "documents", ["sha256"])


def _hash_chunks() -> None:
    op.add_column("chunks", sa.Column("content_hash", sa.String(32), nullable=False, server_default=sa.text("''")))
    connection = op.get_bind()
    last = 0
    while rows := connection.execute(
        sa.text("SELECT id, title, heading, text FROM chunks WHERE id > :last ORDER BY id LIMIT 1000"), {"last": last}
    ).all():
        hashes = [{"id": row.id, "hash": _hash(row.title, row.heading, row.text)} for row in rows]
        connection.execute(sa.text("UPDATE chunks SET content_hash = :hash WHERE id = :id"), hashes)
        last = rows[-1].id
    op.create_index("ix_chunks_content_hash", "chunks", ["content_hash"])


def _hash(title: str, heading: str | None, text: str) -> str:
    # What a library of this schema held, whatever later versions make of a heading.
    path = heading if heading and heading.startswith(title) else " > ".join(p for p in (title, heading) if p)
    return hashlib.blake2b((f"{path}\n{text}" if path else text).encode(), digest_size=16).hexdigest()


def _create_versions_and_boxes() -> None:
    op.create_table(
        "document_versions",
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("pages", sa.Integer),
        sa.Column("ingested_at", sa.DateTime, nullable=False),
        sa.Column("superseded_at", sa.DateTime, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "number", name="pk_document_versions"),
        _of_document("document_versions"),
    )
    op.create_table(
        "document_boxes",
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("boxes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "page", name="pk_document_boxes"),
        _of_document("document_boxes"),
    )
    op.create_table(
        "signatures",
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_signatures"),
        _of_document("signatures"),
    )


def _create_upkeep() -> None:
    op.create_table(
        "failures",
        sa.Column("collection", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("root", sa.String, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.DateTime, nullable=False),
        sa.Column("reader", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("collection", "path", name="pk_failures"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("versions", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("removed_at", sa.DateTime, nullable=False),
        sa.Column("checked", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sqlite_autoincrement=True,
    )


def _of_document(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_document_id"
    return sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=name, ondelete="CASCADE")
