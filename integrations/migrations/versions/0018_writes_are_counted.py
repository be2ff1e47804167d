"""An index that finds what an action wrote lately: its budgets are counted before each write."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_index("ix_effect_sent", "effect", ["workflow", "action", "sent_at"])
