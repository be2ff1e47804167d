"""What is known of an agent that acts alone for a share of the cases, read up to a moment."""

from calendar import monthrange
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from rollout.authority import Arm, Authority, Exposure
from rollout.baseline import baseline, manual_minutes
from rollout.buckets import BUCKETS
from rollout.case import CaseRow, Ending
from rollout.contract import Contract
from rollout.decisions import Decision
from rollout.falling import last_fall
from rollout.grants import Transition
from rollout.ledger import Entry
from rollout.limited_gates import Live
from rollout.outcomes import MOST, Matured, matured
from rollout.reviews import ReviewRow, Status

DAY, MONTH = timedelta(days=1), timedelta(days=30)


def live(session: Session, contract: Contract, cutoff: datetime) -> Live:
    """Gather what the gates through limited look at."""
    last, since = _since(session, contract.workflow, cutoff)
    step = last.at if last else cutoff
    agents, peoples, shares = _sides(last)
    arms = _arms(session, contract.workflow, (agents, peoples), step, cutoff)
    own, control = (matured(session, contract, arm, since, cutoff) for arm in (agents, peoples))
    started, escalated = _went_up(session, contract.workflow, max(since, cutoff - MONTH), cutoff)
    known = contract.benchmark
    minutes = manual_minutes(baseline(session, contract, cutoff))
    manual = minutes / 60 * known.hourly_cost_minor if known and minutes is not None else None
    return Live(
        step_days=(cutoff - step) / DAY,
        live_days=(cutoff - since) / DAY,
        month_end=has_month_end(since, cutoff),
        treated=arms.get(agents, 0),
        control=arms.get(peoples, 0),
        shares=shares,
        good=own.good,
        control_good=control.good,
        matured=own.share,
        started=started,
        escalated=escalated,
        costs=_costs(session, contract, since, cutoff),
        manual_minor=manual,
        segments=_pairs(own, control),
    )


def has_month_end(since: datetime, until: datetime) -> bool:
    """Whether the last day of a month lies between two moments, as a whole."""
    last = since.replace(day=monthrange(since.year, since.month)[1], hour=0, minute=0, second=0)
    if last < since:
        following = last + DAY
        last = following.replace(day=monthrange(following.year, following.month)[1])
    return last + DAY <= until


def _sides(last: Transition | None) -> tuple[Arm, Arm, tuple[float, float]]:
    """Give whose cases are the agent's and whose are people's, and in what shares they come."""
    if last is None or last.authority != Authority.FULL:
        return Arm.TREATED, Arm.CONTROL, (1, 1)
    holdout = Exposure.model_validate(last.exposure).holdout
    return Arm.EVERYONE, Arm.HOLDOUT, (BUCKETS - holdout, max(holdout, 1))


def _since(session: Session, workflow: str, cutoff: datetime) -> tuple[Transition | None, datetime]:
    """Give what began this share, and since when it acts alone without a fall."""
    rows = session.exec(
        select(Transition)
        .where(Transition.workflow == workflow, Transition.scope == "", Transition.at <= cutoff)
        .order_by(col(Transition.revision))
    ).all()
    first = rows[-1].at if rows else cutoff
    for row in reversed(rows):
        if Authority(row.authority).height < Authority.LIMITED.height:
            break
        first = row.at
    fell = last_fall(session, workflow)
    began = max(first, fell) if fell is not None and fell <= cutoff else first
    return rows[-1] if rows else None, began


def _arms(
    session: Session, workflow: str, sides: tuple[Arm, Arm], since: datetime, cutoff: datetime
) -> dict[str, int]:
    rows = session.execute(
        select(CaseRow.arm, func.count())
        .where(
            CaseRow.workflow == workflow,
            col(CaseRow.arm).in_(sides),
            CaseRow.opened_at > since,
            CaseRow.opened_at <= cutoff,
        )
        .group_by(CaseRow.arm)
    ).all()
    return {str(name): int(n) for name, n in rows}


def _went_up(session: Session, workflow: str, since: datetime, cutoff: datetime) -> tuple[int, int]:
    """Count the latest cases that were ruled on, and those that went up or passed a deadline."""
    rulings = session.execute(
        select(col(Entry.case_id), col(Entry.fields)["right"].astext)
        .where(
            Entry.workflow == workflow,
            Entry.kind == "ruling",
            Entry.at > since,
            Entry.at <= cutoff,
        )
        .order_by(col(Entry.at).desc())
        .limit(MOST)
    ).all()
    ruled = {case_id for case_id, right in rulings if right != "watch"}
    up = {case_id for case_id, right in rulings if right == "escalate"}
    late = session.exec(
        select(ReviewRow.case_id).where(
            ReviewRow.workflow == workflow,
            ReviewRow.status == Status.EXPIRED,
            col(ReviewRow.closed_at) > since,
            col(ReviewRow.closed_at) <= cutoff,
        )
    ).all()
    return len(ruled), len({*up, *late} & ruled)


def _costs(
    session: Session, contract: Contract, since: datetime, cutoff: datetime
) -> NDArray[np.float64]:
    """
    Give what each case that was carried out has cost, in minor units: the agent's own cost, and
    the minutes of whoever decided it. Where those are unknown, the minutes of the work by hand.
    """
    benchmark = contract.benchmark
    if benchmark is None:
        return np.zeros(0)
    said = aliased(Entry)
    rows = session.execute(
        select(
            col(CaseRow.id),
            col(Entry.fields)["cost"]["amount_millis"].as_integer(),
            col(said.seq),
            col(said.fields)["looked_seconds"].as_float(),
        )
        .select_from(CaseRow)
        .join(Entry, (col(Entry.case_id) == col(CaseRow.id)) & (col(Entry.step) == "proposal-1"))
        .join(
            said,
            (col(said.case_id) == col(CaseRow.id)) & (col(said.kind) == Decision.kind),
            isouter=True,
        )
        .where(
            CaseRow.workflow == contract.workflow,
            CaseRow.ending == Ending.ACTED,
            col(CaseRow.closed_at) > since,
            col(CaseRow.closed_at) <= cutoff,
        )
        .order_by(col(CaseRow.closed_at).desc())
        .limit(MOST)
    ).all()
    second = benchmark.hourly_cost_minor / 3600
    costs: dict[str, float] = {}
    for case_id, millis, seq, looked in rows:  # a line for each decision that the case took
        people = 0.0 if seq is None else (looked or benchmark.minutes * 60) * second
        costs[case_id] = costs.get(case_id, millis / 1000) + people
    return np.array([*costs.values()], dtype=float)


def _pairs(
    own: Matured, control: Matured
) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    empty = np.zeros(0, dtype=bool)
    return {name: (good, control.segments.get(name, empty)) for name, good in own.segments.items()}
