"""What readers thought of answers, and the figures of each answer apart from its text."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Answers that were kept before are looked through once. Small talk needs no documents and is not counted.
FIGURES_OF_OLDER_ANSWERS = """
INSERT INTO turn_figures
    (turn_id, asked_at, abstained, confidence, retrieve_ms, evidence_ms, first_token_ms, total_ms)
SELECT id,
       asked_at,
       json_extract(answer, '$.answer.abstained'),
       json_extract(answer, '$.answer.confidence'),
       coalesce(json_extract(answer, '$.answer.timings_ms.retrieve'), 0),
       coalesce(json_extract(answer, '$.answer.timings_ms.evidence'), 0),
       coalesce(json_extract(answer, '$.answer.timings_ms.first_token'), 0),
       coalesce(json_extract(answer, '$.answer.timings_ms.total'), 0)
FROM turns
WHERE state = 'answered' AND answer IS NOT NULL AND json_extract(answer, '$.answer.kind') = 'answer'
"""


def upgrade() -> None:
    op.create_table(
        "turn_figures",
        sa.Column("turn_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        sa.Column("abstained", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("retrieve_ms", sa.Float, nullable=False),
        sa.Column("evidence_ms", sa.Float, nullable=False),
        sa.Column("first_token_ms", sa.Float, nullable=False),
        sa.Column("total_ms", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", name="pk_turn_figures"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_turn_figures_turn_id", ondelete="CASCADE"),
    )
    op.create_table(
        "feedback",
        sa.Column("turn_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("helpful", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("words", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("correction", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("given_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", name="pk_feedback"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_feedback_turn_id", ondelete="CASCADE"),
    )
    op.create_index("ix_turns_state", "turns", ["state", "asked_at", "writer"])
    op.execute(FIGURES_OF_OLDER_ANSWERS)
