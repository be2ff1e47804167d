"""
What a person answered: `decide` is the one door for every answer.

A review ends once, by compare-and-set; whoever comes second learns who decided what. Clocks and
systems never decide: a decision always has a person.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import update
from sqlmodel import Session, col, select

from rollout.canonical import Json
from rollout.case import Action, Proposal, find_case
from rollout.contract import Contract
from rollout.errors import AlreadyDecided, Conflict, Invalid, TooLate, Unknown
from rollout.inbox import ErrandKind, ask
from rollout.ledger import Fact, note, recall, remember
from rollout.reviews import ReviewRow, Status, find_review


class Verb(StrEnum):
    """What a person can answer."""

    APPROVE = "approve"  #: Do exactly this.
    EDIT = "edit"  #: Do it with these changes.
    REJECT = "reject"  #: Do not do it.


class Reason(StrEnum):
    """Why a person changed or refused a proposal."""

    WRONG_FACT = "agent_wrong_fact"
    WRONG_DECISION = "agent_wrong_decision"
    TONE = "tone"
    MISSING_EVIDENCE = "missing_evidence"
    STALE_DATA = "stale_data"
    CONFLICTING_DATA = "conflicting_data"
    POLICY_GAP = "policy_gap"
    PROCESS_BROKEN = "process_broken"
    CUSTOMER_CONTEXT = "customer_context"
    DUPLICATE = "duplicate"
    OTHER = "other"


class Proof(IntEnum):
    """How a person's identity was shown; a higher one includes the lower ones."""

    DECLARED = 1  #: They said so: `--as`, or a name typed in the Prefect UI.
    LINK = 2  #: They hold the link that was sent to them.
    HOST = 3  #: The operating system's user on this host.


ENDS_AS = {
    Verb.APPROVE: Status.APPROVED,
    Verb.EDIT: Status.EDITED,
    Verb.REJECT: Status.REJECTED,
}


class Answer(BaseModel):
    """What a person wants done, and how we know that it is them."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    verb: Verb
    by: str
    proof: Proof
    channel: str  #: cli, prefect-ui
    edit: Mapping[str, str] = {}
    reason: Reason | None = None
    comment: str = ""
    action_hash: str | None = None  #: what the person saw; None where the door cannot know


class Decision(Fact):
    """A person's answer, as it stands."""

    kind: ClassVar[str] = "decision"

    review_id: str
    verb: Verb
    by: str
    proof: str
    channel: str
    edit: Mapping[str, str] = {}
    reason: Reason | None = None
    comment: str = ""
    at: datetime
    seconds_open: float
    approved_hash: str | None  #: the hash of the action as decided; None for a rejection

    def public(self) -> dict[str, Json]:
        """Keep the answer; what was typed stays apart."""
        return {
            "review": self.review_id,
            "verb": self.verb.value,
            "proof": self.proof,
            "channel": self.channel,
            "edited": [*sorted(self.edit)],
            "reason": self.reason.value if self.reason else None,
            "seconds_open": round(self.seconds_open, 1),
            "approved_hash": self.approved_hash,
        }

    def applied_to(self, proposal: Proposal) -> Proposal:
        """Give the proposal as it was decided; an edit is a new revision."""
        if self.verb is not Verb.EDIT:
            return proposal
        return proposal.model_copy(
            update={
                "revision": proposal.revision + 1,
                "action": edited(proposal.action, self.edit),
                "reason": f"edited by {self.by}",
            }
        )


def edited(action: Action, edit: Mapping[str, str]) -> Action:
    """Give the action with a person's changes."""
    return action.model_copy(update={"arguments": {**action.arguments, **edit}})


def decision_step(nth: int) -> str:
    """Name the ledger step of the decision on a case's nth review."""
    return f"decision-{nth}"


def decide_on(
    session: Session, contract: Contract, review_id: str, answer: Answer, now: datetime
) -> Decision:
    """Take a person's answer to the proposal that the review is about; see `decide`."""
    review = find_review(session, review_id)
    proposal = recall(session, review.case_id, review.step, Proposal)
    if proposal is None:
        raise Unknown(f"the proposal behind {review.id} has been erased")
    return decide(session, contract, review.id, answer, proposal, now)


