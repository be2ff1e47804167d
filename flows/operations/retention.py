"""
Retention: erases what is about people once a case has been over as long as its contract says.

Open cases are never touched. Events are kept for thirty days at least, since senders repeat them
for days and a repeated one must be known.
"""

from datetime import timedelta
from typing import Annotated

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field

from flows.catalog import WORKFLOWS
from integrations.clock import now
from integrations.database import transaction
from rollout.erasure import ended_before
from tasks.forget import forget_case

SHORTEST = timedelta(days=30)
Most = Annotated[int, Field(ge=1, le=100_000)]


@flow(name="retention", persist_result=False)
async def retention(limit: Most = 1_000, *, dry_run: bool = False) -> dict[str, int]:
    """
    Erase what is about people in cases that ended long ago.

    Args:
        limit: How many cases of each workflow at most.
        dry_run: Only say how many there are; erase nothing.
    """
    told, done = get_run_logger(), {}
    for one in WORKFLOWS:
        keep = max(one.contract.retention or SHORTEST, SHORTEST)
        with transaction() as session:
            cases = ended_before(session, one.name, now() - keep, limit)
        for case_id in [] if dry_run else cases:
            await forget_case(case_id, by="retention")
        done[one.name] = len(cases)
        verb = "would be erased" if dry_run else "erased"
        told.info("%s: %s cases older than %s days %s", one.name, len(cases), keep.days, verb)
    return done
