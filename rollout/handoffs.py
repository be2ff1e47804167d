"""
Which work passed from the agent to a named person, by when, and who has it if they stay silent.
"""

import re
from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, Session, SQLModel, col, select

from rollout.canonical import Json
from rollout.columns import moment
from rollout.contract import Handoff
from rollout.ledger import Fact

SUBJECT = re.compile(r"\[[A-Z]+-\d+\] (?P<name>[a-z-]+): ")


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
    state: str = Field(default="offered", index=True)
    offered_at: datetime = moment()
    due_at: datetime = moment()


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
) -> None:
    """Put a handoff before its receiver, once."""
    if session.get(HandoffRow, (case_id, handoff.name)) is None:
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


def open_handoffs(session: Session) -> list[HandoffRow]:
    """Give the handoffs that nobody has finished, the earliest deadline first."""
    return list(
        session.exec(
            select(HandoffRow)
            .where(HandoffRow.state == "offered")
            .order_by(col(HandoffRow.due_at), col(HandoffRow.case_id))
        ).all()
    )
