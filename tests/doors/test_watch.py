"""The watch and the schedules: what nobody works on is settled, and what people set stays."""

import http.server
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import PrefectHTTPStatusError

from flows.catalog import full_name
from flows.doors.deployments import apply_all
from flows.operations.watch import look_over
from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot_writes import task_creation
from integrations.settings import settings
from rollout.case import Action, Case, Ending, close_row
from rollout.effects import Basis, EffectRow, Intent, Request, State, intend
from rollout.reviews import ReviewRow, Status
from tests.doors.test_inbound import start
from tests.pilot import Pilot
from tests.rollout.trial import a_case, a_review, contract

pytestmark = pytest.mark.system

TOLD = logging.getLogger("a test")
LONG_AGO = now() - timedelta(minutes=10)


def sent_and_forgotten(write: Intent, case: Case, state: State = State.SENT) -> str:
    """Leave a write as a run leaves it that died for good, its case handed to somebody."""
    with transaction() as session:
        effect = intend(session, case, write, LONG_AGO)
        effect.state, effect.attempt = state, 1
        effect.lease_until = effect.sent_at = LONG_AGO
        session.add(effect)
        close_row(session, case.id, Ending.HANDED_OFF, "died", LONG_AGO)
        return effect.key


def owner(contact: str, to: str) -> Intent:
    return Intent(
        step="owner",
        action=Action(name="crm.contact.owner", target=f"contact/{contact}", arguments={}),
        request=Request(method="PATCH", path="/x", body=b"{}"),
        basis=Basis.AGENT,
        changes={"owner": to},
    )


def task(contact: str, subject: str) -> Intent:
    method, path, body = task_creation(
        subject=subject, body="b", due=LONG_AGO, kind="contact", record=contact
    )
    return Intent(
        step="task",
        action=Action(name="crm.task", target=f"contact/{contact}", arguments={}),
        request=Request(method=method, path=path, body=body),
        basis=Basis.HANDOFF,
    )


def a_lead_case() -> Case:
    """A case under the real contract, whose rules the watch knows."""
    with transaction() as session:
        return a_case(session, contract("lead-routing"))


def state_of(key: str) -> str:
    with transaction() as session:
        return session.get_one(EffectRow, key).state


async def test_a_write_of_an_ended_case_is_looked_up_and_never_sent_again(pilot: Pilot) -> None:
    contact = pilot.lead()["contact_id"]
    pilot.crm.seed({"contacts": [{"id": contact, "properties": {"hubspot_owner_id": "7001"}}]})
    subject = f"[{uuid4().hex}] decide"
    arrived = sent_and_forgotten(owner(contact, "7001"), a_lead_case())
    lost = sent_and_forgotten(owner(contact, "7002"), a_lead_case())
    task_lost = sent_and_forgotten(task(contact, subject), a_lead_case())
    never_left = sent_and_forgotten(owner(contact, "7003"), a_lead_case(), State.READY)
    writes = len(pilot.crm.writes())
    await look_over(TOLD)

    assert [state_of(one) for one in (arrived, lost, task_lost, never_left)] == [
        State.DONE,
        State.FAILED,
        State.FAILED,
        State.REFUSED,
    ]
    assert len(pilot.crm.writes()) == writes


async def test_a_question_whose_case_has_ended_is_withdrawn(pilot: Pilot) -> None:
    del pilot
    case = a_lead_case()
    with transaction() as session:
        review = a_review(session, case).id
        close_row(session, case.id, Ending.HANDED_OFF, "died", now())
    await look_over(TOLD)

    with transaction() as session:
        assert session.get_one(ReviewRow, review).status == Status.WITHDRAWN


@pytest.fixture
def alarm(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An outside address that notes who calls it."""
    calls: list[str] = []

    class Calls(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Calls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TAXIWAY_HEARTBEAT_URL", f"http://127.0.0.1:{server.server_port}/beat")
    settings.cache_clear()
    yield calls
    server.shutdown()
    server.server_close()
    settings.cache_clear()


async def test_when_all_went_well_the_heartbeat_goes_out(pilot: Pilot, alarm: list[str]) -> None:
    del pilot
    await look_over(TOLD)
    assert alarm == ["/beat"]


async def test_a_heartbeat_that_nobody_hears_stops_nothing(
    pilot: Pilot, monkeypatch: pytest.MonkeyPatch
) -> None:
    del pilot
    monkeypatch.setenv("TAXIWAY_HEARTBEAT_URL", "http://127.0.0.1:9/beat")
    settings.cache_clear()
    assert set(await look_over(TOLD)) == {
        *("stops", "writes settled", "questions withdrawn", "deadlines passed", "rows sealed"),
        *("notices", "fallen"),
    }
    settings.cache_clear()


def test_the_watch_runs_by_itself(pilot: Pilot) -> None:
    deployment = pilot.prefect(lambda client: client.read_deployment_by_name(full_name("watch")))
    (schedule,) = deployment.schedules

    assert isinstance(schedule.schedule, IntervalSchedule)
    assert (schedule.active, schedule.schedule.interval) == (True, timedelta(seconds=60))
    assert deployment.global_concurrency_limit is not None
    assert deployment.global_concurrency_limit.limit == 1


def test_a_schedule_that_somebody_makes_wins_over_code(pilot: Pilot) -> None:
    async def make(client: object) -> None:
        deployment = await client.read_deployment_by_name(full_name("lead-sweep"))  # type: ignore[attr-defined] # Prefect's client
        wish = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 6 * * 1"), active=False)
        await client.create_deployment_schedules(  # type: ignore[attr-defined]
            deployment.id, [(wish.schedule, wish.active)]
        )

    pilot.prefect(make)
    pilot.prefect(lambda _: apply_all())  # what every start of the worker does
    sweep = pilot.prefect(lambda client: client.read_deployment_by_name(full_name("lead-sweep")))

    assert [getattr(one.schedule, "cron", "") for one in sweep.schedules] == ["0 6 * * 1"]
    assert [one.active for one in sweep.schedules] == [False]


def test_the_sweeps_form_says_what_each_field_is(pilot: Pilot) -> None:
    sweep = pilot.prefect(lambda client: client.read_deployment_by_name(full_name("lead-sweep")))
    fields = (sweep.parameter_openapi_schema or {})["properties"]

    assert set(fields) == {"since", "segment", "limit", "dry_run"}
    assert fields["dry_run"]["description"] == "Only say what would be opened; open nothing."
    assert all(fields[name]["description"] for name in fields)
    assert (fields["since"]["minimum"], fields["since"]["maximum"]) == (1, 720)


@pytest.mark.parametrize(
    "parameters", [{"since": 0}, {"since": "long"}, {"limit": -1}, {"segment": "HUGE"}]
)
def test_a_sweep_that_cannot_be_is_refused_before_it_starts(
    pilot: Pilot, parameters: dict[str, object]
) -> None:
    with pytest.raises(PrefectHTTPStatusError, match=r"409|422"):
        pilot.prefect(lambda client: start(client, "lead-sweep", parameters))


def test_a_schedule_that_cannot_be_is_refused(pilot: Pilot) -> None:
    deployment = pilot.prefect(lambda client: client.read_deployment_by_name(full_name("watch")))
    answer = httpx.post(
        f"{pilot.system.state.prefect_api_url}/deployments/{deployment.id}/schedules",
        json=[{"schedule": {"cron": "61 25 * * *", "timezone": "UTC"}, "active": True}],
    )

    assert answer.status_code == 422
