"""
The CRM's own assignment, as an installation may have it: a workflow that hands out new contacts.

It waits a while after a contact was made, leaves those alone that have an owner or are in the
agent's lane, and gives the others to its pool in turn.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

from fastapi import FastAPI

from integrations.sandbox.store import Store

Lifespan: TypeAlias = Callable[[FastAPI], AbstractAsyncContextManager[None]]

LOOKS_EVERY = 0.1  #: seconds
AGENTS_LANE = "agent"
WORKFLOW = "AUTOMATION_PLATFORM"  #: how the history of a property calls the CRM's own workflows


@dataclass(frozen=True)
class Assignment:
    """How the CRM hands out contacts."""

    after: float  #: seconds after a contact was made
    pool: tuple[str, ...]  #: owner ids


def assign_due(store: Store, rule: Assignment) -> list[str]:
    """Give every contact that is due an owner; gives the contacts' ids."""
    due = [
        record
        for record in store.all("contacts")
        if record.created <= time.time() - rule.after
        and not record.properties.get("hubspot_owner_id")
        and record.properties.get("taxiway_lane") != AGENTS_LANE
    ]
    with store.whole():
        for record in due:
            owner = rule.pool[record.id % len(rule.pool)]
            store.assign("contacts", record.id, {"owner": owner, "source": WORKFLOW})
    return [str(record.id) for record in due]


def assigning(store: Store, rule: Assignment) -> Lifespan:
    """Build the application's lifespan, in which the workflow runs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        work = asyncio.create_task(_for_ever(store, rule))
        yield
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    return lifespan


async def _for_ever(store: Store, rule: Assignment) -> None:
    while True:
        assign_due(store, rule)
        await asyncio.sleep(LOOKS_EVERY)
