"""
What a person was asked: one question about one action, until it has its answer.

A review is bound to the hash of one action. Its one door for answers is `decisions.decide`.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import UniqueConstraint, update
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.case import CaseRow
from rollout.columns import document, moment
from rollout.errors import Unknown


class Status(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    EXPIRED = "expired"  #: Nobody in the line decided in time; no answer, and nobody's.
    WITHDRAWN = "withdrawn"  #: The case ended another way.


DECIDED = frozenset({Status.APPROVED, Status.EDITED, Status.REJECTED})
OVER = DECIDED | {Status.EXPIRED}  #: its run may go on


class ReviewRow(SQLModel, table=True):
    """A question to a person. The proposal lies in the ledger under `step`."""

    __tablename__ = "review"
    __table_args__ = (UniqueConstraint("case_id", "nth"),)

    id: str = Field(primary_key=True)  #: R-<case>-<nth>
    case_id: str = Field(index=True)
    workflow: str
    nth: int
    step: str  #: the ledger step of the proposal
    action_hash: str
    group: str  #: whose question it is
    because: str
    choices: dict[str, Any] = document()  #: by editable field, the values that may be chosen
    flow_run_id: str | None = None
    sleep: int = 1  #: the number of the next pause; used keys are never used again
    status: str = Field(default=Status.OPEN, index=True)
    opened_at: datetime = moment()
    due_at: datetime = moment()
    closed_at: datetime | None = moment(optional=True)


def find_review(session: Session, review_id: str) -> ReviewRow:
    """Give a review, by its own id or the one open review of a case; or raise `Unknown`."""
    row = session.get(ReviewRow, review_id)
    if row is None:
        row = session.exec(
            select(ReviewRow)
            .where(ReviewRow.case_id == review_id)
            .order_by(col(ReviewRow.nth).desc())
            .limit(1)
        ).one_or_none()
    if row is None:
        raise Unknown(f"there is no review {review_id}. `taxiway reviews` lists the open ones.")
    return row


def open_reviews(
    session: Session,
    *,
    groups: Collection[str] = (),
    due_before: datetime | None = None,
    most: int = 10_000,
) -> list[ReviewRow]:
    """Give what waits for a person, or for one of some groups, the earliest deadline first."""
    wanted = select(ReviewRow).where(ReviewRow.status == Status.OPEN)
    if groups:
        wanted = wanted.where(col(ReviewRow.group).in_(groups))
    if due_before is not None:
        wanted = wanted.where(ReviewRow.due_at < due_before)
    order = (col(ReviewRow.due_at), col(ReviewRow.id))
    return list(session.exec(wanted.order_by(*order).limit(most)).all())


def is_over(session: Session, case_id: str) -> bool:
    """Whether the latest review of a case is over, by a decision or for want of one."""
    row = session.exec(
        select(ReviewRow)
        .where(ReviewRow.case_id == case_id)
        .order_by(col(ReviewRow.nth).desc())
        .limit(1)
    ).one_or_none()
    return row is not None and row.status in OVER


def withdraw_abandoned(session: Session, now: datetime) -> int:
    """Withdraw the questions of cases that have ended another way; gives how many."""
    ended = select(CaseRow.id).where(col(CaseRow.ending).is_not(None))
    rows = session.exec(
        update(ReviewRow)
        .where(col(ReviewRow.status) == Status.OPEN, col(ReviewRow.case_id).in_(ended))
        .values(status=Status.WITHDRAWN, closed_at=now)
        .returning(col(ReviewRow.id))
    ).all()
    return len(rows)
