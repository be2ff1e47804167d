"""Forgetting a case: what we hold of it, and what its run has left with Prefect."""

from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from integrations.clock import now
from integrations.database import transaction
from rollout.erasure import erase


async def forget_case(case_id: str, *, by: str) -> None:
    """
    Erase a case here, then delete its run in Prefect with all that hangs on it.

    Prefect's part comes second and may be repeated: an erased case is found by its number.
    """
    with transaction() as session:
        run = erase(session, case_id, by=by, now=now())
    if run:
        async with get_client() as client:
            await _forget_run(client, UUID(run))


async def _forget_run(client: PrefectClient, run: UUID) -> None:
    """Delete a run's forms and answers, and the run itself."""
    try:
        found = await client.filter_flow_run_input(
            run, key_prefix="", limit=200, exclude_keys=set()
        )
        for one in found:
            await client.delete_flow_run_input(run, one.key)
        await client.delete_flow_run(run)
    except ObjectNotFound:
        return
