"""A run that breaks, hangs or wants to end the process stops no lane."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import StateType
from prefect.types.entrypoint import EntrypointType

from tests.flows.poison import poison
from tests.pilot import Pilot, until

pytestmark = pytest.mark.system

POOL = "one-lane"


@pytest.fixture(scope="module")
def worker(pilot: Pilot) -> Iterator[subprocess.Popen[bytes]]:
    """A warm worker of its own with one lane, which gives up after three seconds."""
    ready = pilot.system.home / "one-lane.ready"
    own = {
        "TAXIWAY_WORK_POOL": POOL,
        "TAXIWAY_LANES": "1",
        "TAXIWAY_RUN_SECONDS": "3",
        "TAXIWAY_MAX_RERUNS": "0",
        "TAXIWAY_READY_FILE": str(ready),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.doors.worker"],
        env={**os.environ, **pilot.system.env(), **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    until(ready.exists, "the worker is ready", 60)
    pilot.prefect(deploy)
    yield process
    process.kill()
    process.wait(5)


async def deploy(_: object) -> None:
    made = await poison.ato_deployment(name="poison", entrypoint_type=EntrypointType.MODULE_PATH)
    await made.aapply(work_pool_name=POOL)


def start(pilot: Pilot, kind: str) -> UUID:
    async def create(client: Any) -> Any:
        deployment = await client.read_deployment_by_name("poison/poison")
        return await client.create_flow_run_from_deployment(
            deployment.id, parameters={"kind": kind}
        )

    run: UUID = pilot.prefect(create).id
    return run


def ends_as(pilot: Pilot, run: UUID, patience: float = 20) -> StateType:
    def over() -> StateType | None:
        state = pilot.prefect(lambda client: client.read_flow_run(run)).state
        return state.type if state and state.is_final() else None

    return until(over, f"run {run} has ended", patience)


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("raise", StateType.FAILED),
        ("memory", StateType.FAILED),
        ("exit", StateType.CRASHED),
        ("hang", StateType.CRASHED),
    ],
)
def test_the_next_run_takes_the_lane_of_a_poisoned_one(
    pilot: Pilot, worker: subprocess.Popen[bytes], kind: str, end: StateType
) -> None:
    harm = start(pilot, kind)
    assert ends_as(pilot, harm) is end
    assert ends_as(pilot, start(pilot, "none")) is StateType.COMPLETED
    assert worker.poll() is None
