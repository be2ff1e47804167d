"""What a person's answer is once it stands: a decision, or one yes of several."""

from collections.abc import Mapping
from datetime import datetime
from difflib import SequenceMatcher
from typing import ClassVar

from sqlmodel import Session, col, select

from rollout.answers import Reason, Verb
from rollout.canonical import Json
from rollout.case import Action, Proposal
from rollout.ledger import Entry, Fact, recall


class Approval(Fact):
    """One yes of several that an action needs."""

    kind: ClassVar[str] = "approval"

    review_id: str
    verb: Verb = Verb.APPROVE
    by: str
    principal: str  #: in whose place
    groups: tuple[str, ...]
    bound: tuple[str, ...] = ()
    proof: str
    channel: str
    at: datetime
    action_hash: str
    still: tuple[str, ...]  #: the groups whose word is missing yet

    def public(self) -> dict[str, Json]:
        """Keep whose word is there, and whose is missing."""
        return {
            "review": self.review_id,
            "proof": self.proof,
            "channel": self.channel,
            "hash": self.action_hash,
            "still": list(self.still),
        }


class Decision(Fact):
    """A person's answer, as it stands."""

    kind: ClassVar[str] = "decision"

    review_id: str
    verb: Verb
    by: str
    on_behalf_of: str = ""  #: in whose place, where it is another's
    approvers: tuple[str, ...] = ()  #: everybody whose yes it took
    needed: tuple[str, ...] = ()  #: the groups whose word it took
    proof: str
    channel: str
    edit: Mapping[str, str] = {}
    earlier: Mapping[str, str] = {}  #: what was changed before, and approved with it
    edit_distance: float = 0  #: 0 for nothing changed, 1 for nothing left; see `distance`
    reason: Reason | None = None
    comment: str = ""
    at: datetime
    seconds_open: float
    looked_seconds: float | None = None
    expanded: tuple[str, ...] = ()
    blind: bool = False  #: given before the proposal was shown; `edit` is all of the answer then
    planted: bool = False  #: given to an error that was shown on purpose
    approved_hash: str | None  #: the hash of the action as decided; None where nothing may run

    @property
    def nth(self) -> int:
        """Which of the case's reviews it answers."""
        return int(self.review_id.rpartition("-")[2])

    @property
    def is_enough(self) -> bool:
        """Whether the case can go on with it; else its change needs another's word."""
        return self.verb is Verb.REJECT or self.approved_hash is not None

    def public(self) -> dict[str, Json]:
        """Keep the answer; what was typed stays apart."""
        return {
            "review": self.review_id,
            "verb": self.verb.value,
            "proof": self.proof,
            "channel": self.channel,
            "edited": [*sorted(self.edit)],
            "edit_distance": round(self.edit_distance, 4),
            "reason": self.reason.value if self.reason else None,
            "seconds_open": round(self.seconds_open, 1),
            "looked_seconds": None
            if self.looked_seconds is None
            else round(self.looked_seconds, 1),
            "expanded": list(self.expanded),
            "blind": self.blind,
            "planted": self.planted,
            "approvals": max(1, len(self.approvers)),
            "approved_hash": self.approved_hash,
        }

    def applied_to(self, proposal: Proposal) -> Proposal:
        """Give the proposal as it was decided; an edit is a new revision."""
        changes = {**self.earlier, **self.edit}
        if not changes:
            return proposal
        return proposal.model_copy(
            update={
                "revision": proposal.revision + 1,
                "action": edited(proposal.action, changes),
                "reason": f"edited by {self.by}",
                "changes": changes,
            }
        )


def edited(action: Action, edit: Mapping[str, str]) -> Action:
    """Give the action with a person's changes."""
    return action.model_copy(update={"arguments": {**action.arguments, **edit}})


def distance(action: Action, edit: Mapping[str, str]) -> float:
    """
    Give how much an edit changed, 0 to 1: the mean over all arguments of one minus the similarity
    of the texts (Ratcliff and Obershelp's, as Python's difflib has it).
    """
    if not action.arguments:
        return 0.0
    parts = [
        1 - SequenceMatcher(None, was, edit.get(name, was), autojunk=False).ratio()
        for name, was in action.arguments.items()
    ]
    return sum(parts) / len(parts)


def decision_step(nth: int) -> str:
    """Name the ledger step of the decision on a case's nth review."""
    return f"decision-{nth}"


def approvals(session: Session, case_id: str, nth: int) -> list[Approval]:
    """Give the yeses that a case's nth review has so far, the earliest first."""
    steps = session.exec(
        select(Entry.step)
        .where(
            Entry.case_id == case_id,
            Entry.kind == Approval.kind,
            col(Entry.step).startswith(f"approval-{nth}-"),
        )
        .order_by(col(Entry.seq))
    ).all()
    found = (recall(session, case_id, step, Approval) for step in steps if step)
    return [one for one in found if one is not None]
