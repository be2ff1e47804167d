"""
Which work passed from the agent to a named person, by when, and who has it if they stay silent.
"""

import re
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlmodel import Field, Session, SQLModel, col, select

from rollout.approvals import standing_of
from rollout.canonical import Json
from rollout.columns import moment
from rollout.contract import Handoff
from rollout.errors import Conflict, NotYours, Unknown
from rollout.ledger import Fact, note
from rollout.people import read_directory

CRM = "crm"  #: the actor where a task was completed there
SUBJECT = re.compile(r"\[[A-Z]+-\d+\] (?P<name>[a-z-]+): ")


class State(StrEnum):
    """Where a handoff stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"  #: Somebody has taken it on.
    DONE = "done"
    FELL_BACK = "fell_back"  #: Nobody acted in time: the fallback's owner has it.

    @classmethod
    def waiting(cls) -> frozenset["State"]:
        """The states in which the clock may take it from its receiver."""
        return frozenset({cls.OFFERED, cls.ACCEPTED})


class HandoffRow(SQLModel, table=True):
    """One handoff: offered to a person with a deadline and a fallback."""

    __tablename__ = "handoff"

    case_id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    workflow: str
    receiver: str
    decide: str
    because: str
    otherwise: str
    state: str = Field(default=State.OFFERED, index=True)
    offered_at: datetime = moment()
    due_at: datetime = moment()
    accepted_by: str = ""
    ended_by: str = ""
    ended_at: datetime | None = moment(optional=True)


class Offered(Fact):
    """The handoff as the case remembers it."""

    kind: ClassVar[str] = "handoff"

    name: str
    to: str
    decide: str
    because: str
    otherwise: str
    due_at: datetime
    only_watched: bool = False  #: in shadow: it would have been offered

    def public(self) -> dict[str, Json]:
        """Keep who has it and by when; the reason may quote a record."""
        return {
            "name": self.name,
            "to": self.to,
            "due_at": self.due_at.isoformat(),
            "otherwise": self.otherwise,
            "only_watched": self.only_watched,
        }


def subject_of(case_id: str, name: str, decide: str) -> str:
    """Give the words that a receiver's task begins with; `is_task_of` knows them again."""
    return f"[{case_id}] {name}: {decide}"


def is_task_of(subject: str, name: str = "") -> bool:
    """Whether a task is a case's, for an exception of this name or for any."""
    found = SUBJECT.match(subject)
    return found is not None and name in {"", found["name"]}


def offer(
    session: Session, workflow: str, case_id: str, handoff: Handoff, offered: Offered, now: datetime
) -> bool:
    """Put a handoff before its receiver, once; False where it was before."""
    if session.get(HandoffRow, (case_id, handoff.name)) is not None:
        return False
    session.add(
        HandoffRow(
            case_id=case_id,
            name=handoff.name,
            workflow=workflow,
            receiver=handoff.to,
            decide=handoff.decide,
            because=offered.because,
            otherwise=handoff.otherwise,
            offered_at=now,
            due_at=offered.due_at,
        )
    )
    return True


def open_handoffs(
    session: Session,
    *,
    receivers: Collection[str] = (),
    due_before: datetime | None = None,
    most: int = 10_000,
) -> list[HandoffRow]:
    """Give the handoffs that nobody has finished, or some receivers', the earliest first."""
    wanted = select(HandoffRow).where(HandoffRow.state != State.DONE)
    if receivers:
        wanted = wanted.where(col(HandoffRow.receiver).in_(receivers))
    if due_before is not None:
        wanted = wanted.where(HandoffRow.due_at < due_before)
    order = (col(HandoffRow.due_at), col(HandoffRow.case_id))
    return list(session.exec(wanted.order_by(*order).limit(most)).all())


def find_handoff(session: Session, which: str) -> HandoffRow:
    """Give a handoff by its case, or by CASE/EXCEPTION where there are several; locks it."""
    case_id, _, name = which.partition("/")
    wanted = select(HandoffRow).where(HandoffRow.case_id == case_id).with_for_update()
    rows = session.exec(wanted.where(HandoffRow.name == name) if name else wanted).all()
    if not rows:
        raise Unknown(f"there is no handoff {which}. `taxiway handoffs` lists the open ones.")
    if len(rows) > 1:
        names = ", ".join(f"{row.case_id}/{row.name}" for row in rows)
        raise Unknown(f"{which} has several handoffs: {names}")
    return rows[0]


def accept(session: Session, which: str, *, by: str, now: datetime) -> HandoffRow:
    """Take a handoff on; raises `Conflict` where somebody else has it, or it is over."""
    row = find_handoff(session, which)
    check_theirs(session, row, by, now)
    if row.state == State.DONE:
        raise Conflict(f"{which} was done by {row.ended_by} at {row.ended_at:%Y-%m-%d %H:%M} UTC.")
    if row.state == State.ACCEPTED and row.accepted_by != by:
        raise Conflict(f"{which} is {row.accepted_by}'s already.")
    if row.state == State.OFFERED:
        row.state = State.ACCEPTED
    row.accepted_by = by
    return _noted(session, row, "accepted", by, now)


def finish(session: Session, which: str, *, by: str, now: datetime) -> HandoffRow:
    """Note that what a handoff asked for is done; raises `Conflict` where it was before."""
    row = find_handoff(session, which)
    if by != CRM:
        check_theirs(session, row, by, now)
    if row.state == State.DONE:
        raise Conflict(f"{which} was done by {row.ended_by} at {row.ended_at:%Y-%m-%d %H:%M} UTC.")
    late = row.state == State.FELL_BACK
    row.state, row.ended_by, row.ended_at = State.DONE, by, now
    return _noted(session, row, "done_late" if late else "done", by, now)


def check_theirs(session: Session, row: HandoffRow, by: str, now: datetime) -> None:
    """Raise `NotYours` for whoever is neither its receiver's nor its fallback's."""
    names = (row.receiver, row.otherwise)
    if standing_of(read_directory(session), by, names, now.date()) is None:
        which = f"{row.case_id}/{row.name}"
        raise NotYours(f"{which} is {row.receiver}'s, and {by} is not one of them.")


def _noted(session: Session, row: HandoffRow, kind: str, by: str, now: datetime) -> HandoffRow:
    session.add(row)
    note(
        session,
        workflow=row.workflow,
        case_id=row.case_id,
        kind=kind,
        actor=by,
        at=now,
        fields={"name": row.name, "receiver": row.receiver},
    )
    session.flush()
    return row
