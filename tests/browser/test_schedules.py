"""A schedule made by hand in the Prefect UI fires, and outlives the server and the worker."""

import os
import signal
from datetime import datetime

import httpx
import pytest
from playwright.sync_api import Page, expect
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from flows.catalog import full_name
from integrations.clock import now
from rollout.authority import Authority
from tests.browser.conftest import shoot
from tests.pilot import Pilot, until

pytestmark = pytest.mark.system

NAME = "lead-sweep"
EVERY = "5"  #: seconds


def test_a_schedule_made_by_hand_fires_and_outlives_a_restart(pilot: Pilot, page: Page) -> None:
    pilot.at(Authority.SHADOW)
    make_schedule(page, pilot)
    try:
        until(lambda: ran_since(pilot, None), "it has fired", 90)
        for name in ("prefect", "worker"):
            kill(pilot, name)
        until(lambda: answers(pilot), "Prefect answers again", 60)
        restarted = now()
        until(lambda: ran_since(pilot, restarted), "it fires again after the restart", 120)
        page.reload()
        expect(page.get_by_text("Every 5 seconds").first).to_be_visible()
        shoot(page, "schedule-after-the-restart")
    finally:
        remove_schedules(pilot)


def make_schedule(page: Page, pilot: Pilot) -> None:
    page.goto(f"{pilot.system.ui}/deployments")
    page.get_by_role("link", name=NAME).first.click()
    page.get_by_role("button", name="Schedule", exact=True).last.click()
    dialog = page.locator(".p-modal")
    dialog.locator("input[type=number]").fill(EVERY)
    unit = dialog.locator(".p-select-button__control").first
    unit.focus()
    page.keyboard.press("ArrowDown")
    page.locator(".p-select-option").get_by_text("Seconds", exact=True).click()
    shoot(page, "schedule-form")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Every 5 seconds").first).to_be_visible()
    shoot(page, "schedule-made")


def ran_since(pilot: Pilot, moment: datetime | None) -> bool:
    """Whether a run of the schedule was completed, and began after a moment."""
    deployment = pilot.prefect(lambda client: client.read_deployment_by_name(full_name(NAME)))
    runs = pilot.prefect(
        lambda client: client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED]))
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=20,
        )
    )
    return any(
        one.auto_scheduled and (moment is None or (one.start_time or moment) > moment)
        for one in runs
    )


def kill(pilot: Pilot, name: str) -> None:
    part = pilot.system.parts[name]
    old = part.pid or 0
    os.kill(old, signal.SIGKILL)
    until(lambda: part.pid != old and part.is_alive, f"{name} was started again")


def remove_schedules(pilot: Pilot) -> None:
    async def remove(client: object) -> None:
        deployment = await client.read_deployment_by_name(full_name(NAME))  # type: ignore[attr-defined] # Prefect's client
        for one in deployment.schedules:
            await client.delete_deployment_schedule(deployment.id, one.id)  # type: ignore[attr-defined]

    pilot.prefect(remove)


def answers(pilot: Pilot) -> bool:
    try:
        return httpx.get(f"{pilot.system.state.prefect_api_url}/health").is_success
    except httpx.HTTPError:
        return False
