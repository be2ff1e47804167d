"""The parts of money."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("budget", sa.Column("parts", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("budget", "parts", server_default=None)
