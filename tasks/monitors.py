"""Hearing the monitors: what they say is done at once, and nobody is asked."""

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session, select

from integrations.clock import now
from integrations.database import transaction
from rollout.contract import Contract
from rollout.falling import FallRow, fall
from rollout.live import live
from rollout.monitors import Alarm, alarms

MONITOR = "monitor"  #: the actor of a fall that nobody ordered
AGAIN = timedelta(days=7)  #: a broken comparison that nobody mends is told again


def hear_monitors(contracts: Sequence[Contract], *, outcomes: bool = False) -> list[str]:
    """
    Lower what has to be lowered; gives what fell and why, in words.

    What became of all cases takes longer to read: it is heard by the hour, the rest by the minute.
    """
    told = []
    for contract in contracts:
        moment = now()
        with transaction() as session:
            known = live(session, contract, moment) if outcomes else None
            for why in alarms(session, contract, moment, known):
                if _is_told(session, contract, why):
                    continue
                grant = fall(
                    session,
                    contract,
                    severity=why.severity,
                    by=MONITOR,
                    because=why.because,
                    now=moment,
                    scope=why.scope,
                )
                told.append(f"{contract.workflow} fell: it is {grant} now. {why.because}")
                if why.severity == "S1" or (why.severity == "S2" and not why.scope):
                    break  # lower than that it need not be told today
    return told


def _is_told(session: Session, contract: Contract, why: Alarm) -> bool:
    """Whether a broken comparison, which lowers nothing, is known already."""
    if why.severity != "S3":
        return False
    kind = why.because.partition(":")[0]
    rows = session.exec(
        select(FallRow).where(
            FallRow.workflow == contract.workflow,
            FallRow.severity == "S3",
            FallRow.at > now() - AGAIN,
        )
    ).all()
    return any(row.because.startswith(kind) for row in rows)
