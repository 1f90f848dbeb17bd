"""By which readers, and into chunks of which sizes, each document was read."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("documents", sa.Column("reading", sa.String, nullable=False, server_default=sa.text("''")))
