"""
Recovery: looks over every run that is not where it should be, and mends it.

It runs when the worker starts, every 30 seconds, and may run at any time: each remedy is safe to
repeat. What to do is decided by `rollout.recovery`; here it is gathered and carried out.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Scheduled
from sqlmodel import Session, col, select

from flows.catalog import workflow
from flows.doors.dispatcher import ELSEWHERE
from integrations.clock import now
from integrations.database import transaction
from integrations.settings import settings
from rollout.case import CaseRow, find_case
from rollout.inbox import start_again, without_case
from rollout.recovery import Remedy, RunState, Seen, remedy, wait_before
from rollout.reviews import is_over
from tasks.handoffs import hand_off_broken

logger = logging.getLogger("taxiway.recovery")

PAGE = 200
OUTSIDE = re.compile(r"\b(Unavailable|Refused|NotFound): .*")
KIND = re.compile(r"encountered an exception: (\w+)")
#: What a run fails with where Prefect or the database was slow or away: nothing about its case.
OWN_PARTS = frozenset(
    {
        *("ReadTimeout", "ConnectTimeout", "WriteTimeout", "PoolTimeout"),
        *("ConnectError", "ReadError", "WriteError", "RemoteProtocolError"),
        *("PrefectHTTPStatusError", "OperationalError", "InterfaceError", "TimeoutError"),
    }
)
UNSETTLED = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.CRASHED]
LOST_AFTER = timedelta(seconds=90)  #: an event whose errand is done and that has no case yet


@dataclass(frozen=True)
class KnownCase:
    """What the ledger says of a case that has a run."""

    id: str
    workflow: str
    run_id: UUID
    is_open: bool
    reruns: int
    decided: bool


async def recover(client: PrefectClient, held: Callable[[UUID], bool]) -> int:
    """
    Look over all runs; gives the mended.

    `held` says whether a living worker has a run in hand. It is asked when a run is looked at, and
    not before: while the others were read, the worker may have taken it.
    """
    cases = await asyncio.to_thread(_open_cases)
    by_run = {case.run_id: case for case in cases}
    runs = {run.id: run for run in await _unsettled(client)}
    runs |= {run.id: run for run in await _of(client, FlowRunFilterId(any_=[*by_run]), len(by_run))}
    mended = 0
    for run in runs.values():
        if run.work_pool_name not in {None, settings().work_pool}:
            continue  # another pool's workers look after it
        mended += await _mend(client, run, by_run.get(run.id), held)
    for case in cases:
        if case.run_id not in runs:
            mended += await _mend_missing(case)
    return mended + await _restart_lost(client)


async def _mend(
    client: PrefectClient, run: FlowRun, case: KnownCase | None, held: Callable[[UUID], bool]
) -> bool:
    if case is None:
        case = await asyncio.to_thread(_case_of_run, run.id)
    seen = await _seen(client, run, case, held=held(run.id))
    cure, why = remedy(seen, most_reruns=settings().max_reruns)
    if cure is Remedy.LEAVE or await _has_moved(client, run, held):
        return False
    told = _told(run) or _kind(run)
    why = f"{why}: {told}" if told else why
    logger.warning("%s: %s, because %s", run.name, cure, why)
    match cure:
        case Remedy.RERUN:
            wait = wait_before(seen, settings().rerun_seconds)
            await _rerun(client, run, case, why, wait)
        case Remedy.RESUME:
            await _resume(client, run, case)
        case Remedy.CANCEL:
            await client.set_flow_run_state(run.id, Cancelled(message=why), force=True)
        case Remedy.HAND_OFF:
            if case is not None:
                await asyncio.to_thread(_hand_off, case, why)
    return True


async def _has_moved(client: PrefectClient, run: FlowRun, held: Callable[[UUID], bool]) -> bool:
    """Whether a run went on since it was read: it is looked at again the next time."""
    fresh = await client.read_flow_run(run.id)
    then, since = run.state, fresh.state
    return held(run.id) or (then and then.id) != (since and since.id)


async def _mend_missing(case: KnownCase) -> bool:
    cure, why = remedy(Seen(RunState.MISSING, case_open=True), most_reruns=settings().max_reruns)
    if cure is Remedy.HAND_OFF:
        await asyncio.to_thread(_hand_off, case, why)
    return cure is Remedy.HAND_OFF


async def _seen(client: PrefectClient, run: FlowRun, case: KnownCase | None, *, held: bool) -> Seen:
    state = run.state
    if state is None:
        return Seen(RunState.MISSING, case_open=case is not None)
    kind = RunState(state.type.value.lower())
    waits = kind is RunState.PAUSED and case is not None and case.is_open
    return Seen(
        state=kind,
        held=held,
        settled_seconds=(now() - state.timestamp).total_seconds(),
        has_form=await _has_form(client, run) if waits else True,
        case_open=case.is_open if case else None,
        away=_told(run).startswith("Unavailable") or _kind(run) in OWN_PARTS,
        decided=case.decided if case else False,
        reruns=case.reruns if case else max(0, run.run_count - 1),
    )


async def _has_form(client: PrefectClient, run: FlowRun) -> bool:
    details = run.state.state_details if run.state else None
    keys = details.run_input_keyset if details else None
    if not keys:
        return True
    try:
        await client.read_flow_run_input(run.id, keys["schema"])
    except PrefectHTTPStatusError:
        return False
    return True


async def _rerun(
    client: PrefectClient, run: FlowRun, case: KnownCase | None, why: str, wait: float = 0
) -> None:
    if case is not None:
        await asyncio.to_thread(_count_rerun, case.id)
    state: State[None] = Scheduled(
        message=f"started again: {why}", scheduled_time=now() + timedelta(seconds=wait)
    )
    await client.set_flow_run_state(run.id, state, force=True)


def _told(run: FlowRun) -> str:
    """
    Give what an outside system said to a run that failed, if that is why.

    Only the errors of `integrations.errors` are told: they carry nothing about a person.
    """
    found = OUTSIDE.search(run.state.message or "") if run.state else None
    return found[0][:300] if found else ""


def _kind(run: FlowRun) -> str:
    return kind_of(run.state.message or "") if run.state else ""


def kind_of(message: str) -> str:
    """Give the kind of exception that a run's state tells of; its words may be about a person."""
    found = KIND.search(message)
    return found[1] if found else ""


