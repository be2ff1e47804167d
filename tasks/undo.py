"""
Taking back what a case wrote, once, by the same protocol as the write itself.

`UNDO` says for each action how: the values from before are set, over exactly the values that
were written. Whoever has changed them since keeps what they did, and is named as the reason.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot import HubSpot
from integrations.hubspot_writes import (
    Built,
    lane_patch,
    owner_patch,
    risk_patch,
    task_removal,
)
from rollout.case import Action, Case
from rollout.contract import Safety
from rollout.effects import Basis, EffectRow, Intent, Request, State
from rollout.fields import Values
from rollout.ledger import remember
from rollout.undo import Recall, undo_step, why_not, written
from tasks.effects import Write, send
from tasks.systems import crm_writer


@dataclass(frozen=True)
class Undo:
    """How one action is taken back."""

    build: Callable[[EffectRow, str], Built]  #: the write, and the words it leaves
    look: Callable[[HubSpot, EffectRow], Awaitable[Values]]
    after: Callable[[EffectRow], Values]  #: the values as they were


class Outcome(StrEnum):
    """What became of taking one write back."""

    TAKEN_BACK = "taken back"
    LEFT = "left"  #: It cannot be taken back, or there was nothing to take.
    REFUSED = "refused"  #: It was tried and did not come about.


@dataclass(frozen=True)
class Taken:
    """One write, and whether it was taken back."""

    action: str
    target: str
    outcome: Outcome
    because: str


async def take_back(
    case: Case, *, by: str, because: str, on_its_own_word: bool = False
) -> list[Taken]:
    """
    Take back every write of a case that can be, the latest first.

    With `on_its_own_word`, only what the agent wrote without a person's decision.
    """
    with transaction() as session:
        effects = written(session, case.id, on_its_own_word=on_its_own_word)
        if effects:
            remember(
                session,
                workflow=case.workflow,
                case_id=case.id,
                step=f"recall:{'+'.join(one.step for one in effects)}",
                fact=Recall(writes=len(effects), because=because),
                actor=by,
                at=now(),
            )
    return [await _take_back(case, one, because) for one in effects]


async def take_back_step(case: Case, step: str, because: str) -> None:
    """Take back one write of a case, if there is one."""
    with transaction() as session:
        effects = [one for one in written(session, case.id) if one.step == step]
    for effect in effects:
        await _take_back(case, effect, because)


async def _take_back(case: Case, effect: EffectRow, because: str) -> Taken:
    why = why_not(case.contract, effect)
    undo = UNDO.get(effect.action)
    if why is None and undo is None:
        why = "nobody has said how"
    if why is not None or undo is None:
        return Taken(effect.action, effect.target, Outcome.LEFT, why or "")
    sent = await send(case, _write(crm_writer(case), undo, effect, because))
    done = sent.state is State.DONE
    outcome = Outcome.TAKEN_BACK if done else Outcome.REFUSED
    return Taken(effect.action, effect.target, outcome, sent.because)


def _write(crm: HubSpot, undo: Undo, effect: EffectRow, because: str) -> Write:
    method, path, body = undo.build(effect, because)
    return Write(
        intent=Intent(
            step=undo_step(effect.step),
            action=Action(name=effect.action, target=effect.target, arguments={}),
            request=Request(method=method, path=path, body=body),
            basis=Basis.UNDO,
            expected=effect.changes,
            changes=undo.after(effect),
            undoes=effect.step,
        ),
        push=lambda request: crm.send(request.method, request.path, request.body),
        look=lambda: undo.look(crm, effect),
        safety=Safety.SET,
    )


def _record(effect: EffectRow) -> str:
    return effect.target.rpartition("/")[2]


def _owner_before(effect: EffectRow, because: str) -> Built:
    return owner_patch(_record(effect), effect.noted.get("owner") or "", f"taken back: {because}")


async def _owner_now(crm: HubSpot, effect: EffectRow) -> Values:
    return {"owner": await crm.read_owner_of(_record(effect))}


async def _task_now(crm: HubSpot, effect: EffectRow) -> Values:
    return {"gone": None if await crm.has_task(effect.remote_id or "0") else "yes"}


async def _lane_now(crm: HubSpot, effect: EffectRow) -> Values:
    return {"lane": await crm.read_lane_of(_record(effect))}


async def _risk_now(crm: HubSpot, effect: EffectRow) -> Values:
    return {"risk": await crm.read_risk_of(_record(effect))}


def _as_before(effect: EffectRow) -> Values:
    return {name: effect.noted.get(name) for name in effect.changes}


UNDO: Mapping[str, Undo] = {
    "crm.contact.lane": Undo(
        build=lambda effect, _: lane_patch(_record(effect), effect.noted.get("lane") or ""),
        look=_lane_now,
        after=_as_before,
    ),
    "crm.company.risk": Undo(
        build=lambda effect, _: risk_patch(_record(effect), effect.noted.get("risk") or "", ""),
        look=_risk_now,
        after=_as_before,
    ),
    "crm.contact.owner": Undo(
        build=_owner_before,
        look=_owner_now,
        after=_as_before,
    ),
    "crm.task": Undo(
        build=lambda effect, _: task_removal(effect.remote_id or "0"),
        look=_task_now,
        after=lambda _: {"gone": "yes"},
    ),
}
