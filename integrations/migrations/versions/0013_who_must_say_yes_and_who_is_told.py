"""Claims, stakes and questions on reviews; notices; what owners agreed to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    text, moment = sa.String(), sa.DateTime(timezone=True)
    for name, kind, first in (
        ("edited_by", text, ""),
        ("claimed_by", text, ""),
        ("asked", text, ""),
        ("tier", sa.Integer(), "1"),
        ("stake_minor", sa.BigInteger(), "0"),
    ):
        op.add_column("review", sa.Column(name, kind, nullable=False, server_default=first))
        op.alter_column("review", name, server_default=None)
    op.add_column("review", sa.Column("claimed_until", moment, nullable=True))
    document = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "notice",
        sa.Column("key", text, primary_key=True),
        sa.Column("event", text, nullable=False),
        sa.Column("workflow", text, nullable=False),
        sa.Column("case_id", text, nullable=True),
        sa.Column("review_id", text, nullable=True),
        sa.Column("to", text, nullable=False),
        sa.Column("channels", document, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("text", text, nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("told", document, nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_notice_over", "notice", ["over"])
    op.create_table(
        "agreement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("workflow", text, nullable=False),
        sa.Column("part", text, nullable=False),
        sa.Column("digest", text, nullable=False),
        sa.Column("version", text, nullable=False),
        sa.Column("by", text, nullable=False),
        sa.Column("because", text, nullable=False),
        sa.Column("at", moment, nullable=False),
    )
    op.create_index("ix_agreement_workflow", "agreement", ["workflow"])
