"""
The tick of the climb, for one workflow: what people decided is gathered, monitors are heard, and
the way ahead is judged.

It lowers by itself and never raises: a rise is asked for and signed by people. Each part may be
repeated: what is known is not gathered twice, and a fall ends what caused it. A system that is away
keeps no monitor from being heard: what people did there is gathered by the next run.
"""

import asyncio

from prefect import flow
from prefect.logging import get_run_logger

from flows.catalog import behind
from flows.catalog import workflow as find
from integrations.clock import now
from tasks.monitors import look, recheck


@flow(name="climb", persist_result=False)
async def climb(workflow: str) -> str:
    """
    Gather what people decided, let monitors speak, and say what stands ahead.

    Args:
        workflow: Whose agent is looked at.
    """
    told, one = get_run_logger(), find(workflow)
    for entry in one.gathers:
        told.info("%s: %s", entry.rpartition(":")[2], await behind(entry)(one.contract))
    told.info(
        "%s cases are to be decided once more", await asyncio.to_thread(recheck, one.contract)
    )
    found = await asyncio.to_thread(look, one.contract, now())
    for words in found.fell:
        told.warning("%s", words)
    ahead = found.ahead
    said = f"ready for {ahead.target}" if ahead.is_ready else f"stays {ahead.grant}"
    told.info("%s: %s", workflow, said)
    for why_not in ahead.because:
        told.info("%s: %s", workflow, why_not)
    return said
