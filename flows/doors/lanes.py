"""
Lanes: threads with an event loop of their own, in which flow runs are carried out warm.

Prefect watches a run that has a deployment with a websocket of its own and waits for it in
blocking calls, so that many runs on one loop do not overlap. The engine decides that on the run
it is handed, so a lane hands it a copy without the deployment's id; what it reads again later,
and everything the server enforces, is not touched by this. `TAXIWAY_OBSERVE_SUSPENSION=true`
turns it off.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import AsyncClientContext
from prefect.exceptions import Abort, Pause
from prefect.flow_engine import run_flow
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.states import Failed

from integrations.settings import settings

logger = logging.getLogger("taxiway.lanes")

Job = Callable[[], Coroutine[Any, Any, None]]


class Lane(threading.Thread):
    """One run at a time, in one loop, with one open client."""

    def __init__(self, number: int) -> None:
        super().__init__(name=f"lane-{number}", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._jobs: asyncio.Queue[tuple[FlowRun, Future[None]]] = asyncio.Queue()
        self._now: tuple[UUID, asyncio.Task[None]] | None = None

    def run(self) -> None:
        """Take jobs for ever."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._drive())

    def submit(self, flow_run: FlowRun) -> Future[None]:
        """Queue a run; the future is done when the run has ended or sleeps."""
        done: Future[None] = Future()
        self._loop.call_soon_threadsafe(self._jobs.put_nowait, (flow_run, done))
        return done

    def cancel(self, run_id: UUID) -> bool:
        """Break off a run if this lane carries it out."""
        if self._now is None or self._now[0] != run_id:
            return False
        self._loop.call_soon_threadsafe(self._now[1].cancel)
        return True

    async def _drive(self) -> None:
        async with AsyncClientContext.get_or_create():
            while True:
                flow_run, done = await self._jobs.get()
                self._now = (flow_run.id, asyncio.create_task(carry_out(flow_run)))
                try:
                    await self._now[1]
                except asyncio.CancelledError:
                    logger.info("run %s was cancelled", flow_run.name)
                except Exception:
                    logger.exception("run %s broke its lane", flow_run.name)
                finally:
                    self._now = None
                    done.set_result(None)


async def carry_out(flow_run: FlowRun) -> None:
    """Carry out one run; whatever the flow does, the lane goes on."""
    try:
        flow = await _flow_of(flow_run)
    except Exception as error:  # noqa: BLE001 # whatever an import may raise ends this run only
        await _fail(flow_run, f"the flow cannot be loaded: {error!r}")
        return
    seen = flow_run
    if not settings().observe_suspension:
        seen = flow_run.model_copy(update={"deployment_id": None})
    try:
        result = run_flow(flow, flow_run=seen, parameters=seen.parameters, return_type="state")
        if asyncio.iscoroutine(result):
            await result
    except (Pause, Abort):
        logger.debug("run %s sleeps or was refused", flow_run.name)


_FLOWS: dict[str, Flow[Any, Any]] = {}
_ENTRYPOINTS: dict[UUID, str] = {}


async def _flow_of(flow_run: FlowRun) -> Flow[Any, Any]:
    if flow_run.deployment_id is None:
        raise LookupError("the run has no deployment")
    if flow_run.deployment_id not in _ENTRYPOINTS:
        async with get_client() as client:
            deployment = await client.read_deployment(flow_run.deployment_id)
        _ENTRYPOINTS[flow_run.deployment_id] = deployment.entrypoint or ""
    entrypoint = _ENTRYPOINTS[flow_run.deployment_id]
    if entrypoint not in _FLOWS:
        _FLOWS[entrypoint] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    return _FLOWS[entrypoint]


async def _fail(flow_run: FlowRun, message: str) -> None:
    async with get_client() as client:
        await client.set_flow_run_state(flow_run.id, Failed(message=message), force=True)
