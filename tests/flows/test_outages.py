"""What becomes of a lead while the CRM is away, or says no: nothing is lost, and it says why."""

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from flows.operations.recovery import recover
from rollout.authority import Arm, Authority
from rollout.case import CaseRow, Ending
from tests.flows.test_lead_routing import lead_in, sample
from tests.pilot import Form, Pilot, until

pytestmark = pytest.mark.system


def spoil(pilot: Pilot, form: Form, **script: object) -> None:
    path = f"/contacts/{form['contact_id']}$"
    pilot.crm.fault(method="GET", path=path, **script)


def failed(pilot: Pilot, event: str) -> CaseRow:
    """Wait until the run of an event has failed."""
    case = pilot.case(event)
    until(lambda: pilot.state_of(case.id) == "FAILED", f"{case.id} has failed", 60)
    return case


def recovered(pilot: Pilot) -> None:
    """Let recovery look over all runs now, not within half a minute."""

    async def now(client: PrefectClient) -> int:
        return await recover(client, lambda _: False)

    pilot.prefect(now)


def test_an_outage_longer_than_the_retries_is_waited_out(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    form = pilot.lead()
    spoil(pilot, form, do="status", status=503, times=6)
    event = pilot.send(form)
    failed(pilot, event)
    recovered(pilot)

    case = pilot.ended(event, patience=60)
    assert (case.ending, case.reruns) == (Ending.WATCHED, 1)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ({"do": "status", "status": 401}, "Refused: the CRM refused with 401"),
        ({"do": "status", "status": 403}, "Refused: the CRM refused with 403"),
    ],
)
def test_a_refusal_goes_to_a_person_with_its_words(
    pilot: Pilot, script: dict[str, object], says: str
) -> None:
    pilot.at(Authority.FULL)
    form = pilot.lead()
    spoil(pilot, form, **script)
    event = pilot.send(form)
    failed(pilot, event)
    recovered(pilot)

    assert says in (pilot.ended(event).because or "")


def test_an_answer_that_is_cut_off_is_asked_for_again(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    form = pilot.lead()
    spoil(pilot, form, do="truncate", times=2)

    assert pilot.flown(form)[1] is Ending.WATCHED


def test_a_read_that_fails_twice_is_tried_again_where_people_see_it(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    form = pilot.lead()
    path = f"/contacts/{form['contact_id']}$"
    pilot.crm.fault(do="status", method="GET", path=path, status=503, times=2)
    case, ending = pilot.flown(form)
    run = pilot.run(case.id)
    tasks = pilot.prefect(
        lambda client: client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
        )
    )
    tries = {task.name.rpartition("-")[0]: task.run_count for task in tasks}

    assert ending is Ending.WATCHED
    assert tries["read_lead"] == 3


def test_an_answer_that_got_lost_is_found_and_not_sent_again(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    form = lead_in(pilot, Arm.EVERYONE, sample("good"))
    path = f"/contacts/{form['contact_id']}$"
    pilot.crm.fault(do="reset_after_apply", method="PATCH", path=path)
    case, ending = pilot.flown(form)

    assert ending is Ending.ACTED
    assert len(pilot.writes_to(form["contact_id"])) == 2
    assert [one.because for one in pilot.effects(case.id)] == ["found to have arrived", "accepted"]
