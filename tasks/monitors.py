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
from rollout.policy import policy_of
from rollout.rechecks import ask_for_rechecks
from rollout.staying import expire

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


def recheck(contracts: Sequence[Contract]) -> int:
    """Ask further people about a sample of what agents did alone; gives how many cases are new."""
    with transaction() as session:
        return sum(ask_for_rechecks(session, contract, now()) for contract in contracts)


def end_what_was_lent(contracts: Sequence[Contract]) -> list[str]:
    """Take back full where it was not renewed in time; gives what ended, in words."""
    told = []
    for contract in contracts:
        with transaction() as session:
            grant = expire(session, contract, policy_of(contract), now())
        if grant is not None:
            told.append(f"{contract.workflow} is {grant} now: full was not renewed in time")
    return told


def _is_told(session: Session, contract: Contract, why: Alarm) -> bool:
    """Whether a broken comparison, which lowers nothing, is known already."""
    if why.severity != "S3":
        return False
    kind = why.because.partition(" is ")[0].partition(":")[0]
    rows = session.exec(
        select(FallRow).where(
            FallRow.workflow == contract.workflow,
            FallRow.severity == "S3",
            FallRow.at > now() - AGAIN,
        )
    ).all()
    return any(row.because.startswith(kind) for row in rows)
