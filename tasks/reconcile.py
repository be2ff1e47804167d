"""
Settling what nobody works on any more: writes of cases that have ended, questions nobody waits for.

A write whose case is open is settled by its own run, which recovery starts again. Here are the
others: they are looked up and never sent again, since whoever has the case decides now.
"""

import json
from collections.abc import Sequence
from datetime import timedelta

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import OutsideError
from integrations.settings import settings
from rollout.contract import ActionRule, Contract, Safety
from rollout.effects import EffectRow, State, abandoned, end
from rollout.ledger import note
from rollout.withdrawals import withdraw_abandoned, withdraw_lowered
from tasks.systems import crm_reader
from tasks.undo import UNDO

NEVER_LEFT = "its case ended before it left"
NOT_THERE = "looked up after its case had ended: it did not arrive"
UNSURE = "its case ended, and nothing can tell whether it arrived: a person must look"


async def settle_abandoned(contracts: Sequence[Contract]) -> int:
    """Settle the writes of ended cases; gives how many. What cannot be read now stays for later."""
    with transaction() as session:
        effects = abandoned(session, now() - _quarantine())
    rules = {(one.workflow, rule.name): rule for one in contracts for rule in one.boundaries.write}
    settled = 0
    for effect in effects:
        try:
            state, because, remote = await _find_out(
                effect, rules.get((effect.workflow, effect.action))
            )
        except OutsideError:
            continue
        settled += _end(effect, state, because, remote)
    return settled


def withdraw_questions(contracts: Sequence[Contract]) -> int:
    """Withdraw the reviews that nobody has to answer any more; gives how many."""
    with transaction() as session:
        return withdraw_abandoned(session, now()) + withdraw_lowered(session, contracts, now())


async def _find_out(effect: EffectRow, rule: ActionRule | None) -> tuple[State, str, str | None]:
    if effect.state == State.READY:
        return State.REFUSED, NEVER_LEFT, None
    safety = Safety.SET if effect.undoes else rule.safety if rule else Safety.NONE
    undo = UNDO.get(effect.action)
    if safety is Safety.SET and undo is not None:
        there = dict(await undo.look(crm_reader(effect.workflow), effect)) == effect.changes
        return (
            (State.DONE, "found to have arrived", None)
            if there
            else (
                State.FAILED,
                NOT_THERE,
                None,
            )
        )
    if safety is Safety.SEARCH and (subject := _subject(effect)):
        found = await crm_reader(effect.workflow).find_tasks(subject)
        if found:
            return State.DONE, "found to have arrived", found[0]
        return State.FAILED, NOT_THERE, None
    return State.UNKNOWN, UNSURE, None


def _subject(effect: EffectRow) -> str | None:
    properties = json.loads(effect.body or b"{}").get("properties", {})
    subject: str | None = properties.get("hs_task_subject")
    return subject


def _end(effect: EffectRow, state: State, because: str, remote: str | None) -> bool:
    with transaction() as session:
        ended = end(session, effect, state, because=because, now=now(), remote_id=remote)
        if ended:
            note(
                session,
                workflow=effect.workflow,
                case_id=effect.case_id,
                step=f"settled:{effect.step}",
                kind="settled",
                actor="taxiway",
                at=now(),
                fields={"action": effect.action, "target": effect.target, "state": state.value},
            )
        return ended


def _quarantine() -> timedelta:
    return timedelta(seconds=settings().search_quarantine_seconds)
