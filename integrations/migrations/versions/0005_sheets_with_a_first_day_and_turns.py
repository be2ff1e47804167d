"""Sheets with a first day, in the place of the two sheets without; and whose turn it is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what was in force counts from long ago."""
    _turns()
    _sheets()
    _carry_over("territories", "territory", "territory, country, segment, team")
    _carry_over("roster", "roster", "team, owner_email, industries, languages, countries")
    op.drop_table("roster")
    op.drop_table("territory")


def _carry_over(kind: str, table: str, columns: str) -> None:
    more = {"territories": "state, postal_from, postal_to, priority", "roster": "weight, away"}
    values = {"territories": "'', '', '', 0", "roster": "1, ''"}
    op.execute(
        f"insert into sheet (kind, valid_from, imported_at, by, rows) select '{kind}', "  # noqa: S608 # our own words
        f"date '2026-01-01', now(), 'upgrade', count(*) from {table} having count(*) > 0"
    )
    op.execute(
        f"insert into {table}_row (sheet_id, row, {columns}, {more[kind]}) select sheet.id, "  # noqa: S608 # our own words
        f"1 + row_number() over (), {columns}, {values[kind]} from {table}, sheet "
        f"where kind = '{kind}'"
    )


def _turns() -> None:
    op.create_table(
        "credit",
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner_email", sa.String(), nullable=False),
        sa.Column("credit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("team", "owner_email"),
    )
    op.create_table(
        "turn",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner_email", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_back", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index(op.f("ix_turn_day"), "turn", ["day"], unique=False)
    op.create_index(op.f("ix_turn_team"), "turn", ["team"], unique=False)


def _sheets() -> None:
    op.create_table(
        "sheet",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sheet_kind"), "sheet", ["kind"], unique=False)
    op.create_table(
        "account_row",
        sa.Column("sheet_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner_email", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sheet_id"],
            ["sheet.id"],
        ),
        sa.PrimaryKeyConstraint("sheet_id", "row"),
    )
    op.create_index("account_row_domain", "account_row", ["sheet_id", "domain"], unique=False)
    op.create_table(
        "roster_row",
        sa.Column("sheet_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner_email", sa.String(), nullable=False),
        sa.Column("industries", sa.String(), nullable=False),
        sa.Column("languages", sa.String(), nullable=False),
        sa.Column("countries", sa.String(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("daily_cap", sa.Integer(), nullable=True),
        sa.Column("away", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sheet_id"],
            ["sheet.id"],
        ),
        sa.PrimaryKeyConstraint("sheet_id", "row"),
    )
    op.create_index("roster_row_team", "roster_row", ["sheet_id", "team"], unique=False)
    op.create_table(
        "territory_row",
        sa.Column("sheet_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("territory", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("postal_from", sa.String(), nullable=False),
        sa.Column("postal_to", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sheet_id"],
            ["sheet.id"],
        ),
        sa.PrimaryKeyConstraint("sheet_id", "row"),
    )
    op.create_index(
        "territory_row_place", "territory_row", ["sheet_id", "country", "segment"], unique=False
    )
