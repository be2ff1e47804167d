"""
The sweep: finds leads that nobody owns and no event told of, and opens their cases.

It goes the way of every event, through the inbox, so that a lead which it finds twice, or whose
webhook arrives after all, is still one case.
"""

from datetime import timedelta
from typing import Annotated, Literal

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field
from sqlmodel import Session

from flows.contracts.lead_routing import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot import HubSpot
from integrations.hubspot_records import Contact
from rollout.canonical import canonical
from rollout.handoffs import is_task_of
from rollout.inbox import receive
from rollout.lead_events import contact_made
from rollout.lead_routing import segment_of
from rollout.ledger import cases_called
from rollout.restoration import restored_since
from tasks.systems import crm_reader

SOURCE = "sweep"  #: whom the inbox names as the sender

Hours = Annotated[int, Field(ge=1, le=720)]
Size = Literal["SMB", "MM", "ENT"] | None
Most = Annotated[int, Field(ge=1, le=10_000)]


@flow(name="lead-sweep", persist_result=False)
async def lead_sweep(
    since: Hours = 24, segment: Size = None, limit: Most = 100, *, dry_run: bool = False
) -> dict[str, int]:
    """
    Find leads without an owner and without a case, and open their cases.

    Args:
        since: How many hours to look back, at most 720.
        segment: Only companies of this size; empty for all.
        limit: How many cases to open at most.
        dry_run: Only say what would be opened; open nothing.
    """
    told = get_run_logger()
    found, opened, after = 0, 0, "0"
    while after and opened < limit:
        crm = crm_reader(CONTRACT.workflow)
        contacts, after = await crm.find_unowned(now() - timedelta(hours=since), after)
        found += len(contacts)
        for contact in _of_size(contacts, segment):
            if opened >= limit or await was_handed_off(crm, contact):
                continue
            opened += _open(contact, dry_run=dry_run)
        told.info("%s leads without an owner so far, %s without a case", found, opened)
    told.info("%s: %s", "Would be opened" if dry_run else "Opened", opened)
    return {"found": found, "opened": 0 if dry_run else opened, "would_open": opened}


def _of_size(contacts: list[Contact], segment: str | None) -> list[Contact]:
    return [one for one in contacts if segment in {None, segment_of(one.employees)}]


async def was_handed_off(crm: HubSpot, contact: Contact) -> bool:
    """Whether a case that a restored backup has forgotten gave the lead to a person."""
    with transaction() as session:
        lost = restored_since(session, contact.created_at)
    if lost is None:
        return False
    tasks = await crm.find_tasks_of("contact", contact.id, lost.taken_at)
    return any(is_task_of(subject) for subject in tasks.values())


def _open(contact: Contact, *, dry_run: bool) -> bool:
    """Put a contact into the inbox unless a case knows it; whether there was something to do."""
    with transaction() as session:
        if _is_known(session, contact):
            return False
        if dry_run:
            return True
        _, fresh = receive(
            session,
            source=SOURCE,
            ext_id=f"contact-{contact.id}",
            workflow=CONTRACT.workflow,
            body=canonical(contact_made(contact.id, contact.created_at)),
            now=now(),
        )
        return fresh


def _is_known(session: Session, contact: Contact) -> bool:
    return bool(cases_called(session, contact.id))
