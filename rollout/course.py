"""
How the evidence came about: the gates as they stood on each day, under any policy.

A pure function of the ledger up to each moment, so that another policy can be tried on what has
already happened: when it would have let an agent rise, and on how many cases.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, func, select

from rollout.compared import ComparedRow
from rollout.contract import Contract
from rollout.gates import Finding, Policy, Status, fold
from rollout.shadow_gates import shadow_gates
from rollout.tallies import tally_of

MOST_POINTS = 60


@dataclass(frozen=True)
class Point:
    """The gates at one moment."""

    at: datetime
    n: int
    status: Status
    agreement: Finding | None
    because: tuple[str, ...]


@dataclass(frozen=True)
class Simulated:
    """What a policy would have said of what happened."""

    points: tuple[Point, ...]
    ready: Point | None  #: the first moment at which every gate passed
    exposed: int  #: cases that were compared after it, so would have been recommended
    wrong: int  #: of those, how many differed from what people decided


def course(
    session: Session, contract: Contract, policy: Policy, release: str, until: datetime
) -> list[Point]:
    """Give the gates at up to sixty moments, evenly from the first comparison on."""
    first = session.exec(
        select(func.min(ComparedRow.at)).where(
            ComparedRow.workflow == contract.workflow,
            ComparedRow.release == release,
            ComparedRow.at <= until,
        )
    ).one()
    if first is None:
        return []
    days = max(1, min(MOST_POINTS, -(-(until - first) // timedelta(days=1))))
    step = (until - first) / days
    return [
        _point(session, contract, policy, release, first + step * n) for n in range(1, days + 1)
    ]


def simulate(
    session: Session, contract: Contract, policy: Policy, release: str, until: datetime
) -> Simulated:
    """Say when a policy would have let the agent rise, and what came after."""
    points = course(session, contract, policy, release, until)
    ready = next((one for one in points if one.status is Status.PASS), None)
    if ready is None:
        return Simulated(tuple(points), None, 0, 0)
    whole = tally_of(session, contract, release, until)
    then = tally_of(session, contract, release, ready.at)
    exposed = whole.n - then.n
    return Simulated(tuple(points), ready, exposed, exposed - (whole.right - then.right))


def _point(
    session: Session, contract: Contract, policy: Policy, release: str, at: datetime
) -> Point:
    tally = tally_of(session, contract, release, at)
    gates = shadow_gates(tally, policy)
    return Point(
        at=at,
        n=tally.n,
        status=fold(gates),
        agreement=next((one for one in gates if one.gate == "agreement"), None),
        because=tuple(
            f"{one.gate}: {one.because}" for one in gates if one.status is not Status.PASS
        ),
    )
