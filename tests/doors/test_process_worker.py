"""The same flows under a standard Prefect process worker: only the deployment's pool is another."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists

from flows.catalog import full_name
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import Ending
from tests.doors.test_worker import approve
from tests.pilot import Pilot, until

pytestmark = pytest.mark.system

POOL = "processes"


@pytest.fixture
def process_worker(pilot: Pilot) -> Iterator[subprocess.Popen[bytes]]:
    """A process worker that serves lead routing in the warm worker's place."""
    pilot.prefect(make_pool)
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--type", "process", "--pool", POOL],
        env={**os.environ, **pilot.system.env(), "PREFECT_WORKER_QUERY_SECONDS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    pilot.prefect(lambda client: move(client, POOL))
    yield worker
    pilot.prefect(lambda client: move(client, settings().work_pool))
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(30)
    except subprocess.TimeoutExpired:  # it waits for runs of other tests that it was given
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


async def make_pool(client: Any) -> None:
    with suppress(ObjectAlreadyExists):  # a first try that was answered late
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))


async def move(client: Any, pool: str) -> None:
    """Move the deployment to a pool, as one does in the Prefect UI."""
    deployment = await client.read_deployment_by_name(full_name("lead-routing"))
    await client.update_deployment(deployment.id, DeploymentUpdate(work_pool_name=pool))


def test_a_case_is_asked_answered_and_written_by_processes(
    pilot: Pilot, process_worker: subprocess.Popen[bytes]
) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    until(lambda: pilot.known(event), "a process has opened the case", 180)
    review = pilot.review(event)
    assert pilot.run(review.case_id).work_pool_name == POOL

    approve(review.id)
    case = pilot.ended(event, patience=180)
    assert case.ending == Ending.ACTED
    assert len(pilot.writes_to(form["contact_id"])) == 1
    assert pilot.facts(case.id).count("asked") == 1
    assert process_worker.poll() is None
