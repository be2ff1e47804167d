"""Rows of the ledger and its seals are added, and never changed or removed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("ledger", "seal")


def upgrade() -> None:
    """Let PostgreSQL itself refuse it, for whoever is connected."""
    op.execute(
        "create function taxiway_only_grows() returns trigger language plpgsql as $$ begin "
        "raise exception '% only grows: rows are never changed or removed', tg_table_name; "
        "end $$"
    )
    for table in TABLES:
        op.execute(
            f"create trigger only_grows before update or delete or truncate on {table} "
            "for each statement execute function taxiway_only_grows()"
        )


def downgrade() -> None:
    """Let it be changed again."""
    for table in TABLES:
        op.execute(f"drop trigger only_grows on {table}")
    op.execute("drop function taxiway_only_grows()")
