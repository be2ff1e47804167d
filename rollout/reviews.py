"""
What a person was asked: one question about one action, until it has its answer.

A review is bound to the hash of one action. Its one door for answers is `decisions.decide`.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from heapq import nlargest
from math import log10
from typing import Any, Protocol

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from rollout.columns import document, moment
from rollout.errors import Unknown


class Status(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    EXPIRED = "expired"  #: Nobody in the line decided in time; no answer, and nobody's.
    WITHDRAWN = (
        "withdrawn"  #: The case ended another way, or the stage asks for no answer any more.
    )


WEIGHS = ("tier", "stake_minor", "opened_at", "due_at")  #: what a priority is made of
DECIDED = frozenset({Status.APPROVED, Status.EDITED, Status.REJECTED})
OVER = DECIDED | {Status.EXPIRED, Status.WITHDRAWN}  #: its run may go on


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
    edited_by: str = ""  #: who made the change that is to be approved
    blind: bool = False  #: it is answered before the proposal is shown
    claimed_by: str = ""
    claimed_until: datetime | None = moment(optional=True)
    asked: str = ""  #: who is to answer a reviewer's question first
    tier: int = 1  #: how much a wrong decision harms, 1 to 3
    stake_minor: int = Field(default=0, sa_type=BigInteger)
    sleep: int = 1  #: the number of the next pause; used keys are never used again
    status: str = Field(default=Status.OPEN, index=True)
    opened_at: datetime = moment()
    due_at: datetime = moment()
    closed_at: datetime | None = moment(optional=True)


class Weighed(Protocol):
    """What a priority is made of."""

    tier: int
    stake_minor: int
    opened_at: datetime
    due_at: datetime


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


def priority_of(review: Weighed, now: datetime) -> float:
    """
    Give how urgent a review is: 100 for each tier of risk, 40 for each power of ten of the stake
    in hundreds, and up to 60 for the share of its time that is used (more once it is overdue).
    """
    whole = (review.due_at - review.opened_at).total_seconds()
    used = (now - review.opened_at).total_seconds() / whole if whole > 0 else 1.0
    stake = 40 * log10(1 + review.stake_minor / 10_000)
    return 100 * review.tier + stake + 60 * max(0.0, min(used, 2.0))


def most_urgent(
    session: Session,
    now: datetime,
    *,
    groups: Collection[str] = (),
    due_before: datetime | None = None,
    most: int = 50,
) -> list[ReviewRow]:
    """Give what waits for a person, or for one of some groups, the most urgent first."""
    wanted = _wanted(groups, due_before).with_only_columns(
        *(getattr(ReviewRow, name) for name in ("id", *WEIGHS))
    )
    light = session.execute(wanted).all()
    best = nlargest(most, light, key=lambda one: (priority_of(one, now), -one.due_at.timestamp()))
    rows = session.exec(
        select(ReviewRow).where(col(ReviewRow.id).in_([one.id for one in best]))
    ).all()
    return sorted(rows, key=lambda one: (-priority_of(one, now), one.due_at))


def open_reviews(
    session: Session,
    *,
    groups: Collection[str] = (),
    due_before: datetime | None = None,
    most: int = 10_000,
) -> list[ReviewRow]:
    """Give what waits for a person, or for one of some groups, the earliest deadline first."""
    wanted = _wanted(groups, due_before)
    order = (col(ReviewRow.due_at), col(ReviewRow.id))
    return list(session.exec(wanted.order_by(*order).limit(most)).all())


def _wanted(groups: Collection[str], due_before: datetime | None) -> SelectOfScalar[ReviewRow]:
    wanted = select(ReviewRow).where(ReviewRow.status == Status.OPEN)
    if groups:
        wanted = wanted.where(col(ReviewRow.group).in_(groups))
    if due_before is not None:
        wanted = wanted.where(ReviewRow.due_at < due_before)
    return wanted


def is_over(session: Session, case_id: str) -> bool:
    """Whether the latest review of a case is over, by a decision or for want of one."""
    row = session.exec(
        select(ReviewRow)
        .where(ReviewRow.case_id == case_id)
        .order_by(col(ReviewRow.nth).desc())
        .limit(1)
    ).one_or_none()
    return row is not None and row.status in OVER
