"""A bare Prefect flow with as many tasks as a case that the agent decides alone."""

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

TASKS = 4  #: read_lead, mark_lane, propose_owner, assign_owner


@task(cache_policy=NO_CACHE, persist_result=False)
async def nothing(number: int) -> int:
    """Do nothing."""
    return number


@flow(name="bench-bare", persist_result=False)
async def bare() -> int:
    """Run the tasks one after another."""
    return sum([await nothing(number) for number in range(TASKS)])
