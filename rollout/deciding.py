"""
Taking a person's answer: `decide` is the one door for every answer.

A review ends once, by compare-and-set; whoever comes second learns who decided what. Clocks and
systems never decide: a decision always has a person. An edit is a new revision: where it needs
more than the editor's word, it is asked again as a review of its own.
"""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from rollout.answer_checks import check_answer
from rollout.answers import Answer, Verb
from rollout.approvals import (
    Need,
    Standing,
    check_apart,
    need_of,
    standing_in,
    standing_of,
    still_needed,
)
from rollout.case import Proposal, find_case
from rollout.contract import Contract
from rollout.decisions import Approval, Decision, approvals, decision_step, distance, edited
from rollout.errors import AlreadyDecided, Conflict, Invalid, NotYours, TooLate, Unknown
from rollout.inbox import ErrandKind, ask
from rollout.ledger import note, recall, remember
from rollout.notices import Event, News, announce
from rollout.people import Directory, read_directory
from rollout.planted import PLANTED
from rollout.reviews import ReviewRow, Status, find_review

ENDS_AS = {
    Verb.APPROVE: Status.APPROVED,
    Verb.EDIT: Status.EDITED,
    Verb.REJECT: Status.REJECTED,
}


def decide_on(
    session: Session, contract: Contract, review_id: str, answer: Answer, now: datetime
) -> Decision | Approval:
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
) -> Decision | Approval:
    """
    Take a person's answer, or say why it cannot be taken; the run is woken by an errand.

    Gives an `Approval` where others must say yes too. The same person giving the same answer again
    gets what stands. Raises `Invalid` for an answer that cannot be used, `NotYours` where somebody
    else must decide, `AlreadyDecided` for one that came second, `TooLate` for one after the review
    had expired, `Conflict` when it was withdrawn, is claimed or shows another action.
    """
    review = session.exec(
        select(ReviewRow).where(ReviewRow.id == review_id).with_for_update()
    ).one_or_none()
    if review is None:
        raise Unknown(f"there is no review {review_id}. `taxiway reviews` lists the open ones.")
    check_answer(review, answer, proposal)
    directory = read_directory(session)
    need = need_of(contract, proposal.action)
    if need is None:
        raise Invalid(f"{review.id}: it is above what anybody may approve here")
    standing = _standing(session, directory, contract, review, answer, need, now)
    if review.status != Status.OPEN:
        return _second(session, review, answer)
    _check_now(review, answer, now)
    decision = _decision(review, answer, proposal, standing, now)
    if answer.verb is Verb.APPROVE:
        return _approve(session, contract, review, need, standing, decision)
    if answer.verb is Verb.EDIT:
        decision = _of_an_edit(directory, contract, decision, proposal, need, standing, now)
    return _end(session, review, decision)


def _standing(
    session: Session,
    directory: Directory,
    contract: Contract,
    review: ReviewRow,
    answer: Answer,
    need: Need,
    now: datetime,
) -> Standing:
    """Say in whose place a person answers; raises `NotYours` or `Invalid`."""
    standing = standing_in(directory, answer.by, need, review.group, review.id, now.date())
    check_apart(session, directory, standing, review.case_id, review.edited_by)
    if answer.proof < need.proof:
        raise Invalid(
            f"{contract.workflow} needs an identity that is proven by {need.proof.name.lower()} "
            f"here; {answer.by} was only {answer.proof.name.lower()}"
        )
    return standing


def _check_now(review: ReviewRow, answer: Answer, now: datetime) -> None:
    """Raise `Conflict` where somebody else is at it, or the person saw another action."""
    held = review.claimed_until is not None and review.claimed_until > now
    if held and review.claimed_by != answer.by:
        until = f"{review.claimed_until:%Y-%m-%d %H:%M} UTC"
        raise Conflict(f"{review.claimed_by} is deciding {review.id}, until {until} at most.")
    if answer.action_hash not in {None, review.action_hash}:
        raise Conflict(f"{review.id} shows another action by now: look at it again.")


def _decision(
    review: ReviewRow, answer: Answer, proposal: Proposal, standing: Standing, now: datetime
) -> Decision:
    approved: dict[Verb, str | None] = {
        Verb.APPROVE: proposal.action.hash,
        Verb.EDIT: edited(proposal.action, answer.edit).hash,
    }
    return Decision(
        review_id=review.id,
        verb=answer.verb,
        by=answer.by,
        on_behalf_of="" if standing.principal == answer.by else standing.principal,
        approvers=() if answer.verb is Verb.REJECT else (answer.by,),
        proof=answer.proof.name.lower(),
        channel=answer.channel,
        edit=dict(answer.edit),
        earlier=dict(proposal.changes),
        edit_distance=distance(proposal.action, answer.edit),
        reason=answer.reason,
        comment=answer.comment,
        at=now,
        seconds_open=(now - review.opened_at).total_seconds(),
        looked_seconds=answer.looked_seconds,
        expanded=answer.expanded,
        blind=review.blind,
        planted=proposal.decided_by == PLANTED,
        approved_hash=approved.get(answer.verb),
    )


