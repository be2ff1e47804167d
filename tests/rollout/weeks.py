"""Weeks of watched cases, and what people decided on them."""

from datetime import datetime, timedelta

from sqlmodel import Session

from rollout.authority import Arm, Authority, Placement
from rollout.case import Case, Ending, close_row
from rollout.contract import Contract
from rollout.ledger import remember
from rollout.shadow import HumanDecision, take_human_decision
from tests.rollout.trial import OWNERS, WHEN, a_case, proposal

HUMANS = (*OWNERS, "lea@x.example")


def watched(
    session: Session,
    agreed: Contract,
    owner: str,
    at: datetime,
    placed: Authority = Authority.SHADOW,
) -> Case:
    """A case that the agent only watched, with its proposal."""
    case = a_case(session, agreed, Authority.SHADOW)
    said = proposal()
    said = said.model_copy(
        update={"action": said.action.model_copy(update={"arguments": {"owner": owner}})}
    )
    for step, fact in (
        ("placement", Placement(authority=placed, arm=Arm.EVERYONE, because="x")),
        ("proposal-1", said),
    ):
        remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=step,
            fact=fact,
            actor="agent",
            at=at,
        )
    close_row(session, case.id, Ending.WATCHED, "watched", at)
    return case


def decided(owner: str, at: datetime) -> HumanDecision:
    return HumanDecision(answer={"owner": owner}, by="karim", at=at, source="csv")


def weeks(
    session: Session,
    agreed: Contract,
    *,
    n: int = 120,
    days: float = 14,
    wrong: int = 0,
    start: datetime = WHEN,
) -> datetime:
    """Let people decide on many watched cases over some days; gives the moment of the last one."""
    at = start
    for one in range(n):
        at = start + timedelta(days=days) * one / (n - 1) + timedelta(hours=1)
        human = HUMANS[one % 3]
        owner = HUMANS[(one + 1) % 3] if one < wrong else human
        case = watched(session, agreed, owner, at - timedelta(minutes=30))
        take_human_decision(session, agreed, case.id, decided(human, at), at)
    return at
