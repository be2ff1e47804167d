"""
How people do the work by hand, measured while an agent only watches: minutes, and cycle time.

The cycle runs from the moment a case was opened to a person's decision, as the CRM, another system
or a sheet dates it. The minutes are those in which somebody looked at a case before answering it
blind, on the desk: nothing else here knows how long a person worked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlmodel import Session, col, select

from rollout.case import CaseRow
from rollout.compared import RECHECK, REVIEW, Blind, ComparedRow
from rollout.contract import Contract
from rollout.decisions import Decision
from rollout.ledger import Entry

ENOUGH = 30  #: measured cases from which on the minutes count beside those that were declared
MOST = 2_000  #: cases that are measured, the latest ones
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Baseline:
    """What the work takes by hand."""

    cycles: int  #: cases whose cycle time is known
    cycle_p50: float | None  #: minutes from opened to decided
    cycle_p90: float | None
    worked: int  #: cases of which is known how long somebody looked at them
    minutes_p50: float | None
    minutes_mean: float | None
    declared_minutes: float | None  #: as the contract says
    declared_by: str  #: its source, and when that was measured


def baseline(session: Session, contract: Contract, cutoff: datetime) -> Baseline:
    """Measure how people decide what an agent does not, up to a moment."""
    cycles = _cycles(session, contract.workflow, cutoff)
    looked = _looked(session, contract.workflow, cutoff)
    known = contract.benchmark
    return Baseline(
        cycles=len(cycles),
        cycle_p50=_at(cycles, 50),
        cycle_p90=_at(cycles, 90),
        worked=len(looked),
        minutes_p50=_at(looked, 50),
        minutes_mean=float(np.mean(looked)) if looked else None,
        declared_minutes=known.minutes if known else None,
        declared_by=f"{known.source}, {known.measured_on}" if known else "",
    )


def manual_minutes(found: Baseline) -> float | None:
    """
    Give the minutes a case takes by hand: those declared, or those measured where they are fewer,
    so that no agent looks cheap beside a number that nobody has seen.
    """
    if found.declared_minutes is None:
        return None
    if found.minutes_mean is None or found.worked < ENOUGH:
        return found.declared_minutes
    return min(found.declared_minutes, found.minutes_mean)


def _cycles(session: Session, workflow: str, cutoff: datetime) -> list[float]:
    latest = (
        select(col(ComparedRow.case_id), col(ComparedRow.decided_at))
        .where(
            ComparedRow.workflow == workflow,
            ComparedRow.blind == Blind.YES,
            col(ComparedRow.source).not_in([REVIEW, RECHECK]),
            ComparedRow.at <= cutoff,
        )
        .order_by(col(ComparedRow.seq).desc())
        .limit(MOST)
        .subquery()
    )
    rows = session.execute(
        select(latest.c.case_id, latest.c.decided_at, col(CaseRow.opened_at)).join(
            CaseRow, col(CaseRow.id) == latest.c.case_id
        )
    ).all()
    cycles = {case_id: (decided - opened) / MINUTE for case_id, decided, opened in rows}
    return [minutes for minutes in cycles.values() if minutes > 0]


def _looked(session: Session, workflow: str, cutoff: datetime) -> list[float]:
    latest = (
        select(col(Entry.fields))
        .where(Entry.workflow == workflow, Entry.kind == Decision.kind, Entry.at <= cutoff)
        .order_by(col(Entry.at).desc())
        .limit(MOST)
    )
    return [
        float(said["looked_seconds"]) / 60
        for said in session.exec(latest).all()
        if said.get("blind") and said.get("looked_seconds") is not None
    ]


def _at(values: list[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None
