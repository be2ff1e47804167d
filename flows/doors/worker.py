"""
The warm worker: takes the runs of its pool and carries them out in lanes, inside this process.

It does what a Prefect worker does: it claims what is scheduled, started or resumed anywhere,
keeps the pool's and the deployments' limits (the server enforces them), breaks off what is
cancelled, and shows itself alive. Beside it run the dispatcher and the recovery, since all three
are idle without each other.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Crashed, Pending
from sqlalchemy.exc import OperationalError

from flows.doors.deployments import apply_all
from flows.doors.dispatcher import WAKE_CHANNEL, dispatch
from flows.doors.lanes import Lane
from flows.operations.recovery import recover
from integrations.clock import now
from integrations.database import Claim, listening, prepare
from integrations.errors import OutsideError
from integrations.settings import settings
from rollout.errors import TaxiwayError
from rollout.inbox import CHANNEL

logger = logging.getLogger("taxiway.worker")

PASSING = (httpx.HTTPError, PrefectHTTPStatusError, OperationalError)  #: the other side is away
DRAIN_SECONDS = 5.0
HEARTBEAT_SECONDS = 20.0
RECOVERY_SECONDS = 30.0
GIVE_UP_SECONDS = 2.0


@dataclass(frozen=True)
class Job:
    """A run in a lane."""

    lane: Lane
    name: str
    since: float


class Worker:
    """One worker of one pool."""

    def __init__(self, client: PrefectClient, claim: Claim) -> None:
        self._client = client
        self._claim = claim
        self._idle: list[Lane] = []
        self._busy: dict[UUID, Job] = {}
        self._claiming: set[UUID] = set()
        self._lanes = 0
        self._stopping = asyncio.Event()
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """Take no more runs, and end once the lanes are idle or the drain is over."""
        self._stopping.set()

    async def work(self) -> None:
        """Work until told to stop."""
        await recover(self._client, self._has)
        for _ in range(settings().lanes):
            self._open_lane()
        async with listening(WAKE_CHANNEL) as wake, listening(CHANNEL) as errands:
            self._wake = wake
            chores = [
                asyncio.create_task(self._again(act, pause, event))
                for act, pause, event in (
                    (self._take, settings().poll_seconds, wake),
                    (self._break_off, settings().poll_seconds, None),
                    (self._dispatch, settings().poll_seconds, errands),
                    (self._give_up, GIVE_UP_SECONDS, None),
                    (self._recover, RECOVERY_SECONDS, None),
                    (self._show, HEARTBEAT_SECONDS, None),
                )
            ]
            _tell_ready()
            stopping = asyncio.create_task(self._told_to_stop())
            done, _ = await asyncio.wait([*chores, stopping], return_when=asyncio.FIRST_COMPLETED)
            for chore in chores:
                chore.cancel()
            await self._drain()
            for chore in done - {stopping}:
                chore.result()

    async def _told_to_stop(self) -> None:
        await self._stopping.wait()

    async def _again(
        self, act: Callable[[], Awaitable[object]], pause: float, event: asyncio.Event | None
    ) -> None:
        """Do a chore for ever; when the other side is away, later each time, up to 10 s."""
        trouble = 0
        while True:
            if event is not None:
                event.clear()
            try:
                await act()
                trouble = 0
            except TaxiwayError:
                raise
            except PASSING as error:
                trouble += 1
                if trouble == 1:
                    logger.warning("%s is put off: %s", act.__name__, repr(error)[:300])
            except Exception:
                trouble += 1
                logger.exception("%s failed and is tried again", act.__name__)
            wait = pause if not trouble else min(10.0, 0.5 * 2**trouble)
            if event is None:
                await asyncio.sleep(wait)
            else:
                await _heard(event, wait)

    async def _take(self) -> None:
        """Claim what is ready, as much as there are idle lanes."""
        if not self._idle:
            return
        ready = await self._client.get_scheduled_flow_runs_for_work_pool(
            settings().work_pool, scheduled_before=now()
        )
        for entry in ready[: len(self._idle)]:
            self._claiming.add(entry.flow_run.id)
            try:
                claimed: OrchestrationResult[Any] = await self._client.set_flow_run_state(
                    entry.flow_run.id, Pending()
                )
                if claimed.status is SetStateStatus.ACCEPT:
                    self._put(entry.flow_run)
            finally:
                self._claiming.discard(entry.flow_run.id)

    def _put(self, flow_run: FlowRun) -> None:
        job = self._busy[flow_run.id] = Job(self._idle.pop(), flow_run.name, time.monotonic())

        def free() -> None:
            if self._busy.get(flow_run.id) is not job:
                return  # given up meanwhile; the lane has a successor
            del self._busy[flow_run.id]
            self._idle.append(job.lane)
            self._wake.set()

        def ended(_: Future[None]) -> None:
            self._loop.call_soon_threadsafe(free)

        job.lane.submit(flow_run).add_done_callback(ended)

    def _open_lane(self) -> None:
        lane = Lane(self._lanes)
        self._lanes += 1
        lane.start()
        self._idle.append(lane)

    async def _give_up(self) -> None:
        """
        Give up what takes too long: its lane gets a successor, and recovery decides on the run.

        What blocks its lane cannot be broken off. Should it go on some day, the ledger and the
        fence of its writes keep it from doing anything twice.
        """
        limit = settings().run_seconds
        for run_id, job in list(self._busy.items()):
            if time.monotonic() - job.since < limit:
                continue
            logger.error("%s took longer than %g s and is given up", job.name, limit)
            job.lane.cancel(run_id)
            del self._busy[run_id]
            self._open_lane()
            self._wake.set()
            state: State[Any] = Crashed(message=f"it took longer than {limit:g} s")
            await self._client.set_flow_run_state(run_id, state, force=True)

    async def _break_off(self) -> None:
        """Break off what somebody cancels."""
        runs = await self._client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLING]))
            ),
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[settings().work_pool])),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=50,
        )
        for run in runs:
            await self._break_off_one(run.id)

    async def _break_off_one(self, run_id: UUID) -> None:
        job = self._busy.get(run_id)
        if job is not None:
            job.lane.cancel(run_id)
            await self._while(lambda: run_id in self._busy, DRAIN_SECONDS)
        message = "cancelled by request"
        await self._client.set_flow_run_state(run_id, Cancelled(message=message), force=True)

    async def _dispatch(self) -> None:
        await dispatch(self._client)

    async def _recover(self) -> None:
        await recover(self._client, self._has)

    def _has(self, run_id: UUID) -> bool:
        """Whether a run is in hand: in a lane, or just being claimed for one."""
        return run_id in self._busy or run_id in self._claiming

    async def _show(self) -> None:
        """Show that this worker is alive, and make sure that it still holds its pool."""
        await self._client.send_worker_heartbeat(
            work_pool_name=settings().work_pool,
            worker_name=f"taxiway-{os.getpid()}",
            heartbeat_interval_seconds=HEARTBEAT_SECONDS,
        )
        try:
            await asyncio.to_thread(self._claim.take)
        except psycopg.Error:
            raise TaxiwayError("the lock on the pool is lost: another worker may start") from None

    async def _drain(self) -> None:
        await self._while(lambda: bool(self._busy), DRAIN_SECONDS)

    async def _while(self, true: Callable[[], bool], patience: float) -> None:
        deadline = time.monotonic() + patience
        while true() and time.monotonic() < deadline:  # noqa: ASYNC110 # changed by lane threads
            await asyncio.sleep(0.05)


async def _heard(event: asyncio.Event, patience: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), patience)
    except TimeoutError:
        return


def _tell_ready() -> None:
    if file := os.environ.get("TAXIWAY_READY_FILE"):
        Path(file).touch()


async def _server(client: PrefectClient, patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while (error := await client.api_healthcheck()) is not None:
        if time.monotonic() > deadline:
            raise TaxiwayError(f"Prefect does not answer at {client.api_url}: {error}")
        await asyncio.sleep(0.2)


async def serve() -> None:
    """Serve the pool until SIGTERM or SIGINT; raises `TaxiwayError` if another worker has it."""
    pool = settings().work_pool
    prepare()
    with Claim(f"worker:{pool}") as claim:
        if not claim.take():
            raise TaxiwayError(f"another worker serves the pool {pool} already")
        async with get_client() as client:
            await _server(client)
            await apply_all()
            worker = Worker(client, claim)
            loop = asyncio.get_running_loop()
            for one in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(one, worker.stop)
            await worker.work()


def main() -> None:
    """Run the worker of this installation."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(serve())
    except (TaxiwayError, OutsideError) as error:
        sys.exit(f"taxiway worker: {error}")


if __name__ == "__main__":
    main()