async def _resume(client: PrefectClient, run: FlowRun, case: KnownCase | None) -> None:
    answer = await client.resume_flow_run(run.id, run_input={"verb": "approve", "by": ELSEWHERE})
    if answer.status is not SetStateStatus.ACCEPT:
        await _rerun(client, run, case, "its resume was refused")


async def _unsettled(client: PrefectClient) -> list[FlowRun]:
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNSETTLED))
        ),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[settings().work_pool])),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=PAGE,
    )


async def _of(
    client: PrefectClient, ids: FlowRunFilterId | FlowRunFilterIdempotencyKey, count: int
) -> list[FlowRun]:
    """Read runs by their ids or keys, page by page."""
    runs: list[FlowRun] = []
    name = "id" if isinstance(ids, FlowRunFilterId) else "idempotency_key"
    for start in range(0, count, PAGE):
        part = ids.model_copy(update={"any_": (ids.any_ or [])[start : start + PAGE]})
        runs += await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(**{name: part}),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=PAGE,
        )
    return runs


async def _restart_lost(client: PrefectClient) -> int:
    """Start the runs of events again whose run ended before it opened a case."""
    lost = await asyncio.to_thread(_lost)
    keys = FlowRunFilterIdempotencyKey(any_=[*lost])
    alive = {
        run.idempotency_key
        for run in await _of(client, keys, len(lost))
        if run.state is not None and not run.state.is_final()
    }
    again = [key for key in lost if key not in alive]
    for key in again:
        logger.warning("event %s has no case and no run: started again", lost[key])
        await asyncio.to_thread(_ask_again, lost[key])
    return len(again)


def _lost() -> dict[str, str]:
    with transaction() as session:
        return without_case(session, now() - LOST_AFTER)


def _ask_again(inbox_id: str) -> None:
    with transaction() as session:
        start_again(session, inbox_id, now())


def _open_cases() -> list[KnownCase]:
    with transaction() as session:
        rows = session.exec(select(CaseRow).where(col(CaseRow.ending).is_(None))).all()
        return [_known(session, row) for row in rows if row.flow_run_id]


def _case_of_run(run_id: UUID) -> KnownCase | None:
    with transaction() as session:
        row = session.exec(select(CaseRow).where(CaseRow.flow_run_id == str(run_id))).one_or_none()
        return None if row is None else _known(session, row)


def _known(session: Session, row: CaseRow) -> KnownCase:
    return KnownCase(
        id=row.id,
        workflow=row.workflow,
        run_id=UUID(row.flow_run_id),
        is_open=row.ending is None,
        reruns=row.reruns,
        decided=is_over(session, row.id),
    )


def _count_rerun(case_id: str) -> None:
    with transaction() as session:
        row = find_case(session, case_id)
        row.reruns += 1
        session.add(row)


def _hand_off(case: KnownCase, why: str) -> None:
    hand_off_broken(workflow(case.workflow).contract, case.id, why)
