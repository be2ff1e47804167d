"""The worker under a heavy hand: killed, cancelled, doubled; its cases end all the same."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.states import Cancelling

from flows.contracts.lead_routing import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from rollout.answers import Answer, Proof, Verb
from rollout.authority import Arm, Authority
from rollout.case import Ending
from rollout.deciding import decide_on
from tests.flows.test_lead_routing import lead_in, sample
from tests.pilot import Pilot, until

pytestmark = pytest.mark.system


def kill_worker(pilot: Pilot) -> None:
    """Kill it without a warning, and wait for its successor."""
    worker = pilot.system.parts["worker"]
    old = worker.pid or 0
    ready = pilot.system.home / "worker.ready"
    ready.unlink()
    os.kill(old, signal.SIGKILL)
    until(lambda: worker.pid != old and ready.exists(), "a new worker is ready")


def approve(review: str) -> None:
    said = Answer(verb=Verb.APPROVE, by="karim", proof=Proof.HOST, channel="cli")
    with transaction() as session:
        decide_on(session, CONTRACT, review, said, now())


def test_a_case_that_waits_outlives_its_worker(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    review = pilot.review(event)
    kill_worker(pilot)
    approve(review.id)
    case = pilot.ended(event)

    assert case.ending == Ending.ACTED
    assert pilot.facts(case.id).count("asked") == 1
    assert len(pilot.writes_to(form["contact_id"])) == 1


def test_a_decision_while_the_worker_is_dead_is_carried_out_by_the_next(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    event = pilot.send(pilot.lead())
    review = pilot.review(event)
    os.kill(pilot.system.parts["worker"].pid or 0, signal.SIGKILL)
    approve(review.id)

    assert pilot.ended(event).ending == Ending.ACTED


@pytest.mark.parametrize("method", ["GET", "PATCH"], ids=["before the agent", "in the write"])
def test_a_case_that_runs_outlives_its_worker(pilot: Pilot, method: str) -> None:
    pilot.at(Authority.FULL)
    form = lead_in(pilot, Arm.EVERYONE, sample("good"))
    path = f"/contacts/{form['contact_id']}$"
    pilot.crm.fault(do="delay", method=method, path=path, seconds=1.5)
    before = len(pilot.crm.requests())
    event = pilot.send(form)
    case = pilot.case(event)
    if method == "PATCH":
        until(lambda: any(one.attempt for one in pilot.effects(case.id)), "it is being sent")
    kill_worker(pilot)
    ended = pilot.ended(event)

    assert ended.ending == Ending.ACTED
    assert len(pilot.crm.requests()) > before
    written = [one["content"]["properties"] for one in pilot.writes_to(form["contact_id"])]
    assert ["taxiway_lane" in one for one in written] == [True, False]
    assert pilot.facts(case.id).count("proposal") == 1


def test_cancel_stops_a_run_and_a_person_gets_its_case(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    form = lead_in(pilot, Arm.EVERYONE, sample("good"))
    path = f"/contacts/{form['contact_id']}$"
    pilot.crm.fault(do="delay", method="GET", path=path, seconds=30)
    case = pilot.case(pilot.send(form))
    until(lambda: pilot.state_of(case.id) == "RUNNING", "it runs")
    run = pilot.run(case.id)
    pilot.prefect(lambda client: client.set_flow_run_state(run.id, Cancelling()))

    until(lambda: pilot.state_of(case.id) == "CANCELLED", "it is cancelled", 10)
    pilot.crm.works_again()
    with transaction() as session:
        assert session.is_active
    kill_worker(pilot)  # recovery runs at the start, and every 30 seconds
    assert until(lambda: pilot.case(case.inbox_id).ending, "it has ended") == Ending.WATCHED


def test_a_second_worker_says_that_there_is_one(pilot: Pilot) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "flows.doors.worker"],
        env={**os.environ, **pilot.system.env()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert second.returncode == 1
    assert "another worker serves the pool taxiway already" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_deployments_limit_is_kept(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    name = "lead-routing/lead-routing"
    known = pilot.prefect(lambda client: client.read_deployment_by_name(name))
    limit = DeploymentUpdate(concurrency_limit=1)
    pilot.prefect(lambda client: client.update_deployment(known.id, limit))
    slow = pilot.lead()
    pilot.crm.fault(do="delay", method="GET", path=f"/contacts/{slow['contact_id']}$", seconds=1.5)
    first = pilot.case(pilot.send(slow))
    second = pilot.send(pilot.lead())
    case = pilot.ended(second)
    pilot.prefect(
        lambda client: client.update_deployment(known.id, DeploymentUpdate(concurrency_limit=None))
    )

    assert pilot.ended(first.inbox_id).closed_at < case.opened_at  # type: ignore[operator] # it has ended


def test_the_worker_shows_itself_alive(pilot: Pilot) -> None:
    workers = pilot.prefect(lambda client: client.read_workers_for_work_pool("taxiway"))

    assert "ONLINE" in {one.status.value for one in workers if one.status}


def test_a_schedule_that_a_person_made_survives_a_restart_of_the_worker(pilot: Pilot) -> None:
    name = "lead-routing/lead-routing"
    known = pilot.prefect(lambda client: client.read_deployment_by_name(name))
    yearly = DeploymentScheduleCreate(
        schedule=IntervalSchedule(interval=timedelta(days=365)), active=False
    )
    pilot.prefect(lambda client: client.create_deployment_schedules(known.id, [yearly]))
    kill_worker(pilot)
    after = pilot.prefect(lambda client: client.read_deployment_by_name(name))

    assert [one.active for one in after.schedules] == [False]


def test_prefects_own_default_question_is_answered(pilot: Pilot) -> None:
    """FastAPI 0.151 to 0.154 answer this with 422, and Prefect's observers ask it."""
    url = f"{pilot.system.state.prefect_api_url}/flow_runs/filter"

    assert httpx.post(url, json={"limit": None, "sort": None}).status_code == 200
