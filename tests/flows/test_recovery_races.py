"""Recovery reads many runs, one after the other; what moves on meanwhile is left alone."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Running
from prefect.types.entrypoint import EntrypointType

from flows.operations.recovery import recover
from integrations.settings import settings
from tests.flows.poison import poison
from tests.pilot import Pilot

pytestmark = pytest.mark.system

POOL = "nobodys"  # no worker serves it, so nobody else looks after its runs


@pytest.fixture
def run(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> Iterator[UUID]:
    """A run that some worker is at."""
    monkeypatch.setenv("TAXIWAY_WORK_POOL", POOL)
    settings.cache_clear()

    async def start(client: PrefectClient) -> UUID:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        made = await poison.ato_deployment(name=POOL, entrypoint_type=EntrypointType.MODULE_PATH)
        await made.aapply(work_pool_name=POOL)
        deployment = await client.read_deployment_by_name(f"poison/{POOL}")
        flow_run = await client.create_flow_run_from_deployment(
            deployment.id, parameters={"kind": "none"}
        )
        await client.set_flow_run_state(flow_run.id, Running(), force=True)
        return flow_run.id

    yield pilot.prefect(start)
    settings.cache_clear()


def recovered(pilot: Pilot, held: Callable[[UUID], bool]) -> None:
    async def look(client: PrefectClient) -> int:
        return await recover(client, held)

    pilot.prefect(look)


def state(pilot: Pilot, run: UUID) -> StateType | None:
    found = pilot.prefect(lambda client: client.read_flow_run(run)).state
    return found.type if found else None


def test_one_that_nobody_has_is_started_again(pilot: Pilot, run: UUID) -> None:
    recovered(pilot, lambda _: False)
    assert state(pilot, run) is StateType.SCHEDULED


def test_one_that_ended_after_it_was_read_stays_ended(pilot: Pilot, run: UUID) -> None:
    url = pilot.system.state.prefect_api_url

    def ends_now(which: UUID) -> bool:
        if which == run:
            with (
                temporary_settings({PREFECT_API_URL: url}),
                get_client(sync_client=True) as client,
            ):
                client.set_flow_run_state(run, Completed(), force=True)
        return False

    recovered(pilot, ends_now)
    assert state(pilot, run) is StateType.COMPLETED


def test_one_that_was_taken_after_it_was_read_stays_taken(pilot: Pilot, run: UUID) -> None:
    asked: list[UUID] = []

    def taken_late(which: UUID) -> bool:
        asked.append(which)
        return which == run and asked.count(run) > 1

    recovered(pilot, taken_late)
    assert state(pilot, run) is StateType.RUNNING
