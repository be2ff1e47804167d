"""The steps of lead routing: read the lead, propose its owner, write the owner."""

import time
from dataclasses import asdict

from integrations.agents import Answer, Choice, Question
from integrations.agents.lead_scorer import LeadScorer
from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot import Company, Owner, owner_patch
from rollout.case import Action, Case, Cost, Evidence, Proposal
from rollout.contract import Impact
from rollout.decisions import Decision
from rollout.effects import Intent, Request, Sent
from rollout.inbox import Arrival, envelope
from rollout.lead_routing import (
    Candidate,
    Lead,
    LeadCreated,
    Seat,
    seats_of,
    territory_for,
)
from rollout.ledger import note_next
from tasks.cases import PROPOSAL
from tasks.effects import Write, send, word_of
from tasks.steps import once, step
from tasks.systems import crm_reader, crm_writer

OWNER = "crm.contact.owner"
AGENT = LeadScorer()


@step(retries=4)
@once("lead", Lead, actor="crm")
async def read_lead(case: Case) -> Lead:
    """Read the lead, its company and its territory: what the form said beside what the CRM says."""
    with transaction() as session:
        body = envelope(session.get_one(Arrival, case.inbox_id))
    said = LeadCreated.model_validate(body["data"])
    crm = crm_reader()
    contact = await crm.read_contact(said.contact_id)
    company = await crm.read_company(contact.company_id) if contact.company_id else None
    owners = {owner.email: owner for owner in await crm.owners() if not owner.archived}
    lead = _lead(said, company, contact.owner_id)
    with transaction() as session:
        territory = territory_for(session, lead.country, lead.segment)
        seats = seats_of(session, territory.team) if territory else []
    return lead.model_copy(
        update={
            "territory": territory.territory if territory else None,
            "team": tuple(
                _candidate(seat, owners[seat.owner_email])
                for seat in seats
                if seat.owner_email in owners
            ),
        }
    )


@step(retries=2)
@once(PROPOSAL, Proposal, actor="agent")
async def propose_owner(case: Case, lead: Lead) -> Proposal:
    """Ask the agent for an owner. Every call is noted and charged; one answer stands."""
    with transaction() as session:
        note_next(
            session,
            workflow=case.workflow,
            case_id=case.id,
            kind="asked",
            actor="taxiway",
            at=now(),
            fields={"release": AGENT.release.id},
        )
    started = time.monotonic()
    answer = await AGENT.propose(_question(lead))
    return _proposal(lead, answer, time.monotonic() - started)


@step()
async def assign_owner(
    case: Case, lead: Lead, proposal: Proposal, decision: Decision | None
) -> Sent:
    """Write the owner into the CRM, once."""
    crm = crm_writer(case)
    email = proposal.action.arguments["owner"]
    owner = next(one for one in lead.team if one.email == email)
    method, path, body = owner_patch(lead.contact_id, owner.owner_id, proposal.reason)

    async def current_owner() -> dict[str, str | None]:
        return {"owner": await crm.read_owner_of(lead.contact_id)}

    return await send(
        case,
        Write(
            intent=Intent(
                step="owner",
                action=proposal.action,
                request=Request(method=method, path=path, body=body),
                basis=word_of(decision),
                nth=1 if decision else None,
                expected={"owner": lead.current_owner},
                changes={"owner": owner.owner_id},
            ),
            push=lambda request: crm.send(request.method, request.path, request.body),
            look=current_owner,
        ),
    )


def owner_choices(lead: Lead) -> dict[str, list[str]]:
    """Give what a reviewer may set instead: any other member of the territory's team."""
    return {"owner": [one.email for one in lead.team]}


def _lead(said: LeadCreated, company: Company | None, owner_id: str | None) -> Lead:
    return Lead(
        contact_id=said.contact_id,
        submission=said,
        retrieved_at=now(),
        email=said.email,
        company=said.company or (company.name if company else None),
        country=said.country or (company.country if company else None),
        current_owner=owner_id,
        employees_form=said.employee_count,
        employees_crm=company.employees if company else None,
        company_id=company.id if company else None,
        company_domain=company.domain if company else None,
        company_country=company.country if company else None,
        company_owner=company.owner_id if company else None,
        company_lifecycle=company.lifecycle_stage if company else None,
        industry=company.industry if company else None,
        annual_revenue=company.annual_revenue if company else None,
        open_deals=company.open_deals if company else 0,
    )


def _candidate(seat: Seat, owner: Owner) -> Candidate:
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


def _question(lead: Lead) -> Question:
    said = lead.submission
    return Question(
        facts={
            "lead_id": lead.contact_id,
            "email": lead.email,
            "first_name": said.first_name,
            "last_name": said.last_name,
            "company": lead.company,
            "website": said.website,
            "country": lead.country,
            "country_crm": lead.company_country,
            "state": said.state,
            "postal_code": said.postal_code,
            "job_title": said.job_title,
            "employees_form": lead.employees_form,
            "employees_crm": lead.employees_crm,
            "industry": lead.industry,
            "form_type": said.form_type,
            "message": said.free_text,
            "annual_revenue": lead.annual_revenue,
            "company_domain": lead.company_domain,
            "company_lifecycle": lead.company_lifecycle,
            "company_owner": lead.company_owner,
            "open_deals": lead.open_deals,
            "segment": lead.segment.value,
            "territory": lead.territory,
        },
        choices=tuple(
            Choice(
                owner=one.email,
                name=one.name,
                industries=one.industries,
                languages=one.languages,
                countries=one.countries,
                load=0,
            )
            for one in lead.team
        ),
        asked_at=lead.retrieved_at,
    )


def _proposal(lead: Lead, answer: Answer, seconds: float) -> Proposal:
    impacts = frozenset({Impact.REVENUE}) if lead.open_deals else frozenset[Impact]()
    return Proposal(
        action=Action(
            name=OWNER,
            target=f"contact/{lead.contact_id}",
            arguments={"owner": answer.decision["owner"]},
            impacts=impacts,
        ),
        reason=answer.reason,
        confidence=answer.confidence,
        data_confidence=answer.data_confidence,
        calibrated_on=AGENT.release.calibrated_on,
        conflicts=answer.conflicts,
        unclear=answer.unclear,
        evidence=tuple(Evidence.model_validate(asdict(one)) for one in answer.evidence),
        cost=Cost.model_validate(asdict(answer.cost)),
        seconds=seconds,
        release=AGENT.release.id,
    )
