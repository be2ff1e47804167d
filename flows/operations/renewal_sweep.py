"""
The nightly look: one run looks over every customer that renews soon, and opens cases for the risky.

It goes the way of every event, through the inbox, so that a night that is run twice opens nothing
twice. What it finds is only the reason for a case: the case reads the customer again.
"""

from datetime import date, timedelta
from typing import Annotated

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field

from flows.contracts.renewal_risk import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority
from rollout.canonical import canonical
from rollout.grants import current
from rollout.inbox import receive
from rollout.renewal import AHEAD_DAYS, Renewal
from rollout.renewal_events import case_of_renewal, found_by_night
from tasks.renewal_facts import as_renewal
from tasks.systems import crm_reader

SOURCE = "sweep"  #: whom the inbox names as the sender

Days = Annotated[int, Field(ge=1, le=AHEAD_DAYS)]
Most = Annotated[int, Field(ge=1, le=10_000)]


@flow(name="renewal-sweep", persist_result=False)
async def renewal_sweep(
    days: Days = AHEAD_DAYS, limit: Most = 200, *, dry_run: bool = False
) -> dict[str, int]:
    """
    Look over the customers that renew soon, and open cases for those at risk.

    Args:
        days: How many days before a renewal a customer is looked at, at most 120.
        limit: How many cases to open at most in one night.
        dry_run: Only say what would be opened; open nothing.
    """
    told, today = get_run_logger(), now().date()
    looked, opened, after = 0, 0, "0"
    while after and opened < limit:
        found, after = await crm_reader(CONTRACT.workflow).find_renewals(
            today, today + timedelta(days=days), after
        )
        looked += len(found)
        for account in map(as_renewal, found):
            if opened < limit and needs_a_case(account):
                opened += _open(account, today, dry_run=dry_run)
        told.info("%s customers looked at so far, %s to be somebody's", looked, opened)
    told.info("%s: %s", "Would be opened" if dry_run else "Opened", opened)
    return {"looked_at": looked, "opened": 0 if dry_run else opened, "would_open": opened}


def needs_a_case(account: Renewal) -> bool:
    """Whether somebody has to look: it is at risk, or its figures cannot tell."""
    if account.renewed_lately:
        return False
    cannot_tell = account.usage is None or account.legal_words or account.notice_has_passed
    return account.is_at_risk or cannot_tell or bool(account.disagrees)


def _open(account: Renewal, night: date, *, dry_run: bool) -> bool:
    """Put a customer into the inbox unless a case has its renewal; whether there was need."""
    with transaction() as session:
        watched = current(session, CONTRACT.workflow).authority.height <= Authority.SHADOW.height
        if case_of_renewal(session, account.key, only_watched=watched):
            return False
        if dry_run:
            return True
        _, fresh = receive(
            session,
            source=SOURCE,
            ext_id=f"{account.key}:{night}",
            workflow=CONTRACT.workflow,
            body=canonical(found_by_night(account.company_id, night)),
            now=now(),
        )
        return fresh
