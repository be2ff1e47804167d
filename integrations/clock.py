"""What time it is: always with its zone, always UTC."""

from datetime import UTC, datetime


def now() -> datetime:
    """Give this moment."""
    return datetime.now(UTC)
