"""What people decided is looked up in the CRM, and told from what its own rules did."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from flows.contracts.lead_routing import CONTRACT
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from rollout.case import Case, CaseRow, Ending, close_row
from rollout.compared import Blind, ComparedRow
from rollout.effects import State, intend
from rollout.erasure import erase
from rollout.ledger import recall
from rollout.outcomes import OutcomeRow
from rollout.shadow import STEP, HumanDecision
from tasks.human_decisions import look_for_owners
from tasks.lead_routing import owner_choices, propose_owner
from tasks.outcomes import look_for_reassigned
from tests.rollout.test_effects import meant
from tests.tasks.leads import GOOD, opened, sample_world

__all__ = ["sample_world"]  # a fixture

IDS = {one["email"]: one["id"] for one in samples.crm()["owners"]}
USERS = {one["email"]: one["userId"] for one in samples.crm()["owners"]}
CRM_UI, WORKFLOW = "CRM_UI", "AUTOMATION_PLATFORM"
pytestmark = pytest.mark.usefixtures("sample_world")


async def watched(sample: samples.SampleLead) -> tuple[Case, str, str, str]:
    """A lead that the agent watched two hours ago: its contact, what it said, and another owner."""
    case, lead = await opened(sample)
    made = await propose_owner.fn(case, lead)
    own = made.action.arguments["owner"]
    other = next(one for one in owner_choices(lead)["owner"] if one != own)
    with transaction() as session:
        close_row(session, case.id, Ending.WATCHED, "x", now())
        session.get_one(CaseRow, case.id).opened_at = now() - timedelta(hours=2)
    return case, lead.contact_id, own, other


def said(case: Case) -> HumanDecision | None:
    with transaction() as session:
        return recall(session, case.id, STEP, HumanDecision)


def compared(case: Case) -> list[tuple[str, str]]:
    with transaction() as session:
        rows = session.exec(select(ComparedRow).where(ComparedRow.case_id == case.id)).all()
    return [(row.verdict, row.blind) for row in rows]


async def test_whom_a_person_gave_it_is_compared_with_who_and_when(sample_world: Sandbox) -> None:
    case, contact, own, other = await watched(GOOD[0])
    assert await look_for_owners(CONTRACT) == 0  # nobody has decided yet
    sample_world.assign(contact, IDS[own], source=CRM_UI, user=USERS[other])
    before = now()

    assert await look_for_owners(CONTRACT) == 1
    found = said(case)
    assert found is not None
    assert (found.answer, found.by, found.source) == ({"owner": own}, other, "crm")
    assert abs(before - found.at) < timedelta(seconds=5)
    assert compared(case) == [("equal", Blind.YES)]
    assert await look_for_owners(CONTRACT) == 0


async def test_what_the_crms_own_rules_did_is_no_persons_decision(sample_world: Sandbox) -> None:
    case, contact, own, other = await watched(GOOD[1])
    sample_world.assign(contact, IDS[own], source=WORKFLOW)
    assert await look_for_owners(CONTRACT) == 0
    assert (said(case), compared(case)) == (None, [])

    sample_world.assign(contact, IDS[other], source=CRM_UI, user=1)  # a user whom nobody knows
    sample_world.assign(contact, IDS[own], source=WORKFLOW)
    assert await look_for_owners(CONTRACT) == 1
    found = said(case)
    assert found is not None
    assert (found.answer, found.by) == ({"owner": other}, "crm")
    assert compared(case) == [("different", Blind.YES)]


async def test_what_stood_before_the_agent_read_it_says_nothing(sample_world: Sandbox) -> None:
    case, contact, own, _ = await watched(GOOD[2])
    early: datetime = now() - timedelta(hours=1)
    sample_world.assign(contact, IDS[own], source=CRM_UI, user=1, at=early.timestamp())
    await look_for_owners(CONTRACT)
    assert compared(case) == [("equal", Blind.LEAKED)]


def outcomes(case: Case) -> list[str]:
    with transaction() as session:
        rows = session.exec(select(OutcomeRow).where(OutcomeRow.case_id == case.id)).all()
        return [row.kind for row in rows]


async def test_a_lead_that_somebody_else_owns_later_was_reassigned(sample_world: Sandbox) -> None:
    case, contact, own, other = await watched(GOOD[3])
    sample_world.assign(contact, IDS[own], source=CRM_UI, user=USERS[own])
    await look_for_owners(CONTRACT)
    assert await look_for_reassigned(CONTRACT) == 0

    sample_world.assign(contact, IDS[other], source=CRM_UI, user=USERS[own])
    assert await look_for_reassigned(CONTRACT) == 1
    assert outcomes(case) == ["reassigned"]
    assert await look_for_reassigned(CONTRACT) == 0


async def test_of_what_has_been_erased_nothing_is_looked_for(sample_world: Sandbox) -> None:
    """The agent wrote an owner; the case is erased within the week in which it is watched."""
    case, contact, own, other = await watched(GOOD[4])
    intent = meant(case).model_copy(update={"changes": {"owner": IDS[own]}})
    with transaction() as session:
        effect = intend(session, case, intent, now())
        effect.state, effect.target = State.DONE, f"contact/{contact}"
    sample_world.assign(contact, IDS[other], source=CRM_UI, user=1)
    with transaction() as session:
        erase(session, case.id, by="a test", now=now())

    assert await look_for_reassigned(CONTRACT) == 0
    assert outcomes(case) == []


async def test_what_a_person_gave_back_to_nobody_is_not_decided(sample_world: Sandbox) -> None:
    case, contact, own, _ = await watched(GOOD[5])
    sample_world.assign(contact, IDS[own], source=CRM_UI, user=USERS[own])
    sample_world.assign(contact, "", source=CRM_UI, user=USERS[own])
    assert await look_for_owners(CONTRACT) == 0
    assert said(case) is None
