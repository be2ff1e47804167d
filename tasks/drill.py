"""Practising a stop: that the file stops, the gate refuses, and a revival brings work back."""

import time
from contextlib import suppress
from dataclasses import replace

from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority
from rollout.contract import Contract
from rollout.effects import Basis, EffectRow
from rollout.errors import Invalid, TaxiwayError
from rollout.gate import objection
from rollout.grants import current
from rollout.ledger import note
from rollout.track_record import DRILL
from tasks.halts import heed_flags, let_work, stop


def drill(contract: Contract, by: str) -> float:
    """
    Practise a workflow's stop under a name of its own, so that no real work stands still.

    Gives the seconds from the stop to the gate's refusal. Raises `Invalid` where something did not
    hold; what was raised for the drill is lowered again.
    """
    trial = replace(contract, workflow=f"{contract.workflow}.drill")
    began = time.monotonic()
    stop(trial.workflow, by=by, because="a drill")
    try:
        refused = _refusal(trial)
        seconds = time.monotonic() - began
    finally:
        with suppress(TaxiwayError):
            let_work([trial], trial.workflow, by=by, because="the drill is over")
    with transaction() as session:
        again = current(session, trial.workflow).halted
        if refused and not again:
            note(
                session,
                workflow=contract.workflow,
                kind=DRILL,
                actor=by,
                at=now(),
                fields={"seconds": round(seconds, 3), "refused": refused},
            )
    if not refused:
        raise Invalid("the gate let a write through although a stop was on file: do not go on")
    if again:
        raise Invalid(f"the drill's stop still stands: {again}. taxiway doctor says more.")
    return seconds


def _refusal(trial: Contract) -> str | None:
    """Ask the gate about a write of each action, as if it were to leave now."""
    with transaction() as session:
        heed_flags(session)
        said = [
            objection(session, _write(trial, rule.name), trial)
            for rule in trial.boundaries.write
            if current(session, trial.workflow).halted
        ]
    return said[0] if said and all(said) else None


def _write(trial: Contract, action: str) -> EffectRow:
    return EffectRow(
        key="drill",
        case_id="drill",
        workflow=trial.workflow,
        step="drill",
        action=action,
        target="drill",
        action_hash="",
        basis=Basis.AGENT,
        placed_at=Authority.FULL,
        policy_version=trial.version,
        method="",
        path="",
        body=b"",
        body_sha="",
        made_at=now(),
    )
