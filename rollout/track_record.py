"""
What is known of an agent that people decide beside: all that the gates above recommend look at.

Read from the ledger up to a moment, for one release and from the last fall on. Differences count
as the person's right until a third one has said whose they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, func
from sqlmodel import Session, col, select

from rollout.compared import Blind, ComparedRow, Judged
from rollout.comparison import AGREES, Verdict
from rollout.contract import Contract
from rollout.effects import Basis, EffectRow, State
from rollout.falling import FallRow
from rollout.ledger import Entry
from rollout.opinions import Kind, OpinionRow, people_agree
from rollout.planted import planted_found
from rollout.releases import line_of

MOST = 10_000  #: differences that are read: the first ones, which decide long before
READ = ("blind", "verdict", "judged", "judged_at", "segment", "decided_at")
MONTH = timedelta(days=30)
DRILL = "drill"  #: the kind of the fact that a stop was practised


@dataclass(frozen=True)
class TrackRecord:
    """What people made of one release."""

    differences: NDArray[np.float64]  #: blind: 1 the agent was right, -1 the person, 0 neither more
    blind: NDArray[np.bool_]  #: whether the agent's answer was the person's, who did not see it
    shown: NDArray[np.bool_]  #: whether people took what they were shown
    pending: int = 0  #: differences of which nobody has said whose they are
    days: float | None = None
    age_days: float | None = None
    severe: int = 0  #: falls for a breach in the last thirty days
    sent: int = 0  #: writes that ended in the last thirty days
    arrived: int = 0  #: of those, how many arrived
    not_rehearsed: tuple[str, ...] = ()  #: reversible actions that were never taken back
    drill_days: float | None = None  #: since a stop was practised; None: never
    people_agree: float | None = None  #: Krippendorff's alpha of two people's answers
    planted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    segments: dict[str, NDArray[np.float64]] = field(default_factory=dict)  #: differences of each


def track_record(
    session: Session,
    contract: Contract,
    release: str,
    cutoff: datetime,
    since: datetime | None = None,
    scope: str = "",
) -> TrackRecord:
    """
    Gather what is known of a release up to a moment, from the last fall on; with a scope, like
    segment:SMB, what people made of its cases there.
    """
    rows = _rows(session, contract.workflow, release, cutoff, since, scope)
    blind = [row for row in rows if row.blind == Blind.YES]
    shown = [row for row in rows if row.blind == Blind.SHOWN]
    marks = np.array([_difference(row, cutoff) for row in blind], dtype=float)
    places = np.array([row.segment for row in blind], dtype=object)
    times = [row.decided_at for row in rows]
    sent, arrived = _writes(session, contract.workflow, cutoff)
    return TrackRecord(
        differences=marks,
        blind=np.array([row.verdict in AGREES for row in blind], dtype=bool),
        shown=np.array([row.verdict in AGREES for row in shown], dtype=bool),
        pending=sum(row.verdict not in AGREES and not _is_judged(row, cutoff) for row in blind),
        days=(max(times) - min(times)) / timedelta(days=1) if times else None,
        age_days=(cutoff - max(times)) / timedelta(days=1) if times else None,
        severe=_severe(session, contract.workflow, cutoff),
        sent=sent,
        arrived=arrived,
        not_rehearsed=_not_rehearsed(session, contract),
        drill_days=_drill_days(session, contract.workflow, cutoff),
        people_agree=_people_agree(session, contract.workflow),
        planted=planted_found(session, contract.workflow, cutoff, since),
        segments={name: marks[places == name] for name in sorted({*places})},
    )


def _rows(
    session: Session,
    workflow: str,
    release: str,
    cutoff: datetime,
    since: datetime | None,
    scope: str,
) -> Sequence[Row[Any]]:
    wanted = (
        select(*(getattr(ComparedRow, name) for name in READ))  # columns: rows would cost ten times
        .where(
            ComparedRow.workflow == workflow,
            col(ComparedRow.release).in_(line_of(session, workflow, release)),
            col(ComparedRow.blind).in_([Blind.YES, Blind.SHOWN]),
            col(ComparedRow.verdict) != Verdict.INCOMPARABLE,
            ComparedRow.at <= cutoff,
        )
        .order_by(col(ComparedRow.seq))
        .limit(MOST)
    )
    if since is not None:
        wanted = wanted.where(ComparedRow.decided_at > since)
    if scope:
        kind, _, name = scope.partition(":")
        wanted = wanted.where(getattr(ComparedRow, kind) == name)
    return session.execute(wanted).all()


def _is_judged(row: Row[Any], cutoff: datetime) -> bool:
    return row.judged_at is not None and row.judged_at <= cutoff


def _difference(row: Row[Any], cutoff: datetime) -> float:
    if row.verdict in AGREES:
        return 0.0
    if not _is_judged(row, cutoff):
        return -1.0
    return {Judged.AGENT: 1.0, Judged.HUMAN: -1.0}.get(Judged(row.judged), 0.0)


def _severe(session: Session, workflow: str, cutoff: datetime) -> int:
    return session.exec(
        select(func.count()).where(
            FallRow.workflow == workflow,
            FallRow.severity == "S1",
            FallRow.at > cutoff - MONTH,
            FallRow.at <= cutoff,
        )
    ).one()


def _writes(session: Session, workflow: str, cutoff: datetime) -> tuple[int, int]:
    """Count the writes that ended by the receiver's word or for want of one, and that arrived."""
    ended = (State.DONE, State.REVERTED, State.FAILED, State.UNKNOWN)
    rows = session.execute(
        select(EffectRow.state, func.count())
        .where(
            EffectRow.workflow == workflow,
            col(EffectRow.state).in_(ended),
            col(EffectRow.sent_at) > cutoff - MONTH,
            col(EffectRow.sent_at) <= cutoff,
        )
        .group_by(EffectRow.state)
    ).all()
    counts = {state: int(n) for state, n in rows}
    arrived = counts.get(State.DONE, 0) + counts.get(State.REVERTED, 0)
    return sum(counts.values()), arrived


def _not_rehearsed(session: Session, contract: Contract) -> tuple[str, ...]:
    """
    Name the reversible actions that were carried out and never taken back.

    What this level does not carry out yet is asked about at the next one.
    """
    rows = session.execute(
        select(EffectRow.action, EffectRow.basis)
        .where(
            EffectRow.workflow == contract.workflow,
            col(EffectRow.state).in_([State.DONE, State.REVERTED]),
        )
        .distinct()
    ).all()
    done = {action for action, basis in rows if basis != Basis.UNDO}
    back = {action for action, basis in rows if basis == Basis.UNDO}
    return tuple(
        rule.name
        for rule in contract.boundaries.write
        if rule.reversible and rule.name in done - back
    )


def _drill_days(session: Session, workflow: str, cutoff: datetime) -> float | None:
    last: datetime | None = session.exec(
        select(func.max(Entry.at)).where(
            Entry.workflow == workflow, Entry.kind == DRILL, Entry.at <= cutoff
        )
    ).one()
    return None if last is None else (cutoff - last) / timedelta(days=1)


def _people_agree(session: Session, workflow: str) -> float | None:
    rows = session.execute(
        select(ComparedRow.answer, OpinionRow.answer)
        .join(OpinionRow, col(OpinionRow.case_id) == col(ComparedRow.case_id))
        .where(
            OpinionRow.workflow == workflow,
            OpinionRow.kind == Kind.SECOND,
            OpinionRow.release == ComparedRow.release,
            col(OpinionRow.answered_at).is_not(None),
        )
    ).all()
    return people_agree([row[0] for row in rows], [str(row[1].get("key", "")) for row in rows])
