"""In which ways people were told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    kind = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("deadline", sa.Column("told", kind, nullable=False, server_default="{}"))
    op.alter_column("deadline", "told", server_default=None)
