"""Hearing the monitors: what they say is done at once, and nobody is asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from integrations.clock import now
from integrations.database import transaction
from rollout.ahead import Ahead, look_ahead
from rollout.contract import Contract
from rollout.falling import FallRow, fall
from rollout.limited_gates import Live
from rollout.live import live
from rollout.monitors import Alarm, alarms
from rollout.notices import Event, News, announce
from rollout.policy import policy_of
from rollout.rechecks import ask_for_rechecks
from rollout.staying import expire

MONITOR = "monitor"  #: the actor of a fall that nobody ordered
AGAIN = timedelta(days=7)  #: a broken comparison that nobody mends is told again


@dataclass(frozen=True)
class Looked:
    """What a look at a workflow has done, and what it found."""

    fell: tuple[str, ...]  #: what was lowered, in words
    ahead: Ahead


def hear_monitors(contract: Contract, moment: datetime, known: Live | None = None) -> list[str]:
    """
    Lower what has to be lowered; gives what fell and why, in words.

    What became of all cases (`known`) takes longer to read: it is heard by the hour, the rest by
    the minute.
    """
    told = []
    with transaction() as session:
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


def recheck(contract: Contract) -> int:
    """Ask further people about a sample of what it did alone; gives how many cases are new."""
    with transaction() as session:
        return ask_for_rechecks(session, contract, now())


def end_what_was_lent(contract: Contract, moment: datetime) -> list[str]:
    """Take back full where it was not renewed in time; gives what ended, in words."""
    with transaction() as session:
        grant = expire(session, contract, policy_of(contract), moment)
    if grant is None:
        return []
    return [f"{contract.workflow} is {grant} now: full was not renewed in time"]


def look(contract: Contract, moment: datetime) -> Looked:
    """Lower what has to be lowered, and judge what stands ahead; what is ready, is told."""
    with transaction() as session:
        known = live(session, contract, moment)
    fell = [*hear_monitors(contract, moment, known), *end_what_was_lent(contract, moment)]
    with transaction() as session:
        read = None if fell else known  # a fall begins everything anew
        ahead = look_ahead(session, contract, policy_of(contract), moment, known=read)
        if ahead.is_ready:
            _propose(session, contract, ahead, moment)
    return Looked(tuple(fell), ahead)


def _propose(session: Session, contract: Contract, ahead: Ahead, moment: datetime) -> None:
    """Tell the owners that a rise may be asked for: once for a level, a release and a start."""
    name = contract.workflow
    news = News(
        Event.READY,
        key=f"{name}:ready:{ahead.grant.revision}:{ahead.target}:{ahead.release[:12]}",
        subject=f"{name} is ready for {ahead.target}",
        text=(
            f"All {len(ahead.gates)} gates pass (evidence {ahead.digest}). It rises when somebody "
            f"asks for it and its owners sign: `taxiway rollout request {name}`, or the "
            "deployment `promote`."
        ),
    )
    announce(session, contract, news, moment)


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
