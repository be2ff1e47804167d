"""Deadlines."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "deadline",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=True),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_deadline_ref"), "deadline", ["ref"], unique=False)
    op.create_index("ix_deadline_next", "deadline", ["state", "at"], unique=False)
    op.add_column(
        "handoff", sa.Column("accepted_by", sa.String(), nullable=False, server_default="")
    )
    op.alter_column("handoff", "accepted_by", server_default=None)
    op.add_column("handoff", sa.Column("ended_by", sa.String(), nullable=False, server_default=""))
    op.alter_column("handoff", "ended_by", server_default=None)
    op.add_column("handoff", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