def _of_an_edit(
    directory: Directory,
    contract: Contract,
    decision: Decision,
    proposal: Proposal,
    need: Need,
    standing: Standing,
    now: datetime,
) -> Decision:
    """Put an edit through the policy again: it is enough by itself, or others are asked."""
    after = need_of(contract, edited(proposal.action, decision.edit))
    if after is None:
        raise Invalid("the change is above what anybody may approve here")
    mine = standing_of(directory, standing.by, after.by, now.date())
    if len(after.by) == 1 and (after == need or mine is not None):
        return decision
    return decision.model_copy(update={"approved_hash": None, "needed": after.by})


def _approve(
    session: Session,
    contract: Contract,
    review: ReviewRow,
    need: Need,
    standing: Standing,
    decision: Decision,
) -> Decision | Approval:
    """Count one more yes; the last one that it takes decides."""
    given = approvals(session, review.case_id, review.nth)
    mine = next((one for one in given if one.by == standing.by), None)
    if mine is not None:
        return mine
    others = [Standing(one.by, one.principal, one.groups, one.bound) for one in given]
    if not all(standing.is_apart_from(other) for other in others):
        raise NotYours(f"{standing.by} and another approver answer for one another: ask a third.")
    still = still_needed(need, [*others, standing]) if len(need.by) > 1 else ()
    if not still:
        names = (*(one.by for one in given), decision.by)
        update_ = {"approvers": names, "needed": need.by}
        return _end(session, review, decision.model_copy(update=update_))
    if len(still) == len(need.by) - len(given):
        raise NotYours(f"{review.id} still needs {', '.join(still)}, and {standing.by} is neither.")
    review.group = still[0]
    session.add(review)
    _tell_next(session, contract, review, decision)
    return remember(
        session,
        workflow=review.workflow,
        case_id=review.case_id,
        step=f"approval-{review.nth}-{len(given) + 1}",
        fact=Approval(
            review_id=review.id,
            by=standing.by,
            principal=standing.principal,
            groups=standing.groups,
            bound=standing.bound,
            proof=decision.proof,
            channel=decision.channel,
            at=decision.at,
            action_hash=review.action_hash,
            still=still,
        ),
        actor=standing.by,
        at=decision.at,
    )


def _tell_next(session: Session, contract: Contract, review: ReviewRow, decision: Decision) -> None:
    """Let those know whose word is missing now."""
    news = News(
        Event.SECOND_WORD,
        key=f"second:{review.id}:{review.group}",
        subject=f"{review.id}: {decision.by} says yes; it needs your word too",
        text=f"{review.id} of {review.workflow}. Due {review.due_at:%Y-%m-%d %H:%M} UTC.",
        to=review.group,
        case_id=review.case_id,
        review_id=review.id,
    )
    announce(session, contract, news, decision.at)


def _end(session: Session, review: ReviewRow, decision: Decision) -> Decision:
    """Let a decision stand, and ask for its run to be woken."""
    session.execute(
        update(ReviewRow)
        .where(col(ReviewRow.id) == review.id, col(ReviewRow.status) == Status.OPEN)
        .values(status=ENDS_AS[decision.verb], closed_at=decision.at)
    )
    stands = remember(
        session,
        workflow=review.workflow,
        case_id=review.case_id,
        step=decision_step(review.nth),
        fact=decision,
        actor=decision.by,
        at=decision.at,
    )
    run = review.flow_run_id or find_case(session, review.case_id).flow_run_id
    if run:
        ask(
            session,
            ErrandKind.WAKE,
            dedupe=f"wake:{review.id}",
            now=decision.at,
            flow_run_id=run,
            case_id=review.case_id,
            review_id=review.id,
            verb=decision.verb.value,
        )
    return stands


def record_try(
    session: Session, review_id: str, answer: Answer, now: datetime, kind: str = "late_answer"
) -> None:
    """Note an answer that came too late, or was not theirs to give; it changes nothing."""
    review = find_review(session, review_id)
    note(
        session,
        workflow=review.workflow,
        case_id=review.case_id,
        kind=kind,
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
