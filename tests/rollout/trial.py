"""A case of its own for each test, in the shared database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlmodel import Session

from flows.contracts.lead_routing import CONTRACT
from rollout.answers import Answer, Proof, Verb
from rollout.authority import Arm, Authority, Placement
from rollout.case import Action, Case, Proposal, open_row
from rollout.contract import Contract
from rollout.ledger import remember
from rollout.reviews import ReviewRow

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
OWNERS = ("mira@x.example", "jonas@x.example")


def contract(workflow: str | None = None) -> Contract:
    """Lead routing's agreement, for a workflow that no other test knows unless it is named."""
    return replace(CONTRACT, workflow=workflow or f"trial-{uuid4().hex[:12]}")


def action(owner: str = OWNERS[0]) -> Action:
    return Action(name="crm.contact.owner", target="contact/1", arguments={"owner": owner})


def proposal() -> Proposal:
    return Proposal(action=action(), reason="fits", confidence=0.9, data_confidence=1, release="r")


def a_case(session: Session, agreed: Contract, placed: Authority = Authority.LIMITED) -> Case:
    row = open_row(
        session,
        prefix="T",
        workflow=agreed.workflow,
        version=agreed.version,
        dedupe=uuid4().hex,
        inbox_id=uuid4().hex,
        now=WHEN,
    )
    return Case(
        id=row.id,
        contract=agreed,
        contract_version=agreed.version,
        inbox_id=row.inbox_id,
        opened_at=WHEN,
        placement=Placement(authority=placed, arm=Arm.EVERYONE, because="a trial"),
    )


def a_review(session: Session, case: Case) -> ReviewRow:
    remember(
        session,
        workflow=case.workflow,
        case_id=case.id,
        step="proposal-1",
        fact=proposal(),
        actor="agent",
        at=WHEN,
    )
    review = ReviewRow(
        id=f"R-{case.id}-1",
        case_id=case.id,
        workflow=case.workflow,
        nth=1,
        step="proposal-1",
        action_hash=action().hash,
        group="sales-desk",
        because="only recommends",
        choices={"owner": list(OWNERS)},
        flow_run_id=str(uuid4()),
        opened_at=WHEN,
        due_at=WHEN + timedelta(hours=4),
    )
    session.add(review)
    session.flush()
    return review


def answer(verb: Verb = Verb.APPROVE, by: str = "karim", **more: object) -> Answer:
    fields: Mapping[str, object] = {
        "verb": verb,
        "by": by,
        "proof": Proof.HOST,
        "channel": "cli",
        "comment": "seen",
        **more,
    }
    return Answer.model_validate(fields)
