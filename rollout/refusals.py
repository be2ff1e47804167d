"""How often a door refused what came in, and why: a counter, since nothing else is kept of it."""

from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel


class Refusal(SQLModel, table=True):
    """Refused events of one source, reason and day."""

    __tablename__ = "refusal"

    source: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    count: int = 0


def count_refusal(session: Session, source: str, reason: str, day: date) -> None:
    """Count one more."""
    fresh = insert(Refusal).values(source=source, reason=reason, day=day, count=1)
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["source", "reason", "day"], set_={"count": Refusal.count + 1}
        )
    )
