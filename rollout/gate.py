"""
The gate: what may leave now.

It re-reads everything that allows a write, in the transaction that flips the effect to `sent`.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from rollout.approvals import requesters
from rollout.authority import Authority, Grant, Placement, lower_of
from rollout.budgets import daily, reserve
from rollout.contract import ActionRule, Contract
from rollout.decisions import Decision, decision_step
from rollout.effects import Basis, EffectRow, State, end
from rollout.errors import OverBudget
from rollout.fields import breach
from rollout.grants import current
from rollout.halts import lock_shared
from rollout.ledger import note, recall
from rollout.reviews import ReviewRow
from rollout.write_budget import note_over_budget, over_budget

BREACH = "breach"  #: the kind of the fact that an agent tried what its contract forbids


def may_write(placement: Placement | None) -> bool:
    """Whether a case may be handed a writer at all."""
    return placement is not None and placement.authority.height > Authority.SHADOW.height


def objection(session: Session, effect: EffectRow, contract: Contract) -> str | None:
    """Say why an effect may not leave now, or None. Everything is read afresh."""
    grant = current(session, effect.workflow)
    basis = Basis(effect.basis)
    if basis is Basis.UNDO:  # taking back needs no stage, but nothing passes a stop
        return f"the workflow is {grant}" if grant.halted else None
    now = lower_of(Authority(effect.placed_at), _level(session, grant, effect))
    if now.height <= Authority.SHADOW.height:
        return f"the stage allows no write: the case is at {effect.placed_at}, now {grant}"
    if contract.action(effect.action) is None:
        return f"the contract does not allow {effect.action} any more"
    if basis is Basis.AGENT and now.height < Authority.LIMITED.height:
        return f"the stage was lowered to {grant} after the ruling: a person must decide"
    if basis is Basis.DECISION:
        return _unapproved(session, effect)
    return None


def _level(session: Session, grant: Grant, effect: EffectRow) -> Authority:
    if not grant.caps:
        return grant.authority
    placement = recall(session, effect.case_id, "placement", Placement)
    return grant.level_of(placement, effect.action)


def pass_gate(
    session: Session,
    effect: EffectRow,
    *,
    contract: Contract,
    noted: dict[str, Any],
    now: datetime,
    lease: timedelta,
    uncertain: bool = False,
) -> int | str:
    """
    Flip an effect to `sent`; give its fence, or the reason why it must not leave.

    `noted` are the target's values as they were read just before. In one transaction with the
    shared lock of the workflow's grant: no send starts after a demotion's commit. An effect that
    is `uncertain`, because an earlier attempt may have arrived, does not end as refused.
    """
    lock_shared(session, effect.workflow)
    why = (
        objection(session, effect, contract)
        or _out_of_bounds(effect, contract, noted)
        or _stale(effect, noted)
        or _unaffordable(session, effect, contract, now)
    )
    if why is not None:
        _note_breach(session, effect, contract, now)
        if uncertain:
            told = f"an earlier attempt may have arrived, and no other may leave: {why}"
            end(session, effect, State.UNKNOWN, because=told, now=now)
        else:
            end(session, effect, State.REFUSED, because=why, now=now)
        return why
    flipped = session.execute(
        update(EffectRow)
        .where(
            col(EffectRow.key) == effect.key,
            col(EffectRow.fence) == effect.fence,
            col(EffectRow.state).in_([State.READY, State.SENT]),
        )
        .values(
            state=State.SENT,
            attempt=EffectRow.attempt + 1,
            fence=EffectRow.fence + 1,
            noted=noted,
            sent_at=now,
            lease_until=now + lease,
        )
        .returning(col(EffectRow.fence))
    ).scalar_one_or_none()
    return "another attempt is under way" if flipped is None else flipped


def _note_breach(session: Session, effect: EffectRow, contract: Contract, now: datetime) -> None:
    """
    Keep that an agent tried, on its own word, what its contract forbids.

    By the values that it saw: what somebody else changed meanwhile is no fault of its own.
    """
    rule = contract.action(effect.action)
    if effect.basis != Basis.AGENT or rule is None:
        return
    known = {one.name for one in rule.fields}
    own = {k: v for k, v in effect.changes.items() if k in effect.expected or k not in known}
    if why := breach(rule.fields, effect.expected, own):
        note(
            session,
            workflow=effect.workflow,
            case_id=effect.case_id,
            kind=BREACH,
            actor="agent",
            at=now,
            fields={"action": effect.action, "because": why},
        )


def _unapproved(session: Session, effect: EffectRow) -> str | None:
    decision = recall(session, effect.case_id, decision_step(effect.nth or 0), Decision)
    if decision is None:
        return "no person has decided on it"
    if decision.approved_hash != effect.action_hash:
        return f"{decision.by} approved another action"
    if len(set(decision.approvers)) < len(decision.needed):
        return f"it needs the word of {' and '.join(decision.needed)}"
    review = session.get(ReviewRow, decision.review_id)
    if review is not None and review.edited_by in decision.approvers:
        return f"{review.edited_by} made the change and approved it too"
    own = {one.casefold() for one in decision.approvers} & requesters(session, effect.case_id)
    return f"{', '.join(sorted(own))} asked for it and approved it too" if own else None


def _stale(effect: EffectRow, noted: dict[str, Any]) -> str | None:
    changed = sorted(k for k, value in effect.expected.items() if noted.get(k) != value)
    if not changed:
        return None
    return f"{effect.target} was changed by somebody else meanwhile: {', '.join(changed)}"


def _out_of_bounds(effect: EffectRow, contract: Contract, noted: dict[str, Any]) -> str | None:
    rule = contract.action(effect.action)
    if rule is None or effect.basis == Basis.UNDO:
        return None  # an undo sets what was there before
    return breach(rule.fields, noted, effect.changes)


def _unaffordable(
    session: Session, effect: EffectRow, contract: Contract, now: datetime
) -> str | None:
    """Say which budget a write does not fit into; it is noted, since nothing rises on such days."""
    rule = contract.action(effect.action)
    if rule is None:
        return None
    why = over_budget(session, effect, rule, now) or _too_much_money(session, effect, rule, now)
    if why is not None:
        note_over_budget(session, effect, why, now)
    return why


def _too_much_money(
    session: Session, effect: EffectRow, rule: ActionRule, now: datetime
) -> str | None:
    cap = rule.cap_minor_per_day
    if not effect.amount or cap is None:
        return None
    scope = daily(effect.workflow, effect.action, now.date())
    try:
        reserve(session, ref=effect.key, scope=scope, cap=cap, amount=effect.amount, now=now)
    except OverBudget as error:
        return f"write budget: {error}"
    return None
