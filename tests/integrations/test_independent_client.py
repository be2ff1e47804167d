"""HubSpot's own published client does with the sandbox what our connector does."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hubspot import HubSpot as TheirClient
from hubspot.crm.associations.v4 import AssociationSpec
from hubspot.crm.companies import SimplePublicObjectInputForCreate as CompanyInput
from hubspot.crm.contacts import (
    ApiException,
    BatchInputSimplePublicObjectBatchInputUpsert,
    Filter,
    FilterGroup,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectInput,
)
from hubspot.crm.contacts import SimplePublicObjectInputForCreate as ContactInput
from hubspot.crm.objects.tasks import SimplePublicObjectInputForCreate as TaskInput

from integrations.hubspot import HubSpot
from integrations.hubspot_writes import contact_upsert, owner_patch, task_creation
from integrations.sandbox.client import Sandbox
from tests.pilot import until
from tests.sandbox import TOKEN

DUE = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def theirs(sandbox_url: str, sandbox: Sandbox) -> TheirClient:
    del sandbox
    client = TheirClient(access_token=TOKEN)
    client.config["host"] = sandbox_url
    return client


def address() -> str:
    return f"{uuid4().hex}@client.example"


async def test_what_they_create_we_read(theirs: TheirClient, crm: HubSpot) -> None:
    email = address()
    words = {"email": email, "company": "Nine", "country": "DE", "numemployees": "120"}
    made = theirs.crm.contacts.basic_api.create(ContactInput(properties=words))
    contact = await crm.read_contact(made.id)

    assert (contact.email, contact.company, contact.employees) == (email, "Nine", 120)


async def test_the_owner_that_we_set_is_the_one_that_they_see(
    theirs: TheirClient, crm: HubSpot
) -> None:
    await crm.send(*owner_patch("5", "3", "fits"))
    seen = theirs.crm.contacts.basic_api.get_by_id(
        "5", properties=["hubspot_owner_id", "taxiway_routing_reason"]
    )
    assert seen.properties["hubspot_owner_id"] == "3"
    assert seen.properties["taxiway_routing_reason"] == "fits"

    change = SimplePublicObjectInput(properties={"hubspot_owner_id": "4"})
    theirs.crm.contacts.basic_api.update("5", change)
    assert await crm.read_owner_of("5") == "4"


async def test_both_read_how_a_contact_came_by_its_owner(
    theirs: TheirClient, crm: HubSpot, sandbox: Sandbox
) -> None:
    await crm.send(*owner_patch("5", "3", "fits"))
    sandbox.assign("5", "4", source="CRM_UI", user=77)
    seen = theirs.crm.contacts.basic_api.get_by_id(
        "5", properties_with_history=["hubspot_owner_id"]
    )
    their = seen.properties_with_history["hubspot_owner_id"][:2]
    ours = (await crm.read_assigned("5"))[:2]

    assert [(one.value, one.source_type) for one in their] == [
        ("4", "CRM_UI"),
        ("3", "INTEGRATION"),
    ]
    assert [(one.owner_id, one.by_person, one.user_id) for one in ours] == [
        ("4", True, 77),
        ("3", False, None),
    ]
    assert [one.at for one in ours] == [one.timestamp for one in their]


async def test_both_read_the_same_owners(theirs: TheirClient, crm: HubSpot) -> None:
    page = theirs.crm.owners.owners_api.get_page(limit=500)

    assert [one.id for one in page.results] == [one.id for one in await crm.owners()]


def test_they_turn_the_same_pages(theirs: TheirClient) -> None:
    for _ in range(3):
        theirs.crm.companies.basic_api.create(CompanyInput(properties={"name": uuid4().hex}))
    ids, after = [], None
    while True:
        page = theirs.crm.companies.basic_api.get_page(limit=2, after=after)
        ids += [one.id for one in page.results]
        if page.paging is None:
            break
        after = page.paging.next.after

    assert len(ids) == len(set(ids)) >= 4


async def test_a_task_of_ours_is_found_and_linked_for_them(
    theirs: TheirClient, crm: HubSpot
) -> None:
    subject = f"[{uuid4().hex}] decide"
    task = await crm.send(
        *task_creation(subject=subject, body="b", due=DUE, kind="contact", record="5")
    )
    seen = theirs.crm.objects.tasks.basic_api.get_by_id(
        task, properties=["hs_task_subject"], associations=["contacts"]
    )

    assert seen.properties["hs_task_subject"] == subject
    assert [one.id for one in seen.associations["contacts"].results] == ["5"]


async def test_a_task_of_theirs_is_found_by_us(theirs: TheirClient, crm: HubSpot) -> None:
    subject = f"[{uuid4().hex}] decide"
    words = {"hs_task_subject": subject, "hs_timestamp": DUE.isoformat()}
    made = theirs.crm.objects.tasks.basic_api.create(TaskInput(properties=words))
    deadline = time.monotonic() + 5
    while not (found := await crm.find_tasks(subject)) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)  # the index lags, by the sandbox's own setting
    assert found == [made.id]

    theirs.crm.objects.tasks.basic_api.archive(made.id)
    assert not await crm.has_task(made.id)


def test_their_search_sees_a_contact_once_the_index_has_caught_up(theirs: TheirClient) -> None:
    email = address()
    theirs.crm.contacts.basic_api.create(ContactInput(properties={"email": email}))
    wanted = PublicObjectSearchRequest(
        filter_groups=[
            FilterGroup(filters=[Filter(property_name="email", operator="EQ", value=email)])
        ],
        properties=["email"],
        limit=10,
        after="0",
        sorts=[],
    )

    until(lambda: theirs.crm.contacts.search_api.do_search(wanted).total == 1, "it is found", 5)


async def test_an_upsert_of_theirs_and_one_of_ours_are_one_contact(
    theirs: TheirClient, crm: HubSpot, sandbox: Sandbox
) -> None:
    email = address()
    one = SimplePublicObjectBatchInputUpsert(
        id=email, id_property="email", properties={"company": "Theirs"}
    )
    batch = BatchInputSimplePublicObjectBatchInputUpsert(inputs=[one])
    (made,) = theirs.crm.contacts.batch_api.upsert(batch).results
    ours = await crm.send(*contact_upsert(email, {"company": "Ours"}))

    assert ours == made.id
    same = [one for one in sandbox.objects("contacts") if one["properties"].get("email") == email]
    assert [one["properties"]["company"] for one in same] == ["Ours"]


def test_a_link_of_theirs_is_seen(theirs: TheirClient) -> None:
    company = theirs.crm.companies.basic_api.create(CompanyInput(properties={"name": "Ten"}))
    kind = AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=1)
    theirs.crm.associations.v4.basic_api.create("contacts", "5", "companies", company.id, [kind])
    seen = theirs.crm.contacts.basic_api.get_by_id("5", associations=["companies"])

    assert company.id in [one.id for one in seen.associations["companies"].results]


@pytest.mark.parametrize(
    ("do", "status"), [("status", 429), ("status", 503)], ids=["too many", "away"]
)
def test_they_are_told_what_we_are_told(
    theirs: TheirClient, sandbox: Sandbox, do: str, status: int
) -> None:
    sandbox.fault(do=do, method="GET", path="/contacts/5$", status=status, times=20)
    with pytest.raises(ApiException) as told:
        theirs.crm.contacts.basic_api.get_by_id("5")
    sandbox.works_again()

    assert told.value.status == status


def test_a_property_that_nobody_made_is_refused_with_its_name(theirs: TheirClient) -> None:
    with pytest.raises(ApiException, match="PROPERTY_DOESNT_EXIST") as told:
        theirs.crm.contacts.basic_api.update(
            "5", SimplePublicObjectInput(properties={"no_such": "x"})
        )
    assert told.value.status == 400
