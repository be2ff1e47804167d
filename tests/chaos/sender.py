"""A sender: makes the writes of its cases in an order of its own, until it is done or killed."""

import asyncio
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flows.contracts.lead_routing import CONTRACT
from integrations.hubspot import HubSpot, owner_patch, task_creation
from integrations.settings import settings
from rollout.authority import Arm, Authority, Placement
from rollout.case import Action, Case
from rollout.contract import Contract
from rollout.effects import Basis, Intent, Request
from tasks.effects import Write, send

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
OWNER = "3"
AT_ONCE = 6  #: writes under way in one sender


@dataclass(frozen=True)
class Job:
    """One write that is to happen once: an owner that is set, or a task that is made."""

    case_id: str
    contact_id: str
    kind: str  #: set, search

    @property
    def subject(self) -> str:
        """What the CRM's log is searched for."""
        return f"[{self.case_id}] decide"


def contract(workflow: str) -> Contract:
    """The agreement of lead routing, under another name."""
    return replace(CONTRACT, workflow=workflow)


def run(jobs: Sequence[Job], workflow: str, env: Mapping[str, str], seed: int) -> None:
    """Make every write; what is done already is read from the ledger."""
    os.environ.update(env)
    settings.cache_clear()
    order = list(jobs)
    random.Random(seed).shuffle(order)
    asyncio.run(_all(order, workflow))


async def _all(jobs: Sequence[Job], workflow: str) -> None:
    known = settings()
    crm = HubSpot.at(known.crm_url, known.crm_token.get_secret_value(), timeout=1)
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(job: Job) -> None:
        async with turns:
            await send(_case(job, workflow), _write(crm, job))

    await asyncio.gather(*(one(job) for job in jobs))
    await crm.close()


def _case(job: Job, workflow: str) -> Case:
    agreed = contract(workflow)
    return Case(
        id=job.case_id,
        contract=agreed,
        contract_version=agreed.version,
        inbox_id=job.case_id,
        opened_at=WHEN,
        placement=Placement(authority=Authority.LIMITED, arm=Arm.EVERYONE, because="a trial"),
    )


def _write(crm: HubSpot, job: Job) -> Write:
    if job.kind == "set":
        built, action = owner_patch(job.contact_id, OWNER, job.subject), "crm.contact.owner"
    else:
        built = task_creation(
            subject=job.subject, body="a trial", due=WHEN, contact_id=job.contact_id
        )
        action = "crm.task"

    async def look() -> Mapping[str, str | None]:
        return {"owner": await crm.read_owner_of(job.contact_id)} if job.kind == "set" else {}

    async def by_subject() -> str | None:
        return next(iter(await crm.find_tasks(job.subject)), None)

    method, path, body = built
    return Write(
        intent=Intent(
            step=job.kind,
            action=Action(name=action, target=f"contact/{job.contact_id}", arguments={}),
            request=Request(method=method, path=path, body=body),
            basis=Basis.AGENT if job.kind == "set" else Basis.HANDOFF,
            expected={"owner": None} if job.kind == "set" else {},
            changes={"owner": OWNER} if job.kind == "set" else {},
        ),
        push=lambda request: crm.send(request.method, request.path, request.body),
        look=look,
        find=by_subject,
    )
