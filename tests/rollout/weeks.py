"""Weeks of watched cases, and what people decided on them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session

from rollout.authority import Arm, Authority, Placement
from rollout.case import Case, Ending, Evidence, close_row
from rollout.contract import Contract
from rollout.ledger import note_next, remember
from rollout.people import read_directory
from rollout.rehearsals import expected, rehearse
from rollout.shadow import HumanDecision, take_human_decision
from tests.rollout.trial import OWNERS, WHEN, a_case, proposal

HUMANS = (*OWNERS, "lea@x.example")
SEEN = Evidence(
    field="country",
    value="DE",
    source="crm",
    record="contact/1",
    retrieved_at=WHEN,
    trusted=True,
    points=0.2,
    says="the country",
)


def watched(
    session: Session,
    agreed: Contract,
    owner: str,
    at: datetime,
    placed: Authority = Authority.SHADOW,
    *,
    said: Mapping[str, object] | None = None,
    asked: bool = True,
) -> Case:
    """A case that the agent only watched, with its proposal, of which `said` is different."""
    case = a_case(session, agreed, Authority.SHADOW)
    made = proposal()
    action = made.action.model_copy(update={"arguments": {"owner": owner}})
    made = made.model_copy(update={"action": action, "evidence": (SEEN,), **(said or {})})
    if asked:
        note_next(
            session,
            workflow=case.workflow,
            case_id=case.id,
            kind="asked",
            actor="taxiway",
            at=at,
            fields={"release": made.release},
        )
    for step, fact in (
        ("placement", Placement(authority=placed, arm=Arm.EVERYONE, because="x")),
        ("proposal-1", made),
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


def all_rehearsed(session: Session, agreed: Contract, at: datetime = WHEN) -> None:
    """Let the people who would have to act walk through every exception."""
    group = read_directory(session).groups.get(agreed.owners.process)
    by = group.members[0] if group else agreed.owners.process
    rehearse(session, agreed, expected(agreed), by=by, because="at a table", now=at)


def weeks(
    session: Session,
    agreed: Contract,
    *,
    n: int = 120,
    days: float = 14,
    wrong: int = 0,
    start: datetime = WHEN,
    rehearsed: bool = True,
) -> datetime:
    """Let people decide on many watched cases over some days; gives the moment of the last one."""
    at = start
    if rehearsed:
        all_rehearsed(session, agreed, start)
    for one in range(n):
        at = start + timedelta(days=days) * one / (n - 1) + timedelta(hours=1)
        human = HUMANS[one % 3]
        owner = HUMANS[(one + 1) % 3] if one < wrong else human
        case = watched(session, agreed, owner, at - timedelta(minutes=30))
        take_human_decision(session, agreed, case.id, decided(human, at), at)
    return at
