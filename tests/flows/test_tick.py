"""The hourly look at each workflow, as Prefect runs it."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.types.entrypoint import EntrypointType
from sqlalchemy import delete
from sqlmodel import col, select

from flows.catalog import WORKFLOWS
from flows.contracts.lead_routing import CONTRACT as LEADS
from flows.contracts.renewal_risk import CONTRACT
from flows.doors.deployments import RETIRED, apply_all
from flows.operations.climb import climb
from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority
from rollout.case import CaseRow
from rollout.gate import BREACH
from rollout.grants import current, history
from rollout.ledger import note
from rollout.notices import Event, NoticeRow
from tests.flows.test_promote import evidence, state
from tests.pilot import Pilot, until
from tests.staff import staff

__all__ = ["evidence", "staff"]  # fixtures

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("staff")]
ENDED = {"COMPLETED", "FAILED", "CRASHED"}


def ticked(pilot: Pilot, workflow: str) -> tuple[str, str]:
    """Start a workflow's hourly look by hand; give how it ended."""

    async def made(client: PrefectClient) -> UUID:
        found = await client.read_deployment_by_name(f"climb/climb-{workflow}")
        return (await client.create_flow_run_from_deployment(found.id)).id

    run = pilot.prefect(made)
    until(lambda: state(pilot, run)[0] in ENDED, "the look has ended")
    return state(pilot, run)


def proposals() -> list[NoticeRow]:
    with transaction() as session:
        wanted = select(NoticeRow).where(
            NoticeRow.event == Event.READY, NoticeRow.workflow == CONTRACT.workflow
        )
        return list(session.exec(wanted.order_by(col(NoticeRow.to))).all())


def test_what_is_ready_is_told_to_its_owners_once_and_does_not_rise(pilot: Pilot) -> None:
    with transaction() as session:
        session.execute(delete(NoticeRow).where(col(NoticeRow.event) == Event.READY))
    ends = [ticked(pilot, CONTRACT.workflow)[0] for _ in range(2)]
    told = proposals()

    assert ends == ["COMPLETED", "COMPLETED"]
    owners = sorted([CONTRACT.owners.business, CONTRACT.owners.governance])
    assert [one.to for one in told] == owners
    assert told[0].subject == "renewal-risk is ready for recommend"
    assert "taxiway rollout request renewal-risk" in told[0].text
    with transaction() as session:
        assert current(session, CONTRACT.workflow).authority is Authority.SHADOW


def test_a_system_that_is_away_keeps_no_monitor_from_being_heard(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    form = pilot.lead()
    case, _ = pilot.flown(form)
    pilot.at(Authority.LIMITED)
    with transaction() as session:
        hours_ago = now() - timedelta(hours=2)  # so somebody's decision on it is looked for
        session.get_one(CaseRow, case.id).opened_at = hours_ago
        note(session, workflow=LEADS.workflow, kind=BREACH, actor="agent", at=now(), fields={})
    path = f"/contacts/{form['contact_id']}"
    pilot.crm.fault(do="status", method="GET", path=path, status=503, times=200)
    before = len(pilot.crm.requests())
    try:
        end, says = ticked(pilot, LEADS.workflow)
    finally:
        pilot.crm.works_again()

    assert end == "COMPLETED", says
    away = [one for one in pilot.crm.requests()[before:] if one["path"].endswith(path)]
    assert {one["status"] for one in away} == {503}
    with transaction() as session:
        assert current(session, LEADS.workflow).authority is Authority.OFF
        assert history(session, LEADS.workflow)[-1].by == "monitor"
    pilot.at(Authority.SHADOW)


def test_each_workflow_has_its_own_hourly_look_and_an_old_common_one_goes(pilot: Pilot) -> None:
    async def before(client: PrefectClient) -> None:
        del client
        made = await climb.ato_deployment("climb", entrypoint_type=EntrypointType.MODULE_PATH)
        await made.aapply()

    pilot.prefect(before)
    pilot.prefect(lambda _: apply_all())  # what every start of the worker does
    found = pilot.prefect(lambda client: client.read_deployments())
    hourly = {one.name: one for one in found if one.entrypoint and "climb" in one.entrypoint}

    assert {*hourly} == {f"climb-{one.name}" for one in WORKFLOWS}
    assert RETIRED == ("climb/climb",)
    own = hourly[f"climb-{CONTRACT.workflow}"]
    assert own.parameters == {"workflow": CONTRACT.workflow}
    form = (own.parameter_openapi_schema or {})["properties"]
    assert form["workflow"]["description"] == "Whose agent is looked at."
    assert [json.dumps(one.schedules[0].active) for one in hourly.values()] == ["true"] * 2
