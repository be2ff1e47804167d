"""What a request to rise is about, where that is a part and not the whole workflow."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("rise", sa.Column("scope", sa.String(), nullable=False, server_default=""))
    op.alter_column("rise", "scope", server_default=None)
