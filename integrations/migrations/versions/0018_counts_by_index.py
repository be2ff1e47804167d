"""Indexes that find what an action wrote lately, and count the cases of one arm."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_index("ix_effect_sent", "effect", ["workflow", "action", "sent_at"])
    op.create_index("ix_cases_arm_opened", "cases", ["workflow", "arm", "opened_at"])
    op.drop_index("ix_cases_opened", "cases")
    op.create_index("ix_cases_opened", "cases", ["workflow", "opened_at"])
