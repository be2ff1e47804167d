"""
What the Prefect UI shows: a deployment for each workflow and operation, made once, kept up to date.

Creating a deployment again would reset the schedules that people made, so an existing one is
only updated in what belongs to the code: its description, parameters and entry point.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import Flow
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.callables import parameter_schema

from flows.catalog import OPERATIONS, WORKFLOWS, Operation, Workflow, behind
from integrations.settings import settings
from rollout.contract import Contract
from rollout.holes import complete

ONE_AT_A_TIME = ConcurrencyLimitConfig(
    limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
)
RETIRED = ("climb/climb",)  #: deployments of earlier versions, which others do the work of


async def apply_all() -> None:
    """Apply every workflow; raises `ContractIncomplete` for a contract with holes."""
    async with get_client() as client:
        await _pool(client)
        for name in RETIRED:
            await _retire(client, name)
        for workflow in WORKFLOWS:
            complete(workflow.contract)
            await _apply(client, workflow, described(workflow.contract))
        for operation in OPERATIONS:
            await _apply(client, operation, operation.about, operation.every)


def load(one: Workflow | Operation) -> Flow[..., Any]:
    """Import the flow of a workflow or an operation."""
    flow: Flow[..., Any] = behind(one.flow)
    return flow


def described(contract: Contract) -> str:
    """Describe a workflow for its page in the UI."""
    return "\n".join(_markdown(contract))


async def _pool(client: PrefectClient) -> None:
    pool = WorkPoolCreate(name=settings().work_pool, type="taxiway", base_job_template={})
    try:
        await client.create_work_pool(pool)
    except ObjectAlreadyExists:
        return


async def _retire(client: PrefectClient, name: str) -> None:
    try:
        known = await client.read_deployment_by_name(name)
    except ObjectNotFound:
        return
    await client.delete_deployment(known.id)


async def _apply(
    client: PrefectClient, one: Workflow | Operation, text: str, every: timedelta | None = None
) -> None:
    flow = load(one)
    try:
        known = await client.read_deployment_by_name(one.full_name)
    except ObjectNotFound:
        made = await flow.ato_deployment(
            name=one.name,
            description=text,
            tags=["taxiway"] if isinstance(one, Workflow) else ["taxiway", "system"],
            entrypoint_type=EntrypointType.MODULE_PATH,
            interval=every,
            parameters=dict(one.takes) if isinstance(one, Operation) else None,
            concurrency_limit=None if isinstance(one, Workflow) else ONE_AT_A_TIME,
        )
        await made.aapply(work_pool_name=settings().work_pool)
        return
    await client.update_deployment(
        known.id,
        DeploymentUpdate(
            description=text,
            entrypoint=one.flow,
            parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
        ),
    )


def _markdown(contract: Contract) -> Iterator[str]:
    owners = contract.owners
    yield f"{contract.job.goal}"
    yield ""
    yield f"Started by {contract.job.trigger}. Contract {contract.version}."
    yield ""
    yield (
        f"Outcome: {owners.business}. Process: {owners.process}. Reliability: {owners.technical}. "
        f"Reviews: {owners.reviewer}. Governance: {owners.governance}."
    )
    yield ""
    yield "| exception | when | goes to | within | otherwise |"
    yield "|---|---|---|---|---|"
    for one in contract.exceptions:
        yield f"| {one.name} | {one.when} | {one.to} | {one.within} | {one.otherwise} |"
