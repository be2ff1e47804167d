"""Caps on what an agent may do, by segment, team, branch or action."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("transition", sa.Column("scope", sa.String(), nullable=False, server_default=""))
    op.alter_column("transition", "scope", server_default=None)
