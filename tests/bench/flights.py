"""What is measured: one case, one bare run, one served case; and many at once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Scheduled
from prefect.types.entrypoint import EntrypointType
from sqlalchemy import Update, update
from sqlmodel import col, select

from integrations import samples
from integrations.clock import now
from integrations.database import announce, transaction
from integrations.settings import settings
from rollout.authority import Authority
from rollout.canonical import canonical
from rollout.case import CaseRow
from rollout.inbox import Arrival, Errand, receive
from tests.bench.bare import bare
from tests.bench.served import NAME as SERVED
from tests.doors.test_worker import approve
from tests.pilot import Form, Pilot, until

WAKE = "taxiway_wake"
GOOD = [one for one in samples.leads() if one.branch == "good" and not one.special]


class Bench:
    """An installation, measured."""

    def __init__(self, pilot: Pilot) -> None:
        self.pilot = pilot
        self._numbers = iter(range(10**9))

    def prepare(self) -> None:
        """Deploy the bare flow into the warm worker's pool; a CRM without limits is measured."""
        self.pilot.crm.limit(10**6)

        async def deploy(_: PrefectClient) -> None:
            made = await bare.ato_deployment(
                name="bench-bare", entrypoint_type=EntrypointType.MODULE_PATH
            )
            await made.aapply(work_pool_name=settings().work_pool)

        self.pilot.prefect(deploy)

    def lead(self) -> Form:
        """Give the next lead, each one another sample."""
        return self.pilot.lead(GOOD[next(self._numbers) % len(GOOD)])

    def case(self) -> float:
        """Give the seconds from a webhook to its owner in the CRM."""
        form = self.lead()
        began = time.time()
        self.pilot.send(form)
        return self._written(form, began)

    def approval(self) -> float:
        """Give the seconds from an approval to the owner in the CRM."""
        form = self.lead()
        review = self.pilot.review(self.pilot.send(form))
        began = time.time()
        approve(review.id)
        return self._written(form, began)

    def bare(self) -> float:
        """Give the seconds from the creation of a bare run to its end."""
        (seconds,) = self.bare_runs(1)
        return seconds

    def served(self) -> float:
        """Give the seconds from the creation of a served run to its owner in the CRM."""
        form = self.lead()
        body = {"type": "lead.created", "timestamp": now().isoformat(), "data": form}
        with transaction() as session:
            event, _ = receive(
                session,
                source="bench",
                ext_id=form["submission_id"],
                workflow="lead-routing",
                body=canonical(body),
                now=now(),
            )
            session.execute(_done(event.id))
        began = time.time()
        self.pilot.prefect(
            lambda client: _create(client, f"lead-routing/{SERVED}", {"inbox_id": event.id})
        )
        return self._written(form, began, patience=90)

    def cases_at_once(self, count: int) -> float:
        """Give the cases in a second, from the first webhook to the last end."""
        forms = [self.lead() for _ in range(count)]
        began = now()
        events = [self.pilot.send(form) for form in forms]
        until(lambda: len(_ended(events)) == count, f"{count} cases have ended", 180)
        last = max(case.closed_at or began for case in _ended(events))
        return count / (last - began).total_seconds()

    def bare_at_once(self, count: int) -> float:
        """Give the bare runs in a second, from the first creation to the last end."""
        began = time.time()
        seconds = self.bare_runs(count, began)
        return count / max(seconds)

    def bare_runs(self, count: int, began: float | None = None) -> list[float]:
        """Run bare runs; give the seconds from `began`, or each one's creation, to its end."""

        async def run(client: PrefectClient) -> list[float]:
            deployment = await client.read_deployment_by_name("bench-bare/bench-bare")
            made: dict[UUID, float] = {}
            for _ in range(count):
                moment = began or time.time()
                one = await client.create_flow_run_from_deployment(deployment.id, state=Scheduled())
                announce(WAKE)
                made[one.id] = moment
            return await _ends(client, made)

        return self.pilot.prefect(run)

    def with_lanes(self, lanes: int) -> None:
        """Start the worker again with another number of lanes."""
        part = self.pilot.system.parts["worker"]
        os.environ["TAXIWAY_LANES"] = str(lanes)
        ready, old = self.pilot.system.home / "worker.ready", part.pid or 0
        ready.unlink(missing_ok=True)
        os.kill(old, signal.SIGTERM)
        until(lambda: part.pid != old and ready.exists(), f"a worker with {lanes} lanes", 60)
        self.bare()  # the first run imports

    def at(self, level: Authority) -> None:
        """Bring the workflow to a level; at full, for everybody."""
        self.pilot.at(level)

    def _written(self, form: Form, began: float, patience: float = 40) -> float:
        contact = form["contact_id"]

        def written() -> float | None:
            owned = [one["at"] for one in self.pilot.crm.owned() if one["id"] == contact]
            return owned[0] - began if owned else None

        return until(written, f"contact {contact} has an owner", patience)


@contextmanager
def serving(pilot: Pilot) -> Iterator[None]:
    """Let `flow.serve()` wait for runs in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.served"],
        env={**os.environ, **pilot.system.env()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: _is_there(pilot, f"lead-routing/{SERVED}"), "flow.serve() waits", 60)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def _is_there(pilot: Pilot, name: str) -> bool:
    async def ask(client: PrefectClient) -> bool:
        found = await client.read_deployments(limit=50)
        return name.partition("/")[2] in {one.name for one in found}

    return pilot.prefect(ask)


async def _create(client: PrefectClient, name: str, parameters: dict[str, Any]) -> None:
    deployment = await client.read_deployment_by_name(name)
    await client.create_flow_run_from_deployment(
        deployment.id, parameters=parameters, state=Scheduled()
    )


async def _ends(client: PrefectClient, made: dict[UUID, float]) -> list[float]:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        runs = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[*made])),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=200,
        )
        ends = {run.id: run.end_time.timestamp() for run in runs if run.end_time}
        if len(ends) == len(made):
            return [ends[one] - began for one, began in made.items()]
        await asyncio.sleep(0.02)
    raise AssertionError("the bare runs have not ended in time")


def _ended(events: list[str]) -> list[CaseRow]:
    with transaction() as session:
        return list(
            session.exec(
                select(CaseRow)
                .join(Arrival, col(Arrival.case_id) == col(CaseRow.id))
                .where(col(Arrival.id).in_(events), col(CaseRow.ending).is_not(None))
            ).all()
        )


def _done(inbox_id: str) -> Update:
    """Mark an event's errand as done, so that nobody else starts its run."""
    return (
        update(Errand)
        .where(col(Errand.payload)["inbox_id"].astext == inbox_id)
        .values(done_at=now())
    )
