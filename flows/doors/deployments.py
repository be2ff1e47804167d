"""
What the Prefect UI shows of each workflow: its deployment, made once, kept up to date.

Creating a deployment again would reset the schedules that people made, so an existing one is
only updated in what belongs to the code: its description, parameters and entry point.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import Flow
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.callables import parameter_schema

from flows.catalog import WORKFLOWS, Workflow
from integrations.settings import settings
from rollout.contract import Contract, complete


async def apply_all() -> None:
    """Apply every workflow; raises `ContractIncomplete` for a contract with holes."""
    async with get_client() as client:
        await _pool(client)
        for workflow in WORKFLOWS:
            complete(workflow.contract)
            await _apply(client, workflow)


def load(workflow: Workflow) -> Flow[..., Any]:
    """Import a workflow's flow."""
    module, _, name = workflow.flow.partition(":")
    flow: Flow[..., Any] = getattr(import_module(module), name)
    return flow


def full_name(workflow: str) -> str:
    """Give a deployment's full name in Prefect."""
    return f"{workflow}/{workflow}"


def described(contract: Contract) -> str:
    """Describe a workflow for its page in the UI."""
    return "\n".join(_markdown(contract))


async def _pool(client: PrefectClient) -> None:
    pool = WorkPoolCreate(name=settings().work_pool, type="taxiway", base_job_template={})
    try:
        await client.create_work_pool(pool)
    except ObjectAlreadyExists:
        return


async def _apply(client: PrefectClient, workflow: Workflow) -> None:
    flow, text = load(workflow), described(workflow.contract)
    try:
        known = await client.read_deployment_by_name(full_name(workflow.name))
    except ObjectNotFound:
        made = await flow.ato_deployment(
            name=workflow.name,
            description=text,
            tags=["taxiway"],
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        await made.aapply(work_pool_name=settings().work_pool)
        return
    await client.update_deployment(
        known.id,
        DeploymentUpdate(
            description=text,
            entrypoint=workflow.flow,
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
        hours = one.within.total_seconds() / 3600
        yield f"| {one.name} | {one.when} | {one.to} | {hours:g} h | {one.otherwise} |"
