"""Cases that people decided in a review: before the proposal was shown, or after it."""

from datetime import datetime, timedelta

from sqlmodel import Session

from rollout.answers import Reason, Verb
from rollout.authority import Arm, Authority, Placement
from rollout.case import Case
from rollout.contract import Contract
from rollout.deciding import decide_on
from rollout.decisions import Decision
from rollout.ledger import remember
from rollout.reviews import ReviewRow
from rollout.shadow import take_review
from tests.rollout.trial import OWNERS, a_case, a_review, answer

HOUR = timedelta(hours=1)


def asked(
    session: Session, agreed: Contract, *, blind: bool = False, segment: str = "SMB"
) -> tuple[Case, ReviewRow]:
    """A case in recommend, with its question to a person."""
    case = a_case(session, agreed, Authority.RECOMMEND)
    remember(
        session,
        workflow=case.workflow,
        case_id=case.id,
        step="placement",
        fact=Placement(
            authority=Authority.RECOMMEND,
            arm=Arm.EVERYONE,
            because="x",
            segment=segment,
            blind=blind,
        ),
        actor="taxiway",
        at=case.opened_at,
    )
    review = a_review(session, case)
    review.blind = blind
    session.add(review)
    session.flush()
    return case, review


def said(
    session: Session, agreed: Contract, review: ReviewRow, at: datetime, **more: object
) -> Decision:
    """What a person answers, kept as evidence too."""
    stands = decide_on(session, agreed, review.id, answer(**more), at)  # type: ignore[arg-type] # fields of an answer
    assert isinstance(stands, Decision)
    take_review(session, agreed, stands, at)
    return stands


def blind(
    session: Session, agreed: Contract, at: datetime, *, agrees: bool = True, segment: str = "SMB"
) -> Case:
    """A person answers before the proposal is shown: the same owner, or another."""
    case, review = asked(session, agreed, blind=True, segment=segment)
    owner = OWNERS[0] if agrees else OWNERS[1]
    said(session, agreed, review, at, verb=Verb.EDIT, edit={"owner": owner})
    return case


def shown(
    session: Session, agreed: Contract, at: datetime, *, taken: bool = True, segment: str = "SMB"
) -> Case:
    """A person answers what is shown: yes, or no for the agent's own error."""
    case, review = asked(session, agreed, segment=segment)
    if taken:
        said(session, agreed, review, at)
    else:
        said(session, agreed, review, at, verb=Verb.REJECT, reason=Reason.WRONG_DECISION)
    return case


def month(
    session: Session,
    agreed: Contract,
    start: datetime,
    *,
    n: int = 150,
    wrong: int = 0,
    refused: int = 0,
    days: float = 20,
) -> datetime:
    """Let people decide on many cases, each second one blind; gives the moment of the last."""
    at = start
    for one in range(n):
        at = start + timedelta(days=days) * one / (n - 1) + HOUR
        blind(session, agreed, at, agrees=one >= wrong)
        shown(session, agreed, at, taken=one >= refused)
    return at
