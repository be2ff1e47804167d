"""What a contract leaves open: while there is something, the workflow stays in draft."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise

from rollout.authority import Authority
from rollout.contract import UNANSWERED, ActionRule, Contract, Handoff, Safety
from rollout.errors import ContractIncomplete


def holes(contract: Contract) -> tuple[str, ...]:
    """Name everything that the contract leaves open, in words for its owners."""
    return (
        *_unnamed(contract),
        *_open_handoffs(contract),
        *_open_rights(contract),
        *_open_boundaries(contract),
        *_unmeasured(contract),
        *_open_plan(contract),
    )


def complete(contract: Contract) -> Contract:
    """Return the contract, or raise `ContractIncomplete` naming each hole."""
    if found := holes(contract):
        raise ContractIncomplete(contract.workflow, found)
    return contract


def _unnamed(contract: Contract) -> Iterator[str]:
    for name, value in asdict(contract.job).items():
        if not value:
            yield f"job: no {name}"
    for role, person in asdict(contract.owners).items():
        if not person:
            yield f"owners: no {role} owner"


def _open_handoffs(contract: Contract) -> Iterator[str]:
    if not contract.exceptions:
        yield "exceptions: none is named, so missing data and conflicts have nowhere to go"
    names = [handoff.name for handoff in contract.exceptions]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield f"exceptions: {twice} is named twice"
    if Authority.RECOMMEND in contract.plan and UNANSWERED not in names:
        yield f"exceptions: no '{UNANSWERED}': who takes a review that nobody decides?"
    for handoff in contract.exceptions:
        yield from _open_handoff(contract, handoff)


def _open_handoff(contract: Contract, handoff: Handoff) -> Iterator[str]:
    if any(not leg.to or not leg.within for leg in handoff.then):
        yield f"exception {handoff.name}: somebody in its line has no name or no time"
    for word in ("when", "to", "decide", "otherwise"):
        if not getattr(handoff, word):
            yield f"exception {handoff.name}: no '{word}'"
    if not handoff.within:
        yield f"exception {handoff.name}: no deadline ('within')"
    if handoff.calls and contract.action(f"system.{handoff.calls}") is None:
        yield f"exception {handoff.name}: may not call {handoff.calls} (system.{handoff.calls})"
    if handoff.to and handoff.to == handoff.otherwise:
        yield f"exception {handoff.name}: the fallback is the receiver itself"


def _open_rights(contract: Contract) -> Iterator[str]:
    alone, escalate = contract.act_alone_from, contract.escalate_below
    for word, bar in (("act_alone_from", alone), ("escalate_below", escalate)):
        if bar is None or not 0 < bar < 1:
            yield f"decision rights: {word} must lie between 0 and 1"
    if alone is not None and escalate is not None and escalate > alone:
        yield "decision rights: escalate_below is above act_alone_from"
    if not contract.conflict_checks:
        yield "decision rights: no sources to compare (conflict_checks)"
    if not contract.impact_unknown:
        yield "decision rights: it is not said when the customer impact is unclear"
    if not contract.review_within:
        yield "reviews: no deadline (review_within)"


def _open_boundaries(contract: Contract) -> Iterator[str]:
    if not contract.boundaries.read:
        yield "boundaries: nothing may be read"
    if not contract.boundaries.write:
        yield "boundaries: nothing may be written, so no stage above recommend makes sense"
    for rule in contract.boundaries.write:
        if rule.reversible and not rule.undo:
            yield f"action {rule.name}: reversible, but not how (undo)"
        if rule.safety is Safety.SET and not rule.fields:
            yield f"action {rule.name}: sets values, but not said which (fields)"
        if rule.fields and not rule.alone_per_day:
            yield f"action {rule.name}: not said how often in a day it may be done (alone_per_day)"
        if not rule.measure:
            yield f"action {rule.name}: nothing measures whether it was right"
        yield from _open_ladder(rule)


def _open_ladder(rule: ActionRule) -> Iterator[str]:
    if rule.ladder and not rule.stake:
        yield f"action {rule.name}: has a ladder, and not which argument is the amount (stake)"
    amounts = [rung.up_to_minor for rung in rule.ladder]
    bounds = [one for one in amounts if one is not None]
    if None in amounts[:-1] or bounds != sorted(set(bounds)):
        yield f"action {rule.name}: the amounts of its ladder do not rise"


def _unmeasured(contract: Contract) -> Iterator[str]:
    if not contract.targets:
        yield "targets: none"
    for target in contract.targets:
        if (target.at_least is None) == (target.at_most is None):
            yield f"target {target.measure}: needs either at_least or at_most"
    if contract.benchmark is None:
        yield "benchmark: unknown what the work costs when people do it"
    if contract.budget_minor_per_day is None:
        yield "budget: no daily cap"
    if contract.budget_minor_per_case is None:
        yield "budget: no cap for a case"
    if not contract.answer_within:
        yield "budget: not said how long an answer may take (answer_within)"
    if not contract.retention:
        yield "retention: not said how long personal data is kept"
    if not contract.review_every:
        yield "review: not said how often the contract is looked at (review_every)"


def _open_plan(contract: Contract) -> Iterator[str]:
    if not contract.plan:
        yield "plan: no stages"
    elif contract.plan[0] is not Authority.SHADOW:
        yield "plan: the first stage must be shadow"
    for lower, upper in pairwise(contract.plan):
        if upper.height != lower.height + 1:
            yield f"plan: {lower} to {upper} is not one level up"