def decide(
    session: Session,
    contract: Contract,
    review_id: str,
    answer: Answer,
    proposal: Proposal,
    now: datetime,
) -> Decision:
    """
    Take a person's answer, or say why it cannot be taken; the run is woken by an errand.

    The same person giving the same answer again gets the decision that stands. Raises `Invalid`
    for an answer that cannot be used, `AlreadyDecided` for one that came second, `TooLate` for
    one after the review had expired, `Conflict` when it was withdrawn or shows another action.
    """
    review = session.exec(
        select(ReviewRow).where(ReviewRow.id == review_id).with_for_update()
    ).one_or_none()
    if review is None:
        raise Unknown(f"there is no review {review_id}. `taxiway reviews` lists the open ones.")
    check_answer(contract, review, answer, proposal)
    if review.status != Status.OPEN:
        return _second(session, review, answer)
    if answer.action_hash not in {None, review.action_hash}:
        raise Conflict(f"{review.id} shows another action by now: look at it again.")
    decision = _decision(review, answer, proposal, now)
    session.execute(
        update(ReviewRow)
        .where(col(ReviewRow.id) == review.id, col(ReviewRow.status) == Status.OPEN)
        .values(status=ENDS_AS[answer.verb], closed_at=now)
    )
    stands = remember(
        session,
        workflow=review.workflow,
        case_id=review.case_id,
        step=decision_step(review.nth),
        fact=decision,
        actor=answer.by,
        at=now,
    )
    run = review.flow_run_id or find_case(session, review.case_id).flow_run_id
    if run:
        ask(
            session,
            ErrandKind.WAKE,
            dedupe=f"wake:{review.id}",
            now=now,
            flow_run_id=run,
            case_id=review.case_id,
            review_id=review.id,
            verb=answer.verb.value,
        )
    return stands


def check_answer(contract: Contract, review: ReviewRow, answer: Answer, proposal: Proposal) -> None:
    """Raise `Invalid` for an answer that could not stand, whoever was first."""
    if not answer.by:
        raise Invalid("a decision needs a person: say who decides")
    if answer.proof < Proof[contract.proof.upper()]:
        raise Invalid(
            f"{contract.workflow} needs an identity that is proven by {contract.proof}; "
            f"{answer.by} was only {answer.proof.name.lower()}"
        )
    if answer.verb is not Verb.EDIT and answer.edit:
        raise Invalid(f"{answer.verb} takes no changes; to change something, edit")
    if answer.verb is Verb.EDIT:
        _check_edit(review, answer, proposal)
    if answer.verb in {Verb.EDIT, Verb.REJECT} and answer.reason is None:
        known = ", ".join(reason.value for reason in Reason)
        raise Invalid(f"{answer.verb} needs a reason, one of: {known}")


def _check_edit(review: ReviewRow, answer: Answer, proposal: Proposal) -> None:
    if not answer.edit:
        raise Invalid(f"an edit changes something: one of {', '.join(sorted(review.choices))}")
    for field, value in answer.edit.items():
        if field not in review.choices:
            raise Invalid(f"{field} cannot be edited; these can: {', '.join(review.choices)}")
        allowed: list[str] = review.choices[field]
        if value not in allowed:
            raise Invalid(f"{field} cannot be {value!r}; known: {', '.join(allowed)}")
    if edited(proposal.action, answer.edit) == proposal.action:
        raise Invalid("the edit changes nothing: approve it instead")


def _decision(review: ReviewRow, answer: Answer, proposal: Proposal, now: datetime) -> Decision:
    approved: dict[Verb, str | None] = {
        Verb.APPROVE: proposal.action.hash,
        Verb.EDIT: edited(proposal.action, answer.edit).hash,
        Verb.REJECT: None,
    }
    return Decision(
        review_id=review.id,
        verb=answer.verb,
        by=answer.by,
        proof=answer.proof.name.lower(),
        channel=answer.channel,
        edit=dict(answer.edit),
        reason=answer.reason,
        comment=answer.comment,
        at=now,
        seconds_open=(now - review.opened_at).total_seconds(),
        approved_hash=approved[answer.verb],
    )


def record_late(session: Session, review_id: str, answer: Answer, now: datetime) -> None:
    """Note an answer that came after the review had expired; it changes nothing."""
    review = find_review(session, review_id)
    note(
        session,
        workflow=review.workflow,
        case_id=review.case_id,
        kind="late_answer",
        actor=answer.by,
        at=now,
        fields={"review": review.id, "verb": answer.verb.value, "channel": answer.channel},
    )


def _second(session: Session, review: ReviewRow, answer: Answer) -> Decision:
    if review.status == Status.EXPIRED:
        raise TooLate(review.id, review.closed_at or review.due_at)
    stands = recall(session, review.case_id, decision_step(review.nth), Decision)
    if stands is None:
        raise Conflict(f"{review.id} is {review.status}: there is nothing left to decide.")
    if (stands.by, stands.verb, dict(stands.edit)) == (answer.by, answer.verb, dict(answer.edit)):
        return stands
    raise AlreadyDecided(review.id, stands.verb, stands.by, stands.at)
