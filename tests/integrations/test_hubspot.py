"""The CRM's connector against the sandbox, over real HTTP."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from integrations.errors import NotFound, Refused, Unavailable
from integrations.hubspot import HubSpot
from integrations.hubspot_writes import owner_patch, task_creation
from integrations.sandbox.client import Sandbox
from tests.sandbox import TOKEN

DUE = datetime(2026, 11, 2, 9, tzinfo=UTC)


async def test_a_contact_is_read_with_its_company(crm: HubSpot) -> None:
    contact = await crm.read_contact("5")

    assert (contact.email, contact.company_id) == ("five@nine.example", "9")
    assert (await crm.read_company("9")).employees == 120


async def test_every_page_of_owners_is_read(sandbox: Sandbox, crm: HubSpot) -> None:
    sandbox.seed({"owners": [{"id": str(n), "email": f"{n}@x.ex"} for n in range(100, 340)]})

    assert len(await crm.owners()) >= 240


async def test_a_patch_sets_the_owner_and_says_why(crm: HubSpot, sandbox: Sandbox) -> None:
    await crm.send(*owner_patch("5", "3", "covers the country"))

    assert await crm.read_owner_of("5") == "3"
    assert sandbox.objects("contacts")[0]["properties"]["taxiway_routing_reason"]


async def test_search_finds_a_task_only_after_its_lag(crm: HubSpot) -> None:
    built = task_creation(
        subject="[L-9] unsure: decide", body="b", due=DUE, kind="contact", record="5"
    )
    made = await crm.send(*built)

    assert await crm.find_tasks("[L-9] unsure: decide") == []
    async with asyncio.timeout(5):
        while not (found := await crm.find_tasks("[L-9] unsure: decide")):
            await asyncio.sleep(0.05)
    assert found == [made]


async def test_a_contact_that_is_gone_is_told(crm: HubSpot) -> None:
    with pytest.raises(NotFound, match="OBJECT_NOT_FOUND"):
        await crm.read_contact("404404")


async def test_an_unknown_owner_is_refused_by_field(crm: HubSpot) -> None:
    with pytest.raises(Refused, match="hubspot_owner_id: INVALID_OWNER_ID"):
        await crm.send(*owner_patch("5", "999999", "x"))


async def test_a_wrong_token_is_refused(sandbox: Sandbox, sandbox_url: str) -> None:
    del sandbox
    stranger = HubSpot.at(sandbox_url, "wrong")

    with pytest.raises(Refused, match="401"):
        await stranger.owners()
    await stranger.close()


async def test_a_server_error_on_a_read_is_for_later(crm: HubSpot, sandbox: Sandbox) -> None:
    sandbox.fault(do="status", method="GET", status=500)

    with pytest.raises(Unavailable, match="answered 500"):
        await crm.read_contact("5")


@pytest.mark.parametrize("do", ["reset_after_apply", "truncate", "status_after_apply"])
async def test_a_write_without_an_answer_is_uncertain(
    crm: HubSpot, sandbox: Sandbox, do: str
) -> None:
    sandbox.fault(do=do, method="PATCH", status=500)

    with pytest.raises(Unavailable) as later:
        await crm.send(*owner_patch("5", "2", "x"))

    assert later.value.sent is None
    assert sandbox.owner_of("5") == "2"


async def test_a_429_is_waited_out(crm: HubSpot, sandbox: Sandbox) -> None:
    sandbox.fault(do="status", status=429, times=1, headers={"Retry-After": "1"})

    assert (await crm.read_contact("5")).id == "5"


async def test_without_a_server_a_write_surely_was_not_made() -> None:
    nowhere = HubSpot.at("http://127.0.0.1:9", TOKEN, timeout=1)

    with pytest.raises(Unavailable) as later:
        await nowhere.send(*owner_patch("5", "2", "x"))
    await nowhere.close()

    assert later.value.sent is False


def test_the_sandbox_counts_what_reached_it(sandbox: Sandbox, sandbox_url: str) -> None:
    before = len(sandbox.requests())
    httpx.get(f"{sandbox_url}/crm/v3/owners", headers={"Authorization": f"Bearer {TOKEN}"})
    httpx.get(f"{sandbox_url}/crm/v3/owners")

    assert [one["status"] for one in sandbox.requests()[before:]] == [200, 401]


def test_the_sandbox_knows_no_idempotency_keys(sandbox: Sandbox, sandbox_url: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "same"}
    body = {"properties": {"hs_task_subject": "twice"}}
    for _ in range(2):
        httpx.post(f"{sandbox_url}/crm/v3/objects/tasks", json=body, headers=headers)

    twice = [one for one in sandbox.objects("tasks") if one["properties"] == body["properties"]]
    assert len(twice) == 2


def test_two_contacts_cannot_share_an_address(sandbox: Sandbox, sandbox_url: str) -> None:
    del sandbox
    answer = httpx.post(
        f"{sandbox_url}/crm/v3/objects/contacts",
        json={"properties": {"email": "FIVE@nine.example"}},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )

    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
