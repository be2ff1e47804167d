"""What people decided beside what was proposed; requests to rise; falls."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    moment = sa.DateTime(timezone=True)

    def text(name: str) -> sa.Column[str]:
        return sa.Column(name, sa.String(), nullable=False)

    def number(name: str) -> sa.Column[int]:
        return sa.Column(name, sa.BigInteger(), sa.Identity(always=True), primary_key=True)

    op.create_table(
        "compared",
        number("seq"),
        sa.Column("case_id", sa.String(), nullable=False, unique=True),
        *map(text, ("workflow", "release", "segment", "unit", "verdict", "answer", "blind")),
        sa.Column("decided_at", moment, nullable=False),
        sa.Column("at", moment, nullable=False),
    )
    op.create_index("ix_compared_workflow", "compared", ["workflow"])
    document = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "rise",
        number("id"),
        *map(text, ("workflow", "to", "digest", "asked_by", "because", "state")),
        sa.Column("exposure", document, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("signatures", document, nullable=False),
    )
    op.create_index("ix_rise_workflow", "rise", ["workflow"])
    op.create_table(
        "fall",
        number("id"),
        *map(text, ("workflow", "severity", "because", "by", "cause", "acknowledged_by")),
        sa.Column("at", moment, nullable=False),
        sa.Column("until", moment, nullable=False),
    )
    op.create_index("ix_fall_workflow", "fall", ["workflow"])
