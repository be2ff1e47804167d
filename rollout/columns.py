"""The column types that every table uses: time with its zone, and JSON."""

from typing import Any

from sqlalchemy import DateTime, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def moment(*, optional: bool = False) -> Any:
    """Make a column for a moment, stored with its time zone; always UTC in Python."""
    if optional:
        return Field(default=None, sa_type=DateTime(timezone=True), nullable=True)
    return Field(sa_type=DateTime(timezone=True), nullable=False)


def document() -> Any:
    """Make a column for a JSON object."""
    return Field(default_factory=dict, sa_type=JSONB, nullable=False)


def octets() -> Any:
    """Make a column for bytes kept exactly as they were."""
    return Field(sa_type=LargeBinary, nullable=False)
