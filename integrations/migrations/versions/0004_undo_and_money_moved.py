"""What a write sets, what money it moves, and what it takes back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what is there already has no values and moves no money."""
    json = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("effect", sa.Column("changes", json, nullable=False, server_default="{}"))
    op.add_column(
        "effect", sa.Column("amount", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("effect", sa.Column("undoes", sa.String(), nullable=True))
    op.alter_column("effect", "changes", server_default=None)
    op.alter_column("effect", "amount", server_default=None)


def downgrade() -> None:
    """Drop them."""
    for name in ("changes", "amount", "undoes"):
        op.drop_column("effect", name)
