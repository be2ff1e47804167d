"""
The stop: while a halt stands, the agent is off and no write leaves, approved or not.

A halt holds for one workflow or for all of them. It takes the lock that the gate of every write
shares, so no write starts after it was committed. It ends only by a person's revival.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, text, update
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.columns import moment
from rollout.errors import Invalid
from rollout.ledger import note

EVERY = "all"  #: in the place of a workflow's name


class Halt(SQLModel, table=True):
    """Somebody's stop."""

    __tablename__ = "halt"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    workflow: str = Field(index=True)  #: or `EVERY`
    by: str
    because: str
    at: datetime = moment()
    ended_at: datetime | None = moment(optional=True)


def halt(session: Session, workflow: str, *, by: str, because: str, now: datetime) -> bool:
    """Stop a workflow or `EVERY` one; False where the same stop stands already."""
    if not because.strip():
        raise Invalid("a stop needs a reason: --because TEXT")
    lock(session, workflow)
    if _standing(session, workflow):
        return False
    session.add(Halt(workflow=workflow, by=by, because=because.strip(), at=now))
    note(
        session,
        workflow=workflow,
        kind="halt",
        actor=by,
        at=now,
        fields={"because": because.strip()},
    )
    session.flush()
    return True


def end_halts(session: Session, workflow: str, *, by: str, because: str, now: datetime) -> bool:
    """End the stops of a workflow or of `EVERY` one; False where there was none."""
    lock(session, workflow)
    if not _standing(session, workflow):
        return False
    session.execute(
        update(Halt)
        .where(col(Halt.workflow) == workflow, col(Halt.ended_at).is_(None))
        .values(ended_at=now)
    )
    fields = {"because": because.strip()}
    note(session, workflow=workflow, kind="revival", actor=by, at=now, fields=fields)
    return True


def halted(session: Session, workflow: str) -> str | None:
    """Say who stopped a workflow and why; None where nobody has."""
    for scope in (EVERY, workflow):
        if found := _standing(session, scope):
            return f"{found.by}: {found.because}"
    return None


def lock(session: Session, workflow: str) -> None:
    """Make changes of what a workflow may do and the gate of its writes wait for each other."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": f"grant:{workflow}"}
    )


def lock_shared(session: Session, workflow: str) -> None:
    """Let gates pass side by side, but not beside a change or a stop."""
    for scope in (EVERY, workflow):
        session.execute(
            text("select pg_advisory_xact_lock_shared(hashtext(:name))"),
            {"name": f"grant:{scope}"},
        )


def _standing(session: Session, scope: str) -> Halt | None:
    return session.exec(
        select(Halt).where(Halt.workflow == scope, col(Halt.ended_at).is_(None)).limit(1)
    ).one_or_none()
