"""What a request to rise is about, a case's arm, and indexes that find a month among millions."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_ledger_kind", "ledger", ["workflow", "kind", "at"]),
    ("ix_cases_closed", "cases", ["workflow", "closed_at"]),
    ("ix_cases_arm", "cases", ["workflow", "arm", "closed_at"]),
    ("ix_cases_opened", "cases", ["workflow", "opened_at", "arm"]),
)


def upgrade() -> None:
    """Apply it."""
    for table, name in (("rise", "scope"), ("cases", "arm")):
        op.add_column(table, sa.Column(name, sa.String(), nullable=False, server_default=""))
        op.alter_column(table, name, server_default=None)
    op.execute(
        "update cases set arm = coalesce(placed.fields->>'arm', '') from ledger placed "
        "where placed.case_id = cases.id and placed.step = 'placement'"
    )
    for index, table, columns in INDEXES:
        op.create_index(index, table, columns)
    op.drop_index("ix_ledger_workflow", "ledger")
    op.drop_index("ix_cases_workflow", "cases")
