"""Events as they really come: the CRM's lists of numbers, and what the sweep finds."""

import base64
import hmac
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import httpx
import pytest
from prefect.client.schemas.objects import StateType
from sqlmodel import select

from flows.catalog import full_name
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority
from rollout.case import CaseRow, Ending
from rollout.inbox import Arrival
from rollout.lead_routing import Lead
from rollout.ledger import recall
from tests.flows.test_lead_routing import sample
from tests.pilot import CRM_KEY, Form, Pilot, until

pytestmark = pytest.mark.system


def made(contact: str, event: int, attempt: int = 0, **more: object) -> dict[str, Any]:
    """One of HubSpot's events, as it documents them."""
    return {
        "eventId": event,
        "subscriptionId": 12,
        "portalId": 62515,
        "appId": 54321,
        "occurredAt": int(now().timestamp() * 1000) // 60_000 * 60_000,
        "subscriptionType": "contact.creation",
        "attemptNumber": attempt,
        "objectId": int(contact),
        "changeFlag": "CREATED",
        "changeSource": "IMPORT",
        **more,
    }


def deliver(pilot: Pilot, events: Sequence[object], key: str = CRM_KEY) -> httpx.Response:
    """Send a list of events as HubSpot signs it."""
    url = f"{pilot.system.state.hooks_url}/hooks/crm"
    body, at = json.dumps(events).encode(), str(int(now().timestamp() * 1000))
    proof = hmac.new(key.encode(), b"POST" + url.encode() + body + at.encode(), sha256).digest()
    headers = {
        "X-HubSpot-Signature-v3": base64.b64encode(proof).decode(),
        "X-HubSpot-Request-Timestamp": at,
    }
    return httpx.post(url, content=body, headers=headers)


def test_an_event_that_names_only_a_contact_is_read_and_routed(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    form = pilot.lead()
    answer = deliver(pilot, [made(form["contact_id"], 1)])
    assert answer.status_code == 202
    case = pilot.ended(answer.json()["id"])
    with transaction() as session:
        lead = recall(session, case.id, "lead", Lead)

    assert lead is not None
    assert (lead.email, lead.submission.form_type) == (form["email"], form["form_type"])
    assert (case.ending, bool(pilot.crm.owner_of(form["contact_id"]))) in {
        (Ending.ACTED, True),
        (Ending.WATCHED, False),
    }


def test_each_event_of_a_list_is_kept_and_known_ones_are_told(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    one, two = (pilot.lead()["contact_id"] for _ in range(2))
    first = deliver(pilot, [made(one, 2), made(two, 3), made(one, 4, subscriptionType="x.y")])
    again = deliver(pilot, [made(one, 2, attempt=1), made(two, 3, attempt=1)])

    assert (first.status_code, again.status_code) == (202, 200)
    assert [event["status"] for event in first.json()["events"]] == ["accepted"] * 2
    assert [event["id"] for event in again.json()["events"]] == [
        event["id"] for event in first.json()["events"]
    ]
    assert len({pilot.ended(event["id"]).id for event in first.json()["events"]}) == 2


@pytest.mark.parametrize(
    ("events", "status", "says"),
    [
        ([made("1", 5, subscriptionType="contact.deletion")], 200, "ignored"),
        ([], 200, "ignored"),
        ({"objectId": 1}, 400, "not a list of events"),
        ([1], 400, "not a list of events"),
        ([made("1", 6, objectId="many")], 422, "wrong fields"),
        ([made("1", n) for n in range(101)], 413, "more than 100"),
    ],
    ids=["another kind", "nothing", "no list", "no events", "wrong", "too many"],
)
def test_what_is_no_event_of_ours_keeps_nothing(
    pilot: Pilot, events: Sequence[object], status: int, says: str
) -> None:
    with transaction() as session:
        before = len(session.exec(select(Arrival.id)).all())
    answer = deliver(pilot, events)

    assert (answer.status_code, says in answer.text) == (status, True)
    with transaction() as session:
        assert len(session.exec(select(Arrival.id)).all()) == before


def test_another_key_is_refused(pilot: Pilot) -> None:
    assert deliver(pilot, [made("1", 7)], key="another").status_code == 401


def test_an_event_about_a_contact_that_is_gone_ends_as_gone(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    case = pilot.ended(deliver(pilot, [made("999999999", 8)]).json()["id"])

    assert (case.ending, case.because) == (Ending.GONE, "the CRM has no such contact any more")
    assert pilot.facts(case.id) == ["opened", "lead", "ending"]


def test_the_form_and_the_crms_event_about_one_person_are_one_case(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    form = pilot.lead()
    first = pilot.ended(pilot.send(form))
    second = pilot.case(deliver(pilot, [made(form["contact_id"], 9)]).json()["id"])

    assert second.id == first.id


# The sweep


def sweep(pilot: Pilot, **parameters: object) -> dict[str, int]:
    """Run the sweep as the Prefect UI does, and give what it says."""
    name = "lead-sweep"
    run = pilot.prefect(lambda client: start(client, name, parameters))

    def over() -> Any:
        found = pilot.prefect(lambda client: client.read_flow_run(run.id))
        return found.state if found.state and found.state.is_final() else None

    state = until(over, "the sweep has ended")
    assert state.type is StateType.COMPLETED, state.message
    return case_count()


async def start(client: Any, name: str, parameters: dict[str, object]) -> Any:
    deployment = await client.read_deployment_by_name(full_name(name))
    return await client.create_flow_run_from_deployment(deployment.id, parameters=parameters)


def case_count() -> dict[str, int]:
    with transaction() as session:
        sources = session.exec(select(Arrival.source)).all()
    return {"sweep": sources.count("sweep")}


def unrouted(pilot: Pilot) -> list[Form]:
    """Leads in the CRM of which no event ever told."""
    return [pilot.lead(one) for one in samples.leads()[:3]]


def test_the_sweep_opens_the_cases_that_no_event_told_of_once(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    sweep(pilot, since=1, limit=10_000)  # what other tests left lying
    missed = unrouted(pilot)
    known = pilot.lead(sample("good"))
    pilot.ended(pilot.send(known))
    before = case_count()["sweep"]
    until(lambda: len(found(pilot, missed)) == 3, "the index has seen them")

    assert sweep(pilot, since=1, dry_run=True)["sweep"] == before
    assert sweep(pilot, since=1, limit=2)["sweep"] == before + 2
    assert sweep(pilot, since=1)["sweep"] == before + 3
    assert sweep(pilot, since=1)["sweep"] == before + 3
    until(lambda: len(cases_of(missed)) == 3, "each has a case")


def found(pilot: Pilot, forms: list[Form]) -> set[str]:
    wanted = {form["contact_id"] for form in forms}
    query = {
        "filterGroups": [
            {"filters": [{"propertyName": "hs_object_id", "operator": "IN", "values": [*wanted]}]}
        ]
    }
    answer = httpx.post(
        f"{pilot.system.state.crm_url}/crm/v3/objects/contacts/search",
        json=query,
        headers={"Authorization": f"Bearer {pilot.system.state.crm_token}"},
    )
    return {one["id"] for one in answer.json()["results"]}


def cases_of(forms: list[Form]) -> list[CaseRow]:
    wanted = {form["contact_id"] for form in forms}
    with transaction() as session:
        rows = session.exec(select(CaseRow, Arrival).where(Arrival.case_id == CaseRow.id)).all()
    return [case for case, event in rows if any(one in event.body.decode() for one in wanted)]
