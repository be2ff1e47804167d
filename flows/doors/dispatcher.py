"""
The dispatcher: carries the errands of the outbox to Prefect, one after another, for ever.

It starts a run for each event and wakes the run of each decided review. An errand that Prefect
cannot take now is put off and tried again; nothing is dropped.
"""

import asyncio
import logging
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from flows.catalog import full_name
from integrations.clock import now
from integrations.database import announce, transaction
from rollout.inbox import Arrival, Errand, ErrandKind, finish, next_errands, postpone

logger = logging.getLogger("taxiway.dispatcher")

WAKE_CHANNEL = "taxiway_wake"  #: announced when a run has become ready to start
ELSEWHERE = "decided elsewhere"  #: who a wake-up names; who really decided is in the ledger


_DEPLOYMENTS: dict[str, UUID] = {}


class Later(Exception):
    """An errand cannot be done now."""


async def dispatch(client: PrefectClient) -> None:
    """Carry out every errand that is due."""
    while errands := await asyncio.to_thread(_due):
        for errand in errands:
            await carry(client, errand)


def _due() -> list[Errand]:
    with transaction() as session:
        return next_errands(session, now())


async def carry(client: PrefectClient, errand: Errand) -> None:
    """Carry out one errand, or put it off; twice is harmless, since its run has a key."""
    try:
        if errand.kind == ErrandKind.START:
            await _start(client, errand.payload["inbox_id"], errand.dedupe)
        else:
            await _wake(client, UUID(errand.payload["flow_run_id"]), errand.payload["verb"])
    except Exception as error:  # noqa: BLE001 # the trouble of one errand must not stop the others
        _DEPLOYMENTS.clear()
        logger.warning("errand %s is put off: %s", errand.id, error)
        await asyncio.to_thread(_postpone, errand, str(error) or type(error).__name__)
        return
    await asyncio.to_thread(_finish, errand)


async def _start(client: PrefectClient, inbox_id: str, key: str) -> None:
    workflow = await asyncio.to_thread(_workflow_of, inbox_id)
    await client.create_flow_run_from_deployment(
        await _deployment(client, workflow),
        parameters={"inbox_id": inbox_id},
        idempotency_key=key,
        state=Scheduled(),
    )


async def _deployment(client: PrefectClient, workflow: str) -> UUID:
    """Give a deployment's id, and ask for it once; one that was made anew is asked for again."""
    if workflow not in _DEPLOYMENTS:
        found = await client.read_deployment_by_name(full_name(workflow))
        _DEPLOYMENTS[workflow] = found.id
    return _DEPLOYMENTS[workflow]


async def _wake(client: PrefectClient, run_id: UUID, verb: str) -> None:
    try:
        run = await client.read_flow_run(run_id)
    except ObjectNotFound:
        return  # recovery hands the case to a person
    state = run.state
    if state is None or state.is_final() or state.is_cancelling():
        return
    if not state.is_paused():
        raise Later("the run does not sleep yet")
    answer = await client.resume_flow_run(run_id, run_input={"verb": verb, "by": ELSEWHERE})
    if answer.status is not SetStateStatus.ACCEPT:
        reason = getattr(answer.details, "reason", "") or answer.status
        await client.set_flow_run_state(
            run_id, Scheduled(message=f"resume was refused ({reason})"), force=True
        )


def _workflow_of(inbox_id: str) -> str:
    with transaction() as session:
        return session.get_one(Arrival, inbox_id).workflow


def _finish(errand: Errand) -> None:
    with transaction() as session:
        finish(session, errand.id or 0, now())
    announce(WAKE_CHANNEL)


def _postpone(errand: Errand, error: str) -> None:
    with transaction() as session:
        postpone(session, errand.id or 0, error, now())
