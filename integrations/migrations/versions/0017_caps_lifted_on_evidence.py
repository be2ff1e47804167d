"""What a request to rise is about, and indexes by which a month is found among millions of rows."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

#: By table: the index that goes, the one that comes, and its columns after the workflow.
INDEXES = {
    "ledger": ("ix_ledger_workflow", "ix_ledger_kind", ["kind", "at"]),
    "cases": ("ix_cases_workflow", "ix_cases_closed", ["closed_at"]),
}


def upgrade() -> None:
    """Apply it."""
    op.add_column("rise", sa.Column("scope", sa.String(), nullable=False, server_default=""))
    op.alter_column("rise", "scope", server_default=None)
    for table, (old, new, columns) in INDEXES.items():
        op.create_index(new, table, ["workflow", *columns])
        op.drop_index(old, table)
