"""The run that waits for the signatures of a request to rise."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    for name, kind, first in (("flow_run_id", sa.String(), ""), ("sleep", sa.Integer(), "1")):
        op.add_column("rise", sa.Column(name, kind, nullable=False, server_default=first))
        op.alter_column("rise", name, server_default=None)
