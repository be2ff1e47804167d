"""Caps by scope, opinions, outcomes, releases and their champions, and where monitors stand."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = postgresql.JSONB(astext_type=sa.Text())
WORDS = {
    "transition": ("scope",),
    "fall": ("scope",),
    "compared": ("team", "branch", "arm", "source", "judged"),
}


def upgrade() -> None:
    """Apply it."""
    for table, names in WORDS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.String(), nullable=False, server_default=""))
            op.alter_column(table, name, server_default=None)
    op.add_column("compared", sa.Column("judged_at", MOMENT))
    op.add_column("review", sa.Column("blind", sa.Boolean(), nullable=False, server_default="f"))
    op.alter_column("review", "blind", server_default=None)
    op.drop_constraint("compared_case_id_key", "compared")
    op.create_unique_constraint("compared_case_id_release_key", "compared", ["case_id", "release"])
    op.add_column("rise", sa.Column("release", sa.String(), nullable=False, server_default=""))
    op.alter_column("rise", "release", server_default=None)
    _opinions()
    _outcomes()
    _releases()
    op.create_table(
        "monitor",
        sa.Column("workflow", sa.String(), primary_key=True),
        sa.Column("scope", sa.String(), primary_key=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in NUMBERS),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("log_m", sa.Float(), nullable=False),
    )


NUMBERS = ("revision", "events", "overruled")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _opinions() -> None:
    op.create_table(
        "opinion",
        sa.Column("id", sa.String(), primary_key=True),
        *map(_text, ("case_id", "workflow", "release", "kind", "group", "not_by", "by")),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.Column("answer", DOCUMENT, nullable=False),
    )
    for name in ("case_id", "workflow"):
        op.create_index(f"ix_opinion_{name}", "opinion", [name])


def _outcomes() -> None:
    op.create_table(
        "outcome",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        *map(_text, ("case_id", "workflow", "kind", "source")),
        sa.Column("happened_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
    )
    for name in ("case_id", "workflow"):
        op.create_index(f"ix_outcome_{name}", "outcome", [name])


def _releases() -> None:
    op.create_table(
        "release",
        sa.Column("workflow", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("manifest", DOCUMENT, nullable=False),
        *map(_text, ("parent", "change")),
        sa.Column("seen_at", MOMENT, nullable=False),
    )
    op.create_table(
        "champion",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        *map(_text, ("workflow", "release", "by", "because")),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("ix_champion_workflow", "champion", ["workflow"])
