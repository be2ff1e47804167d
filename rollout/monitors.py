"""
What takes authority away: people who overrule the agent more often than is accepted.

Judged from the ledger alone, from the last change of authority on: the same ledger up to the same
moment gives the same answer, however often one asks.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from rollout.answers import FAULTS, Reason, Verb
from rollout.authority import Authority
from rollout.contract import Contract
from rollout.decisions import Decision
from rollout.evidence import ECusum
from rollout.grants import current, history
from rollout.ledger import Entry

ACCEPTED, HARMFUL = 0.10, 0.30  #: shares of decisions that overrule the agent for its own error


@dataclass(frozen=True)
class Alarm:
    """Why a workflow is to fall."""

    severity: str
    because: str


def overrules(session: Session, contract: Contract, cutoff: datetime) -> tuple[ECusum, int]:
    """Watch how often people overrule the agent for its own error; gives how often they did."""
    changes = history(session, contract.workflow)
    since = changes[-1].at if changes else None
    wanted = (
        select(Entry)
        .where(
            Entry.workflow == contract.workflow,
            Entry.kind == Decision.kind,
            Entry.at <= cutoff,
        )
        .order_by(col(Entry.seq))
    )
    if since is not None:
        wanted = wanted.where(Entry.at > since)
    watch, count = ECusum(accepted=ACCEPTED, harmful=HARMFUL), 0
    for entry in session.exec(wanted).all():
        said = entry.fields
        own_error = said["verb"] != Verb.APPROVE and _is_agents(said.get("reason"))
        count += own_error
        if watch.add(own_error):
            break
    return watch, count


def alarm(session: Session, contract: Contract, cutoff: datetime) -> Alarm | None:
    """Say whether a workflow is to fall now, and why."""
    grant = current(session, contract.workflow)
    if grant.halted or grant.authority.height <= Authority.SHADOW.height:
        return None
    watch, count = overrules(session, contract, cutoff)
    if not watch.alarm:
        return None
    return Alarm(
        "S2",
        f"people overruled it for its own error {count} times in {watch.events} decisions, and "
        f"{ACCEPTED:.0%} are accepted",
    )


def _is_agents(reason: str | None) -> bool:
    return reason is not None and FAULTS.get(Reason(reason)) == "agent"
