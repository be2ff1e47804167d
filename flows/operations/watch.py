"""
The watch: every minute, it looks over all that is open and puts right what nobody works on.

It takes stops from their files into the ledger, settles writes whose case has ended, withdraws
questions that nobody waits for, lets deadlines pass and tells people, seals the ledger, and calls
the heartbeat address when all of it went well. Each part is safe to repeat; one that fails is
told, and the others go on. Dead runs are the worker's own: it alone knows which it has in hand.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from prefect import flow
from prefect.logging import get_run_logger
from prefect.logging.loggers import LoggingAdapter

from flows.catalog import WORKFLOWS
from integrations.clock import now
from integrations.database import transaction
from integrations.heartbeat import beat
from rollout.errors import TaxiwayError
from tasks.deadlines import pass_deadlines
from tasks.halts import heed_flags
from tasks.monitors import hear_monitors
from tasks.notices import send_notices
from tasks.reconcile import settle_abandoned, withdraw_questions
from tasks.seals import seal_ledger

Logger: TypeAlias = logging.Logger | LoggingAdapter


class WatchIncomplete(TaxiwayError):
    """A part of the watch failed; the others were done, and no heartbeat went out."""


@flow(name="watch", persist_result=False)
async def watch() -> dict[str, int]:
    """Look over all that is open, once."""
    return await look_over(get_run_logger())


async def look_over(told: Logger) -> dict[str, int]:
    """Do each part; raises `WatchIncomplete` naming those that failed."""
    done: dict[str, int] = {}
    failed: list[str] = []
    for name, part in PARTS.items():
        try:
            done[name] = await part()
        except Exception as error:  # noqa: BLE001 # one part's trouble must not stop the others
            told.exception("%s failed", name)
            failed.append(f"{name}: {type(error).__name__}")
    told.info(", ".join(f"{name} {count}" for name, count in done.items()))
    if failed:
        raise WatchIncomplete("; ".join(failed))
    if trouble := await beat():
        told.warning(trouble)
    return done


async def _stops() -> int:
    return await asyncio.to_thread(_heed)


def _heed() -> int:
    with transaction() as session:
        return heed_flags(session)


async def _settled() -> int:
    return await settle_abandoned([one.contract for one in WORKFLOWS])


async def _deadlines() -> int:
    return await pass_deadlines([one.contract for one in WORKFLOWS])


async def _withdrawn() -> int:
    return await asyncio.to_thread(withdraw_questions, [one.contract for one in WORKFLOWS])


async def _notices() -> int:
    return await send_notices([one.contract for one in WORKFLOWS])


async def _fallen() -> int:
    heard = [await asyncio.to_thread(hear_monitors, one.contract, now()) for one in WORKFLOWS]
    return sum(map(len, heard))


async def _sealed() -> int:
    return await asyncio.to_thread(seal_ledger)


PARTS: dict[str, Callable[[], Awaitable[int]]] = {
    "stops": _stops,
    "writes settled": _settled,
    "fallen": _fallen,
    "questions withdrawn": _withdrawn,
    "deadlines passed": _deadlines,
    "notices": _notices,
    "rows sealed": _sealed,
}
