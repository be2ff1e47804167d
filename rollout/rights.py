"""
Who decides: the agent, a person, or nobody yet.

The order is fixed and the first match wins; every trigger that matched is kept, so that a
reviewer sees all of them. Only typed fields are read here, never text from a customer or a model.
"""

from enum import StrEnum
from typing import ClassVar

from rollout.approvals import always_asks, need_of
from rollout.authority import Authority
from rollout.canonical import Json
from rollout.case import Proposal
from rollout.contract import Contract
from rollout.ledger import Fact


class Right(StrEnum):
    """Who may decide on a proposal."""

    FORBIDDEN = "forbidden"  #: Nobody here: the contract does not allow the action.
    WATCH = "watch"  #: People, without seeing it: the stage is shadow.
    ESCALATE = "escalate"  #: A person takes over; the proposal is only material.
    REVIEW = "review"  #: A person says yes, changes it, or says no.
    ACT = "act"  #: The agent alone.


class Ruling(Fact):
    """A right, and the reason a person can read."""

    kind: ClassVar[str] = "ruling"

    right: Right
    because: str
    triggers: tuple[str, ...] = ()  #: everything that matched, the first one first
    would_be: Right | None = None  #: in shadow: what it would have been one level up
    policy_version: str

    def public(self) -> dict[str, Json]:
        """Keep the right, the policy and how many triggers matched; reasons may quote a record."""
        return {
            "right": self.right.value,
            "would_be": self.would_be.value if self.would_be else None,
            "triggers": len(self.triggers),
            "policy": self.policy_version,
        }


def rule_on(contract: Contract, proposal: Proposal, authority: Authority) -> Ruling:
    """Rule on a proposal at the level that counts for its case. The most careful reason wins."""
    found = [*_forbidden(contract, proposal), *_escalating(contract, proposal)]
    found += _reviewing(contract, proposal, authority)
    right, because = found[0] if found else (Right.ACT, _alone(proposal))
    triggers = tuple(reason for _, reason in found)
    if right is not Right.FORBIDDEN and authority.height <= Authority.SHADOW.height:
        return Ruling(
            right=Right.WATCH,
            because="this stage only watches"
            if authority is Authority.SHADOW
            else "the agent is off",
            triggers=triggers,
            would_be=right,
            policy_version=contract.version,
        )
    return Ruling(right=right, because=because, triggers=triggers, policy_version=contract.version)


Found = list[tuple[Right, str]]


def _forbidden(contract: Contract, proposal: Proposal) -> Found:
    name = proposal.action.name
    if contract.action(name) is None:
        return [(Right.FORBIDDEN, f"the contract does not allow {name}")]
    if need_of(contract, proposal.action) is None:
        return [(Right.FORBIDDEN, "it is above what anybody may approve here")]
    return []


def _escalating(contract: Contract, proposal: Proposal) -> Found:
    found: Found = []
    if proposal.conflicts:
        found.append((Right.ESCALATE, "sources disagree: " + "; ".join(proposal.conflicts)))
    if contract.escalate_below is not None and proposal.sureness < contract.escalate_below:
        found.append((Right.ESCALATE, f"confidence is only {proposal.sureness:.0%}"))
    if proposal.unclear:
        found.append((Right.ESCALATE, "customer impact is unclear: " + "; ".join(proposal.unclear)))
    return found


def _reviewing(contract: Contract, proposal: Proposal, authority: Authority) -> Found:
    found: Found = []
    rule = contract.action(proposal.action.name)
    if proposal.action.impacts:
        touched = ", ".join(sorted(proposal.action.impacts))
        found.append((Right.REVIEW, f"it touches {touched}"))
    if rule is not None and not rule.reversible:
        found.append((Right.REVIEW, "it cannot be undone"))
    if names := always_asks(contract, proposal.action):
        found.append((Right.REVIEW, f"it needs the word of {' and '.join(names)}"))
    if authority is Authority.RECOMMEND:
        found.append((Right.REVIEW, "this stage only recommends"))
    bar = contract.act_alone_from
    if bar is None or proposal.sureness < bar:
        found.append((Right.REVIEW, f"confidence is only {proposal.sureness:.0%}"))
    if proposal.decided_by == "agent" and proposal.calibrated_on < contract.calibration_needed:
        found.append(
            (
                Right.REVIEW,
                f"the confidence rests on {proposal.calibrated_on} labelled cases "
                f"of the {contract.calibration_needed} it takes",
            )
        )
    return found


def _alone(proposal: Proposal) -> str:
    if proposal.decided_by != "agent":
        return f"reversible, no impact, and by rule: {proposal.decided_by}"
    return f"reversible, no impact, and {proposal.sureness:.0%} sure"
