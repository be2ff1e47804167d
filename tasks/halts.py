"""Stopping: the file that works without a database, and the halt that the ledger remembers."""

from collections.abc import Sequence

from sqlmodel import Session

from integrations.clock import now
from integrations.database import transaction
from integrations.flag import Stop, lower_flag, raise_flag, stops
from rollout.authority import Grant
from rollout.contract import Contract
from rollout.grants import revive
from rollout.halts import halt


def stop(workflow: str, *, by: str, because: str) -> None:
    """Stop a workflow or `EVERY` one: by the file at once, whatever the database does."""
    raise_flag(Stop(workflow, by, because, now().isoformat()))


def heed_flags(session: Session) -> int:
    """
    Let the stops on file stand in the database; gives how many are new.

    Whoever is about to write calls this first.
    """
    return sum(
        halt(session, one.workflow, by=one.by, because=one.because or "stopped", now=now())
        for one in stops()
    )


def let_work(contracts: Sequence[Contract], scope: str, *, by: str, because: str) -> list[Grant]:
    """End a stop; gives what each workflow concerned may do now, shadow at the most."""
    with transaction() as session:
        heed_flags(session)
        grants = revive(session, contracts, scope, by=by, because=because, now=now())
        lower_flag(scope)  # before the commit: a flag that stays would be heeded again
    return grants
