"""Who answers for whom."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "delegation",
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("by", "first"),
    )
