"""Reading a lead: the form beside the CRM, the account it belongs to, and who could take it."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from sqlmodel import Session

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import NotFound
from integrations.hubspot import HubSpot
from integrations.hubspot_records import Company, Contact, Owner
from rollout.account_match import Company as Account
from rollout.account_match import Match, match_account
from rollout.case import Case
from rollout.inbox import Arrival, envelope
from rollout.lead_events import contact_in, submission_in
from rollout.lead_routing import (
    Candidate,
    FormType,
    Lead,
    LeadCreated,
    domains_of,
    signs_of,
)
from rollout.lead_rules import appoint
from rollout.round_robin import available
from rollout.territories import (
    AccountKind,
    RosterRow,
    account_of,
    find_territory,
    seats_on,
    territories_at,
)
from tasks.steps import once, step
from tasks.systems import active_owners, crm_reader

COUNTRY = re.compile("[A-Z]{2}")


@step(retries=4)
@once("lead", Lead, actor="crm")
async def read_lead(case: Case) -> Lead:
    """Read the lead, its account and its territory: what the form said beside what is known."""
    with transaction() as session:
        body = envelope(session.get_one(Arrival, case.inbox_id))
    crm = crm_reader(case.workflow)
    try:
        contact = await crm.read_contact(contact_in(body))
    except NotFound:
        return _gone(case, body)
    said = submission_in(body) or _as_submitted(case, contact)
    match = await _match(crm, said, contact)
    owners = {owner.email: owner for owner in await active_owners()}
    lead = Lead(
        contact_id=said.contact_id,
        submission=said,
        retrieved_at=now(),
        email=said.email,
        company=said.company or (match.company.name if match.company else None),
        country=said.country or (match.company.country if match.company else None),
        current_owner=contact.owner_id,
        employees_form=said.employee_count,
        match=match,
        twins=await _twins(crm, said),
    )
    with transaction() as session:
        return _placed(session, lead, owners)


def _as_submitted(case: Case, contact: Contact) -> LeadCreated:
    """Give what the CRM knows of a contact as if its form had been sent."""
    form = contact.form_type if contact.form_type in get_args(FormType) else "contact"
    cut = {name: (value or "")[:200] or None for name, value in _texts(contact).items()}
    country = contact.country if COUNTRY.fullmatch(contact.country or "") else None
    return LeadCreated.model_validate(
        {
            "submission_id": case.inbox_id,
            "contact_id": contact.id,
            "form_type": form,
            "submitted_at": contact.created_at,
            "country": country,
            "employee_count": contact.employees,
            "free_text": (contact.message or "")[:10_000] or None,
            **cut,
        }
    )


def _texts(contact: Contact) -> dict[str, str | None]:
    return {
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "company": contact.company,
        "website": contact.website,
        "state": contact.state,
        "postal_code": contact.postal_code,
        "phone": contact.phone,
        "job_title": contact.job_title,
    }


def _gone(case: Case, body: Mapping[str, Any]) -> Lead:
    empty = LeadCreated(
        submission_id=case.inbox_id,
        contact_id=contact_in(body),
        form_type="contact",
        submitted_at=case.opened_at,
    )
    said = submission_in(body) or empty
    return Lead(contact_id=said.contact_id, submission=said, retrieved_at=now(), gone=True)


async def _match(crm: HubSpot, said: LeadCreated, contact: Contact) -> Match:
    if contact.company_id:
        account = _account(await crm.read_company(contact.company_id))
        return Match(company=account, by=("linked in the CRM",), points=100)
    signs = signs_of(said)
    domains = [one for one in (signs.email_domain, signs.website) if one]
    found = await crm.find_companies(dict.fromkeys(domains), said.company)
    return match_account(signs, map(_account, found))


async def _twins(crm: HubSpot, said: LeadCreated) -> tuple[str, ...]:
    if not (said.first_name and said.last_name and said.company):
        return ()
    found = await crm.find_namesakes(said.first_name, said.last_name, said.company)
    return tuple(one for one in found if one != said.contact_id)


def _placed(session: Session, lead: Lead, owners: Mapping[str, Owner]) -> Lead:
    """Add what the sheets of the day say."""
    day = lead.retrieved_at.date()
    account = account_of(session, day, domains_of(lead.submission, lead.match.company))
    rows = territories_at(session, day, lead.place.country, lead.place.segment)
    territory = find_territory(rows, lead.place)
    seats = seats_on(session, day, territory.team) if territory else []
    here = [seat for seat in seats if seat.owner_email in owners]
    able = available(session, territory.team, here, day) if territory else []
    return lead.model_copy(
        update={
            "account_kind": AccountKind(account.kind) if account else None,
            "appointed": appoint(
                lead.current_owner,
                lead.match.company,
                account,
                {owner.id: owner.email for owner in owners.values()},
            ),
            "territory": territory.territory if territory else None,
            "rivals": territory.rivals if territory else (),
            "team_name": territory.team if territory else None,
            "team": tuple(_candidate(seat, owners[seat.owner_email]) for seat in able),
            "skipped": tuple(_why_not(seat, owners) for seat in seats if seat not in able),
        }
    )


def _why_not(seat: RosterRow, owners: Mapping[str, Owner]) -> str:
    if seat.owner_email not in owners:
        return f"{seat.owner_email} is not active in the CRM"
    return f"{seat.owner_email} is away or has the day's leads"


def _candidate(seat: RosterRow, owner: Owner) -> Candidate:
    return Candidate(
        email=owner.email,
        owner_id=owner.id,
        name=f"{owner.first_name} {owner.last_name}",
        industries=_listed(seat.industries),
        languages=_listed(seat.languages),
        countries=_listed(seat.countries),
    )


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split(";") if word.strip())


def _account(company: Company) -> Account:
    return Account(
        id=company.id,
        name=company.name,
        domain=company.domain,
        country=company.country,
        phone=company.phone,
        employees=company.employees,
        annual_revenue=company.annual_revenue,
        industry=company.industry,
        owner_id=company.owner_id,
        lifecycle=company.lifecycle_stage,
        open_deals=company.open_deals,
        contacts=company.contacts,
        parent_id=company.parent_id,
        created_at=company.created_at,
    )
