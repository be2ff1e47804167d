"""Renewal risk in a whole installation: the operating model's own handoff, as it is flown."""

import asyncio
import itertools
import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from sqlalchemy import update
from sqlmodel import col, select

from flows.catalog import full_name
from flows.contracts.renewal_risk import CONTRACT
from flows.operations.watch import look_over
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.settings import settings
from rollout.answers import Answer, Proof, Reason, Verb
from rollout.authority import Authority
from rollout.case import CaseRow, Ending
from rollout.deadlines import Deadline, State, What
from rollout.handoffs import HandoffRow, finish
from rollout.inbox import Arrival
from tasks.decisions import take_answer
from tests.pilot import Pilot, until
from tests.staff import staff

__all__ = ["staff"]  # a fixture

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("staff")]

TOLD = logging.getLogger("test")
NUMBERS = itertools.count(960_000)


def customer(pilot: Pilot, like: str = "Kiefer Optik", **changes: str) -> str:
    """Put a new customer like a sample's into the CRM; give its number."""
    world = samples.customers(now().date())
    old = next(one for one in world if one["properties"]["name"] == like)
    number = str(next(NUMBERS))
    pilot.crm.seed({"companies": [{"id": number, "properties": old["properties"] | changes}]})
    return number


def changed(pilot: Pilot, number: str) -> str:
    return pilot.tell("health.changed", {"account_id": number, "changed_at": now().isoformat()})


def flown(pilot: Pilot, number: str) -> CaseRow:
    return pilot.ended(changed(pilot, number))


def handoff(case: CaseRow, name: str = "at-risk") -> HandoffRow:
    with transaction() as session:
        return session.get_one(HandoffRow, (case.id, name))


def tasks_on(pilot: Pilot, number: str) -> list[dict[str, Any]]:
    return [
        one["content"]["properties"]
        for one in pilot.crm.writes()
        if one["path"].endswith("/tasks") and f'"{number}"' in str(one["content"]).replace("'", '"')
    ]


def approved(pilot: Pilot, number: str) -> CaseRow:
    """Let the plan for a customer be approved by its CSM."""
    event = changed(pilot, number)
    review = pilot.review(event)
    yes = Answer(verb=Verb.APPROVE, by="olga", proof=Proof.HOST, channel="cli")
    take_answer(CONTRACT, review.id, yes)
    return pilot.ended(event)


def test_low_use_and_complaints_are_somebodys_and_after_three_days_the_account_leads(
    pilot: Pilot,
) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot)
    case = approved(pilot, number)
    first = handoff(case)
    (task,) = tasks_on(pilot, number)

    assert (case.ending, first.receiver, first.state) == (Ending.HANDED_OFF, "olga", "offered")
    assert task["hs_task_subject"].startswith(f"[{case.id}] at-risk: take the next step")
    assert "use is at 43%" in task["hs_task_body"]
    assert "4 complaints in 30 days" in task["hs_task_body"]
    assert "Next: A workshop" in task["hs_task_body"]
    assert task["hubspot_owner_id"] == "7031"  # the customer's own manager

    with pilot.without_watch():
        for _ in range(2):  # the second time, it is the account lead's already
            with transaction() as session:
                session.execute(
                    update(Deadline)
                    .where(
                        col(Deadline.ref) == f"{case.id}/at-risk",
                        col(Deadline.what).in_([What.REMIND, What.HAND_ON]),
                        col(Deadline.at) <= first.due_at,
                        col(Deadline.state) == State.AHEAD,
                    )
                    .values(at=now() - timedelta(seconds=1))
                )
            asyncio.run(look_over(TOLD))
    (_, second) = tasks_on(pilot, number)

    assert handoff(case).receiver == "amir"
    assert pilot.facts(case.id).count("hand_on") == 1
    assert second["hubspot_owner_id"] == "7033"
    assert "Nobody before acted by" in second["hs_task_body"]
    with transaction() as session:
        finish(session, f"{case.id}/at-risk", by="amir", now=now())
    assert handoff(case).state == "done"


@pytest.mark.parametrize(
    ("like", "name", "receiver"),
    [
        ("Falken Versand", "legal-words", "legal-desk"),
        ("Morgenrot Energie", "notice-passed", "amir"),
        ("Ostsee Logistik", "no-usage-data", "olga"),
        ("Tannhof Kliniken", "data-conflict", "jule"),
        ("Lindner Werkzeuge", "csm-unassigned", "cs-operations"),
    ],
)
def test_what_figures_cannot_judge_goes_to_people(
    pilot: Pilot, like: str, name: str, receiver: str
) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot, like)
    case = flown(pilot, number)

    assert case.ending == Ending.HANDED_OFF
    assert handoff(case, name).receiver == receiver
    assert len(tasks_on(pilot, number)) == 1


