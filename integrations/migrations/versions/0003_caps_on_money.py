"""Caps on money: what a scope may cost, and each call's share of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "budget",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("beyond", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("spent + reserved <= cap", name="budget_holds"),
        sa.CheckConstraint("spent >= 0 and reserved >= 0 and beyond >= 0", name="budget_counts"),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "reservation",
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["scope"], ["budget.scope"]),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index(op.f("ix_reservation_scope"), "reservation", ["scope"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("reservation")
    op.drop_table("budget")
