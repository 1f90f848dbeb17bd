"""Conversations, their turns, and which documents each answer holds words of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_changed_at", "conversations", ["changed_at"])
    op.create_table(
        "turns",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("writer", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("error", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_turns_conversation_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("conversation_id", "ordinal", name="uq_turns_conversation_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "turn_documents",
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("turn_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "turn_id", name="pk_turn_documents"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_turn_documents_turn_id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_turn_documents_turn_id", "turn_documents", ["turn_id"])
