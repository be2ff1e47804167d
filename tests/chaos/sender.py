"""
A sender: makes the writes of its cases in an order of its own, until it is done or killed.

Each kind of write is made safe another way: `set` an owner, `upsert` a contact, a task that is
`search`ed for, a refund under a `native_key`, and a task that nothing makes safe: `none`.
"""

import asyncio
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flows.contracts.lead_routing import CONTRACT, NOT_SENT
from integrations.hubspot import HubSpot
from integrations.hubspot_writes import Built, contact_upsert, owner_patch, task_creation
from integrations.settings import settings
from integrations.stripe import Stripe, refund_creation
from rollout.authority import Arm, Authority, Placement
from rollout.case import Action, Case
from rollout.contract import ActionRule, Contract, Safety
from rollout.effects import Basis, Intent, Request, State
from rollout.fields import FieldRule
from tasks.effects import Write, send
from tasks.handoffs import offer_case

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
OWNER = "3"
KINDS = ("set", "search", "native_key", "upsert", "none")
AT_ONCE = 6  #: writes under way in one sender


@dataclass(frozen=True)
class Job:
    """One write that is to happen once."""

    case_id: str
    contact_id: str
    kind: str  #: one of `KINDS`

    @property
    def subject(self) -> str:
        """What the CRM's log is searched for."""
        return f"[{self.case_id}] decide"


def contract(workflow: str) -> Contract:
    """The agreement of lead routing under another name, with an action for each safety."""
    rules = tuple(
        ActionRule(
            name=kind,
            safety=Safety(kind),
            measure="a trial",
            fields=(FieldRule("owner"),) if kind == "set" else (),
            alone_per_day=1_000_000,
        )
        for kind in KINDS
    )
    return replace(
        CONTRACT, workflow=workflow, boundaries=replace(CONTRACT.boundaries, write=rules)
    )


def run(jobs: Sequence[Job], workflow: str, env: Mapping[str, str], seed: int) -> None:
    """Make every write; what is done already is read from the ledger."""
    os.environ.update(env)
    settings.cache_clear()
    order = list(jobs)
    random.Random(seed).shuffle(order)
    asyncio.run(_all(order, workflow))


async def _all(jobs: Sequence[Job], workflow: str) -> None:
    known = settings()
    token = known.crm_token.get_secret_value()
    crm, bank = HubSpot.at(known.crm_url, token, timeout=1), Stripe.at(known.crm_url, token, 1)
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(job: Job) -> None:
        async with turns:
            case = _case(job, workflow)
            sent = await send(case, _write(crm, bank, job))
            if sent.state is not State.DONE:  # as a flow does it
                offer_case(case, NOT_SENT, sent.because)

    await asyncio.gather(*(one(job) for job in jobs))
    await crm.close()
    await bank.close()


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


def _write(crm: HubSpot, bank: Stripe, job: Job) -> Write:
    async def look() -> Mapping[str, str | None]:
        return {"owner": await crm.read_owner_of(job.contact_id)} if job.kind == "set" else {}

    async def by_subject() -> str | None:
        return next(iter(await crm.find_tasks(job.subject)), None)

    async def push(request: Request) -> str:
        if job.kind == "native_key":
            return await bank.send(request.method, request.path, request.body, request.key)
        return await crm.send(request.method, request.path, request.body)

    method, path, body = _built(job)
    return Write(
        intent=Intent(
            step=job.kind,
            action=Action(name=job.kind, target=f"contact/{job.contact_id}", arguments={}),
            request=Request(method=method, path=path, body=body),
            basis=Basis.AGENT,
            expected={"owner": None} if job.kind == "set" else {},
            changes={"owner": OWNER} if job.kind == "set" else {},
        ),
        push=push,
        look=look,
        find=by_subject,
    )


def _built(job: Job) -> Built:
    match job.kind:
        case "set":
            return owner_patch(job.contact_id, OWNER, job.subject)
        case "native_key":
            reason = "requested_by_customer"
            return refund_creation(
                charge=f"ch_{job.contact_id}", amount=500, reason=reason, case_id=job.subject
            )
        case "upsert":
            words = {"taxiway_message": job.subject}
            return contact_upsert(f"{job.contact_id}@new.example", words)
        case _:
            return task_creation(
                subject=job.subject, body="a trial", due=WHEN, kind="contact", record=job.contact_id
            )
