"""
Staying at full: the level is lent for a time, and renewed on evidence, like a rise.

What is asked is less than on the way up: that all of its evidence still says so, that what was
rechecked since shows no turn, and that what only practice shows was practised.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from rollout.authority import Authority, Exposure, Grant
from rollout.contract import Contract
from rollout.gates import Finding, Policy, Status, judge
from rollout.grants import change, current, history
from rollout.limited_gates import HOLDS, Live
from rollout.ramp import HALF
from rollout.recommend_gates import GATES, not_worse
from rollout.track_record import TrackRecord

BY_TAXIWAY = "taxiway"
ALWAYS = {
    name: GATES[name] for name in ("not_worse_than_people", "high_severity", "integration", "drill")
}


def staying_gates(
    whole: TrackRecord, lately: TrackRecord, known: Live, policy: Policy
) -> Sequence[Finding]:
    """Judge whether full is renewed: on all evidence of the release, and on that since it began."""
    return [
        *judge({"rechecked": _rechecked, "no_turn": _no_turn}, lately, policy),
        *judge(HOLDS, known, policy),
        *judge(ALWAYS, whole, policy),
    ]


def full_since(session: Session, workflow: str) -> datetime | None:
    """Give the moment from which on full was lent last; None where it is not at full."""
    if current(session, workflow).authority is not Authority.FULL:
        return None
    return [row.at for row in history(session, workflow) if not row.scope][-1]


def lent_until(session: Session, workflow: str, policy: Policy) -> datetime | None:
    """Give when full ends unless it is renewed; None where it is not at full."""
    since = full_since(session, workflow)
    return since + timedelta(days=policy.lent_days) if since else None


def expire(session: Session, contract: Contract, policy: Policy, now: datetime) -> Grant | None:
    """Take full back to half of the cases where it was not renewed in time; None where not."""
    until = lent_until(session, contract.workflow, policy)
    if until is None or now < until:
        return None
    was = current(session, contract.workflow).exposure
    return change(
        session,
        contract,
        Authority.LIMITED,
        exposure=Exposure(basis_points=HALF).measured_as(was),
        by=BY_TAXIWAY,
        because=f"full was lent for {policy.lent_days:g} days and not renewed on evidence",
        now=now,
    )


def _rechecked(lately: TrackRecord, policy: Policy) -> Finding:
    name, n = "rechecked", len(lately.differences)
    words = f"{n} of at least {policy.rechecks} cases were decided once more by a person"
    if not n:
        return Finding(name, Status.NO_DATA, words, 0, needs=policy.rechecks)
    missing = policy.rechecks - n
    if missing > 0:
        return Finding(name, Status.INCONCLUSIVE, words, n, needs=missing)
    return Finding(name, Status.PASS, words, n)


def _no_turn(lately: TrackRecord, policy: Policy) -> Finding:
    """Judge whether what came since is known to be worse; less than that is no turn."""
    found = not_worse("no_turn", lately.differences, policy)
    if found.status is not Status.INCONCLUSIVE:
        return found
    return replace(found, status=Status.PASS, needs=None)
