"""Two dispatchers at the same outbox: each event has one run, whoever carries its errand."""

import asyncio
import threading
from collections import Counter

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlmodel import select

from flows.doors.dispatcher import carry, dispatch
from integrations.database import transaction
from rollout.authority import Authority
from rollout.case import Ending
from rollout.inbox import Errand, ErrandKind
from tests.flows.test_lead_routing import sample
from tests.pilot import Pilot

pytestmark = pytest.mark.system

MANY = 8


def errands_of(events: list[str]) -> list[Errand]:
    with transaction() as session:
        found = session.exec(select(Errand).where(Errand.kind == ErrandKind.START)).all()
    return [one for one in found if one.payload["inbox_id"] in events]


def runs_of(pilot: Pilot, events: list[str]) -> Counter[str]:
    """Count the runs that there are for each event."""

    async def read(client: PrefectClient) -> list[FlowRun]:
        return await client.read_flow_runs(limit=200)

    found = [run.parameters.get("inbox_id", "") for run in pilot.prefect(read)]
    return Counter(one for one in found if one in events)


def test_each_event_has_one_run_and_one_write(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    forms = [pilot.lead(sample("good")) for _ in range(MANY)]
    over = threading.Event()

    async def second() -> None:
        with temporary_settings({PREFECT_API_URL: pilot.system.state.prefect_api_url}):
            async with get_client() as client:
                while not over.is_set():
                    await dispatch(client)
                    await asyncio.sleep(0.01)

    other = threading.Thread(target=lambda: asyncio.run(second()))
    other.start()
    events = [pilot.send(form) for form in forms]
    ends = [pilot.ended(event).ending for event in events]
    over.set()
    other.join(30)

    async def late(client: PrefectClient) -> None:
        for errand in errands_of(events):  # one that slept with its list in hand
            await carry(client, errand)

    pilot.prefect(late)

    assert set(ends) == {Ending.ACTED}
    assert runs_of(pilot, events) == dict.fromkeys(events, 1)
    written = [
        [one["path"] for one in pilot.writes_to(form["contact_id"]) if "owner" in str(one)]
        for form in forms
    ]
    assert [len(one) for one in written] == [1] * MANY
    assert len(errands_of(events)) == MANY
