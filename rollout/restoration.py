"""
What a restored database does not know: whatever happened after its backup was taken.

So once it is restored, every write that was not settled counts as sent, and every new one of a
case whose event is older than the restoration too: both are looked up before anything leaves.
Case numbers jump, so that no case gets the number, and with it the keys, of one that was lost.
And every agent is stopped, unless a person vouches for it: the copy may have forgotten a fall.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, text, update
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.case import CASE_NUMBERS
from rollout.columns import moment
from rollout.effects import EffectRow, State
from rollout.errors import Invalid
from rollout.halts import EVERY, halt
from rollout.inbox import Arrival
from rollout.ledger import note

JUMP = 100_000  #: case numbers; more than any installation opens between two backups


class Restoration(SQLModel, table=True):
    """One restoration: from a backup of when, by whom."""

    __tablename__ = "restoration"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    at: datetime = moment()
    taken_at: datetime = moment()  #: when the backup was taken
    by: str


def mark_restored(
    session: Session, *, taken_at: datetime, by: str, vouched: str | None, now: datetime
) -> int:
    """
    Make a freshly restored database careful; gives how many writes are to be looked up.

    `vouched` is somebody's word that no agent was lowered or stopped since the backup; without
    it all of them are stopped. Raises `Invalid` for an empty one.
    """
    if vouched is not None and not vouched.strip():
        raise Invalid("whoever keeps the agents at their authority says why it is safe")
    session.add(Restoration(at=now, taken_at=taken_at, by=by))
    session.execute(
        text("select setval(:name, nextval(:name) + :jump)"),
        {"name": CASE_NUMBERS.name, "jump": JUMP},
    )
    unsettled = session.execute(
        update(EffectRow)
        .where(col(EffectRow.state).in_([State.READY, State.SENT]))
        .values(state=State.SENT, sent_at=now, lease_until=now)
        .returning(col(EffectRow.key))
    ).all()
    note(
        session,
        workflow=EVERY,
        kind="restored",
        actor=by,
        at=now,
        fields={
            "taken_at": taken_at.isoformat(),
            "unsettled": len(unsettled),
            "vouched": vouched or "",
        },
    )
    if vouched is None:
        why = f"restored from a backup of {taken_at:%Y-%m-%d %H:%M} UTC: what fell since is unknown"
        halt(session, EVERY, by=by, because=why, now=now)
    session.flush()
    return len(unsettled)


def restored_since(session: Session, moment: datetime) -> Restoration | None:
    """Give the last restoration since a moment."""
    return session.exec(
        select(Restoration)
        .where(col(Restoration.at) > moment)
        .order_by(col(Restoration.id).desc())
        .limit(1)
    ).one_or_none()


def restored_after(session: Session, inbox_id: str) -> Restoration | None:
    """Give the last restoration since an event was received: what its case wrote may be lost."""
    event = session.get(Arrival, inbox_id)
    return restored_since(session, event.received_at) if event else None