@pytest.mark.parametrize(
    "like", ["Bergmann Druck", "Salzhaus Foods", "Hafenkante Bau", "Weide Textil"]
)
def test_whoever_is_not_at_risk_is_nobodys_task(pilot: Pilot, like: str) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot, like)
    case = flown(pilot, number)

    assert case.ending == Ending.KEPT
    assert not tasks_on(pilot, number)


def test_one_renewal_has_one_case_however_often_it_is_found(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot)
    first = approved(pilot, number)
    with transaction() as session:  # a later change, not the same one sent again
        session.execute(
            update(CaseRow)
            .where(col(CaseRow.id) == first.id)
            .values(opened_at=now() - timedelta(hours=1))
        )
    second = flown(pilot, number)

    assert second.ending == Ending.KEPT
    assert second.because == f"{first.id} has this renewal"
    assert len(tasks_on(pilot, number)) == 1


def test_a_dismissed_risk_marks_nothing(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot)
    event = changed(pilot, number)
    no = Answer(
        verb=Verb.REJECT,
        by="olga",
        proof=Proof.HOST,
        channel="cli",
        reason=Reason.CUSTOMER_CONTEXT,
    )
    take_answer(CONTRACT, pilot.review(event).id, no)
    case = pilot.ended(event)

    assert case.ending == Ending.DECLINED
    assert not tasks_on(pilot, number)
    assert not pilot.effects(case.id)


def test_a_mark_that_somebody_made_meanwhile_stays(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot)
    event = changed(pilot, number)
    review = pilot.review(event)
    by_hand = httpx.patch(
        f"{pilot.system.state.crm_url}/crm/v3/objects/companies/{number}",
        json={"properties": {"taxiway_renewal_risk": "low"}},
        headers={"Authorization": f"Bearer {settings().crm_token.get_secret_value()}"},
    )
    assert by_hand.is_success
    yes = Answer(verb=Verb.APPROVE, by="olga", proof=Proof.HOST, channel="cli")
    take_answer(CONTRACT, review.id, yes)
    case = pilot.ended(event)

    assert "changed by somebody else meanwhile: risk" in (case.because or "")
    assert handoff(case, "not-sent").receiver == "olga"


def test_in_shadow_it_only_says_what_it_would_do(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW, agreed=CONTRACT)
    number = customer(pilot)
    case = flown(pilot, number)

    assert case.ending == Ending.WATCHED
    assert not tasks_on(pilot, number)
    assert "proposal" in pilot.facts(case.id)


def look_by_night(pilot: Pilot, **parameters: object) -> None:
    """Start the nightly look as its schedule does, and wait for its end."""

    async def start(client: PrefectClient) -> UUID:
        found = await client.read_deployment_by_name(full_name("renewal-sweep"))
        run = await client.create_flow_run_from_deployment(found.id, parameters=dict(parameters))
        return run.id

    async def state(client: PrefectClient) -> str:
        run = await client.read_flow_run(run_id)
        return run.state.type.value if run.state else ""

    run_id = pilot.prefect(start)
    until(lambda: pilot.prefect(state) == "COMPLETED", "the nightly look is through")


def found_by_night(pilot: Pilot, number: str) -> int:
    del pilot
    with transaction() as session:
        rows = session.exec(select(Arrival).where(Arrival.source == "sweep")).all()
    return sum(one.ext_id.startswith(f"renewal:{number}:") for one in rows)


def test_one_nightly_run_looks_over_all_and_only_the_risky_have_cases(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW, agreed=CONTRACT)
    risky, sound = customer(pilot), customer(pilot, "Bergmann Druck")
    ids = {"filterGroups": [], "limit": 200, "properties": ["name"]}
    until(lambda: seen(pilot, risky, ids) and seen(pilot, sound, ids), "the index knows both")

    look_by_night(pilot, dry_run=True)
    assert found_by_night(pilot, risky) == 0
    look_by_night(pilot)
    assert found_by_night(pilot, risky) == 1
    assert found_by_night(pilot, sound) == 0
    look_by_night(pilot)
    assert found_by_night(pilot, risky) == 1
    with transaction() as session:
        (event,) = session.exec(
            select(Arrival.id).where(col(Arrival.ext_id).startswith(f"renewal:{risky}:"))
        ).all()
    assert pilot.ended(event).ending == Ending.WATCHED


def seen(pilot: Pilot, number: str, query: dict[str, Any]) -> bool:
    """Whether the CRM's index has a company by now."""
    answer = httpx.post(
        f"{pilot.system.state.crm_url}/crm/v3/objects/companies/search",
        json=query,
        headers={"Authorization": f"Bearer {settings().crm_token.get_secret_value()}"},
    )
    return any(one["id"] == number for one in answer.json()["results"])
