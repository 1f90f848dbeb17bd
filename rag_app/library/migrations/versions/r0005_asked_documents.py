"""Which documents a conversation asks alone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversation_documents",
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("document_id", sa.Integer, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("conversation_id", "document_id", name="pk_conversation_documents"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_conversation_documents_conversation_id",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
