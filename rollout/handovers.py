"""
Work that passes to another agent's workflow: as an event in its inbox, and followed to its end.

What that workflow cannot take, since its agent is off, only watches or is stopped, comes back: the
handoff falls back on a person at once instead of at its deadline.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from rollout.canonical import canonical
from rollout.case import CaseRow, Ending
from rollout.deadlines import Deadline, State, What
from rollout.handoffs import HandoffRow
from rollout.handoffs import State as HandoffState
from rollout.inbox import Arrival, receive
from rollout.ledger import note

SOURCE = "handoff"  #: whom the inbox names as the sender
NOT_TAKEN = frozenset({Ending.STOOD_ASIDE, Ending.WATCHED, Ending.GONE})


def pass_on(
    session: Session,
    *,
    ref: str,
    workflow: str,
    event: str,
    data: Mapping[str, Any],
    now: datetime,
) -> None:
    """Put a handoff into another workflow's inbox, once."""
    body = canonical({"type": event, "data": dict(data)})
    receive(session, source=SOURCE, ext_id=ref, workflow=workflow, body=body, now=now)


def follow_up(session: Session, workflows: Collection[str], now: datetime) -> int:
    """See what became of what other workflows have; gives how many handoffs changed."""
    rows = session.exec(
        select(HandoffRow, CaseRow)
        .join(
            Arrival,
            (col(Arrival.source) == SOURCE)
            & (col(Arrival.ext_id) == col(HandoffRow.case_id) + "/" + col(HandoffRow.name)),
        )
        .join(CaseRow, col(CaseRow.id) == col(Arrival.case_id))
        .where(
            col(HandoffRow.state).in_(HandoffState.waiting()),
            col(HandoffRow.receiver).in_(workflows),
        )
    ).all()
    return sum(_follow(session, handoff, case, now) for handoff, case in rows)


def _follow(session: Session, handoff: HandoffRow, case: CaseRow, now: datetime) -> bool:
    if case.ending is None:
        if handoff.state == HandoffState.ACCEPTED:
            return False
        handoff.state, handoff.accepted_by = HandoffState.ACCEPTED, case.id
        kind = "accepted"
    elif Ending(case.ending) in NOT_TAKEN:
        return _fall_back(session, handoff, now)
    else:
        handoff.state, handoff.ended_by, handoff.ended_at = HandoffState.DONE, case.id, now
        kind = "done"
    session.add(handoff)
    note(
        session,
        workflow=handoff.workflow,
        case_id=handoff.case_id,
        kind=kind,
        actor=case.id,
        at=now,
        fields={"name": handoff.name, "receiver": handoff.receiver},
    )
    return True


def _fall_back(session: Session, handoff: HandoffRow, now: datetime) -> bool:
    """Let the end of the line come now: nobody there can act."""
    ends = session.exec(
        select(Deadline)
        .where(
            Deadline.ref == f"{handoff.case_id}/{handoff.name}",
            Deadline.state == State.AHEAD,
            col(Deadline.what).in_([What.RUN_OUT, What.HAND_ON]),
        )
        .order_by(col(Deadline.at))
    ).first()
    if ends is None or ends.at <= now:
        return False
    ends.at = now
    session.add(ends)
    return True
