"""
What happens while nobody acts: reminders, the next in line, and in the end the fallback.

Every moment is worked out when a person is asked, in the receivers' working time, and stored; a
calendar that changes later moves nothing. A clock then lets pass what has come: it hands on and
runs out, and never decides. What was missed while everything was off happens once, in its order;
a reminder that something later has overtaken is left out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, text, update
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.business_time import at_share, due
from rollout.columns import document, moment
from rollout.contract import Leg
from rollout.handoffs import HandoffRow
from rollout.handoffs import State as HandoffState
from rollout.inbox import ErrandKind, ask
from rollout.ledger import note
from rollout.people import Directory
from rollout.reviews import ReviewRow, Status

QUIET = frozenset({"ask", "remind"})  #: what only tells
REMINDERS = (50, 90)  #: percent of the working time that is used
MOST = 2_000  #: deadlines that pass in one transaction
CLOCK = "clock"  #: the actor in the ledger: no person


class Kind(StrEnum):
    """What waits."""

    REVIEW = "review"
    HANDOFF = "handoff"


class What(StrEnum):
    """What happens at a moment."""

    ASK = "ask"  #: It is theirs from now on.
    REMIND = "remind"
    HAND_ON = "hand_on"  #: The next in line has it.
    RUN_OUT = "run_out"  #: Nobody in the line acted: the fallback.


class State(StrEnum):
    """Where a deadline stands."""

    AHEAD = "ahead"
    PASSED = "passed"  #: It has taken effect here; people are yet to be told.
    TOLD = "told"
    MOOT = "moot"  #: Somebody had acted, or something later came first.


class Deadline(SQLModel, table=True):
    """One moment at which something happens unless somebody acts before."""

    __tablename__ = "deadline"
    __table_args__ = (Index("ix_deadline_next", "state", "at"),)

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    kind: str
    ref: str = Field(index=True)  #: the review, or the case and the exception
    case_id: str
    workflow: str
    what: str
    share: int | None = None  #: percent, of a reminder
    to: str  #: who is reminded, or who has it from then on
    until: datetime | None = moment(optional=True)  #: by when they have it
    at: datetime = moment()
    state: str = State.AHEAD
    told: dict[str, Any] = document()  #: the ways in which people were told, each by its name


@dataclass(frozen=True)
class Line:
    """Who is asked in which order, and who has it in the end."""

    legs: tuple[Leg, ...]
    otherwise: str


@dataclass(frozen=True)
class Planned:
    """The first deadline, and when the whole line has run out."""

    due_at: datetime
    expires_at: datetime


def plan(
    session: Session,
    directory: Directory,
    line: Line,
    *,
    kind: Kind,
    ref: str,
    case_id: str,
    workflow: str,
    start: datetime,
) -> Planned:
    """Store every moment of a line, from now to its end."""
    ends, begins = [], start
    for leg in line.legs:
        begins = due(directory.calendar_of(leg.to), begins, leg.within).at
        ends.append(begins)

    def add(
        what: What,
        to: str,
        at: datetime,
        *,
        share: int | None = None,
        until: datetime | None = None,
    ) -> None:
        session.add(
            Deadline(
                kind=kind,
                ref=ref,
                case_id=case_id,
                workflow=workflow,
                what=what,
                to=to,
                at=at,
                share=share,
                until=until,
            )
        )

    add(What.ASK, line.legs[0].to, start, until=ends[0])
    for n, leg in enumerate(line.legs):
        began = ends[n - 1] if n else start
        for share in REMINDERS:
            at = at_share(directory.calendar_of(leg.to), began, ends[n], share / 100)
            add(What.REMIND, leg.to, at, share=share)
        if n + 1 < len(line.legs):
            add(What.HAND_ON, line.legs[n + 1].to, ends[n], until=ends[n + 1])
        else:
            add(What.RUN_OUT, line.otherwise, ends[n])
    return Planned(ends[0], ends[-1])


def pass_due(session: Session, now: datetime) -> int:
    """
    Let every deadline that has come take effect, in its order; gives how many did.

    One clock at a time: a second one finds nothing to do.
    """
    alone = text("select pg_try_advisory_xact_lock(hashtext('taxiway:clock'))")
    if not session.execute(alone).scalar_one():
        return 0
    rows = list(
        session.exec(
            select(Deadline)
            .where(Deadline.state == State.AHEAD, Deadline.at <= now)
            .order_by(col(Deadline.at), col(Deadline.id))
            .limit(MOST)
        ).all()
    )
    last = {row.ref: row.id for row in rows}
    passed = 0
    for row in rows:
        overtaken = row.what in QUIET and row.id != last[row.ref]
        if overtaken or not _take_effect(session, row, now):
            row.state = State.MOOT
        else:
            row.state = State.PASSED
            passed += 1
        session.add(row)
    session.flush()
    return passed


def untold(session: Session, most: int = 200) -> list[Deadline]:
    """Give the deadlines that have taken effect and of which nobody was told."""
    return list(
        session.exec(
            select(Deadline)
            .where(Deadline.state == State.PASSED)
            .order_by(col(Deadline.at), col(Deadline.id))
            .limit(most)
        ).all()
    )


def runs_out_at(session: Session, ref: str) -> datetime | None:
    """Give the moment at which a whole line has run out."""
    return session.exec(
        select(Deadline.at).where(Deadline.ref == ref, Deadline.what == What.RUN_OUT)
    ).one_or_none()


def mark_told(session: Session, deadline: Deadline, ways: Collection[str], *, over: bool) -> None:
    """Note in which ways people were told, and whether that is all of them."""
    session.execute(
        update(Deadline)
        .where(col(Deadline.id) == deadline.id, col(Deadline.state) == State.PASSED)
        .values(
            told={**deadline.told, **dict.fromkeys(ways, True)},
            state=State.TOLD if over else State.PASSED,
        )
    )


def about_to_pass(session: Session, now: datetime) -> list[HandoffRow]:
    """Give the handoffs that the clock is about to take from their receiver."""
    refs = session.exec(
        select(Deadline.ref).where(
            Deadline.state == State.AHEAD,
            Deadline.at <= now,
            Deadline.kind == Kind.HANDOFF,
            col(Deadline.what).not_in(QUIET),
        )
    ).all()
    keys = [tuple(ref.split("/", 1)) for ref in dict.fromkeys(refs)]
    rows = (session.get(HandoffRow, key) for key in keys)
    return [row for row in rows if row is not None and row.state in HandoffState.waiting()]


def _take_effect(session: Session, row: Deadline, now: datetime) -> bool:
    """Change what waits; False where somebody has acted."""
    if row.kind == Kind.HANDOFF:
        changed = _on_handoff(session, row)
    else:
        changed = _on_review(session, row, now)
    if changed and row.what not in QUIET:
        note(
            session,
            workflow=row.workflow,
            case_id=row.case_id,
            step=f"deadline:{row.id}",
            kind=row.what,
            actor=CLOCK,
            at=now,
            fields={"of": row.kind, "ref": row.ref, "to": row.to, "due": row.at.isoformat()},
        )
    return changed


def _on_handoff(session: Session, row: Deadline) -> bool:
    case_id, _, name = row.ref.partition("/")
    handoff = session.get(HandoffRow, (case_id, name), with_for_update=True)
    if handoff is None or handoff.state not in HandoffState.waiting():
        return False
    if row.what == What.HAND_ON:
        handoff.receiver, handoff.state = row.to, HandoffState.OFFERED
        handoff.due_at, handoff.accepted_by = row.until or row.at, ""
    elif row.what == What.RUN_OUT:
        handoff.receiver, handoff.state = row.to, HandoffState.FELL_BACK
    session.add(handoff)
    return True


def _on_review(session: Session, row: Deadline, now: datetime) -> bool:
    """Hand a question on, or end it by the same compare-and-set as an answer."""
    values: dict[str, object] = {}
    if row.what == What.HAND_ON:
        values = {"group": row.to, "due_at": row.until or row.at}
    elif row.what == What.RUN_OUT:
        values = {"status": Status.EXPIRED, "closed_at": now}
    else:
        values = {"status": Status.OPEN}
    changed = session.execute(
        update(ReviewRow)
        .where(col(ReviewRow.id) == row.ref, col(ReviewRow.status) == Status.OPEN)
        .values(**values)
        .returning(col(ReviewRow.flow_run_id))
    ).one_or_none()
    if changed is None:
        return False
    if row.what == What.RUN_OUT and changed[0]:
        ask(
            session,
            ErrandKind.WAKE,
            dedupe=f"wake:{row.ref}",
            now=now,
            flow_run_id=changed[0],
            case_id=row.case_id,
            review_id=row.ref,
            verb="reject",  # a word that the form knows; what counts is in the ledger
        )
    return True
