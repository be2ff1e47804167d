"""Storing a question to a person, with its deadlines, before anybody is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prefect.runtime import flow_run
from sqlmodel import Session

from integrations.clock import now
from integrations.database import transaction
from rollout.approvals import need_of, stake_of
from rollout.case import AGENT, Case, Proposal
from rollout.contract import UNANSWERED, Contract, Leg
from rollout.deadlines import Kind, Line, plan
from rollout.errors import ContractBroken
from rollout.ledger import note, remember
from rollout.people import read_directory
from rollout.planted import PLANTED, STEP
from rollout.reviews import ReviewRow
from rollout.rights import Ruling
from tasks.cases import PROPOSAL, TAXIWAY


@dataclass(frozen=True)
class Question:
    """What is asked: a proposal, why a person must see it, and what they may set instead."""

    proposal: Proposal
    ruling: Ruling
    choices: Mapping[str, Sequence[str]]
    edited_by: str = ""  #: whose change it is that is to be approved


def open_review(case: Case, question: Question, nth: int) -> ReviewRow:
    """Store a case's nth question, once, and give it as it stands."""
    moment = now()
    with transaction() as session:
        stands: ReviewRow | None = session.get(ReviewRow, f"R-{case.id}-{nth}")
        if stands is not None:
            return stands
        review = _row(case, question, nth, moment)
        if review.step != PROPOSAL:
            remember(
                session,
                workflow=case.workflow,
                case_id=case.id,
                step=review.step,
                fact=question.proposal,
                actor=question.edited_by or TAXIWAY,
                at=moment,
            )
        review.due_at = _plan(session, case, review, moment)
        session.add(review)
        note(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=f"review-{nth}",
            kind="review",
            actor="taxiway",
            at=moment,
            fields={
                "review": review.id,
                "group": review.group,
                "hash": review.action_hash,
                "due_at": review.due_at.isoformat(),
            },
        )
    return review


def _row(case: Case, question: Question, nth: int, moment: datetime) -> ReviewRow:
    action = question.proposal.action
    need = need_of(case.contract, action)
    if need is None:
        raise ContractBroken(f"{case.id}: nobody may approve {action.name} of that amount")
    return ReviewRow(
        id=f"R-{case.id}-{nth}",
        case_id=case.id,
        workflow=case.workflow,
        nth=nth,
        step=STEP if question.proposal.decided_by == PLANTED else f"proposal-{nth}",
        action_hash=action.hash,
        group=need.by[0],
        because=question.ruling.because,
        choices={field: list(values) for field, values in question.choices.items()},
        flow_run_id=flow_run.id,
        edited_by=question.edited_by,
        blind=_is_blind(case, question, nth),
        tier=case.contract.risk_tier,
        stake_minor=stake_of(case.contract.action(action.name), action),
        opened_at=moment,
        due_at=moment,
    )


def _is_blind(case: Case, question: Question, nth: int) -> bool:
    """Whether it is to be answered before the proposal is shown: where the answer can be given."""
    placed_so = case.placement is not None and case.placement.blind
    proposal = question.proposal
    fields = set(proposal.action.arguments) & set(question.choices)
    return placed_so and nth == 1 and proposal.decided_by == AGENT and bool(fields)


def _plan(session: Session, case: Case, review: ReviewRow, start: datetime) -> datetime:
    """Store the moments of a question's line; gives when the first one's time is over."""
    line = Line(
        (Leg(review.group, case.contract.review_within), *case.contract.review_then),
        _after_silence(case.contract),
    )
    return plan(
        session,
        read_directory(session),
        line,
        kind=Kind.REVIEW,
        ref=review.id,
        case_id=case.id,
        workflow=case.workflow,
        start=start,
    ).due_at


def _after_silence(contract: Contract) -> str:
    """Name who has a case when nobody decides."""
    handoff = contract.exception(UNANSWERED)
    return handoff.to if handoff else contract.owners.process
