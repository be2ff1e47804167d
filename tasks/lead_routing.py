"""The steps of lead routing: mark the lane, propose the lead's owner, write the owner."""

import time
from collections import Counter

from integrations.agents import AgentFailed, Choice, Question, Release
from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot_writes import lane_patch, owner_patch
from rollout.authority import Authority
from rollout.case import Action, Case, Proposal
from rollout.contract import Impact
from rollout.decisions import Decision
from rollout.effects import Basis, Intent, Request, Sent, State
from rollout.gate import may_write
from rollout.lead_routing import Appointed, Lead
from rollout.ledger import remember
from rollout.round_robin import Turn, pass_turn, take_turn, taken_on
from rollout.territories import Kind, RosterRow, all_rows, seats_on
from tasks.cases import PROPOSAL
from tasks.effects import Write, send, word_of
from tasks.lead_agent import all_lead_agents
from tasks.proposals import acting, note_asked, proposal_of
from tasks.spending import CasePurse
from tasks.steps import once, step
from tasks.systems import crm_writer
from tasks.undo import take_back_step

OWNER = "crm.contact.owner"
LANE = "crm.contact.lane"
AGENTS = "agent"  #: the lane in which the CRM's own assignment leaves a lead alone
FALLBACK = 0.5  #: the sureness of a mere turn: always a person's to approve


@step()
async def mark_lane(case: Case, lead: Lead) -> Sent | None:
    """Claim a lead that the agent may decide on alone, before the CRM's own assignment does."""
    if case.authority.height < Authority.LIMITED.height:
        return None
    crm = crm_writer(case)
    method, path, body = lane_patch(lead.contact_id, AGENTS)

    async def lane_now() -> dict[str, str | None]:
        return {"lane": await crm.read_lane_of(lead.contact_id)}

    return await send(
        case,
        Write(
            intent=Intent(
                step="lane",
                action=Action(name=LANE, target=f"contact/{lead.contact_id}", arguments={}),
                request=Request(method=method, path=path, body=body),
                basis=Basis.AGENT,
                changes={"lane": AGENTS},
            ),
            push=lambda request: crm.send(request.method, request.path, request.body),
            look=lane_now,
        ),
    )


def propose_by_rule(case: Case, lead: Lead, appointed: Appointed) -> Proposal:
    """Propose the owner whom a rule names; no agent is asked."""
    with transaction() as session:
        return remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=PROPOSAL,
            fact=Proposal(
                action=action_of(lead, appointed.email),
                reason=appointed.because,
                confidence=1,
                data_confidence=1,
                release="rules",
                decided_by=appointed.rule,
            ),
            actor="rule",
            at=now(),
        )


@step(retries=2)
@once(PROPOSAL, Proposal, actor="agent")
async def propose_owner(case: Case, lead: Lead) -> Proposal:
    """Ask the agent for an owner. Every call is noted and charged; one answer stands."""
    agent = acting(case.workflow, all_lead_agents())
    note_asked(case, agent.release)
    turn, taken = turn_of(case, lead)
    started = time.monotonic()
    try:
        answer = await agent.propose(question_of(lead, turn, taken), CasePurse(case))
    except AgentFailed as error:
        return _fallback(lead, turn, str(error), agent.release)
    action = action_of(lead, answer.decision["owner"])
    return proposal_of(action, answer, time.monotonic() - started, agent.release)


@step()
async def assign_owner(
    case: Case, lead: Lead, proposal: Proposal, decision: Decision | None
) -> Sent:
    """Write the owner into the CRM, once; where that fails for good, the lane is given back."""
    crm = crm_writer(case)
    email = proposal.action.arguments["owner"]
    owner_id = _owner_id(lead, email)
    method, path, body = owner_patch(lead.contact_id, owner_id, proposal.reason)
    with transaction() as session:
        pass_turn(session, case.id, email)

    async def current_owner() -> dict[str, str | None]:
        return {"owner": await crm.read_owner_of(lead.contact_id)}

    sent = await send(
        case,
        Write(
            intent=Intent(
                step="owner",
                action=proposal.action,
                request=Request(method=method, path=path, body=body),
                basis=word_of(decision),
                nth=decision.nth if decision else None,
                expected={"owner": lead.current_owner},
                changes={"owner": owner_id},
            ),
            push=lambda request: crm.send(request.method, request.path, request.body),
            look=current_owner,
        ),
    )
    if sent.state is not State.DONE:
        await take_back_step(case, "lane", f"the owner was not written: {sent.because}")
    return sent


def owner_choices(lead: Lead) -> dict[str, list[str]]:
    """Give what a reviewer may set instead: anybody who can take the lead today."""
    return {"owner": sorted(_ids(lead))}


def wrong_owners(lead: Lead) -> dict[str, list[str]]:
    """Give whom the lead cannot be right for: people of other teams only."""
    own = {*_ids(lead)}
    with transaction() as session:
        rows = all_rows(session, Kind.ROSTER, lead.retrieved_at.date())
    roster = [row for row in rows if isinstance(row, RosterRow)]
    own |= {row.owner_email for row in roster if row.team == lead.team_name}
    return {"owner": sorted({row.owner_email for row in roster} - own)}


def _ids(lead: Lead) -> dict[str, str]:
    ids = {one.email: one.owner_id for one in lead.team}
    if lead.appointed and lead.appointed.owner_id:
        ids[lead.appointed.email] = lead.appointed.owner_id
    return ids


def _owner_id(lead: Lead, email: str) -> str:
    return _ids(lead)[email]


def turn_of(case: Case, lead: Lead) -> tuple[Turn | None, Counter[str]]:
    """Take a turn on the lead's team; a case that only watches takes none."""
    team, day = lead.team_name or "", lead.retrieved_at.date()
    able = {one.email for one in lead.team}
    with transaction() as session:
        taken = taken_on(session, team, day)
        if not may_write(case.placement):
            return None, taken
        seats = [seat for seat in seats_on(session, day, team) if seat.owner_email in able]
        return take_turn(session, case.id, team, seats, day, now()), taken


def question_of(lead: Lead, turn: Turn | None, taken: Counter[str]) -> Question:
    """Give what an agent is asked about a lead."""
    said, account = lead.submission, lead.account
    first = turn.owner_email if turn else None
    return Question(
        facts={
            "lead_id": lead.contact_id,
            "email": lead.email,
            "first_name": said.first_name,
            "last_name": said.last_name,
            "company": lead.company,
            "website": said.website,
            "country": lead.country,
            "country_crm": account.country,
            "state": said.state,
            "postal_code": said.postal_code,
            "job_title": said.job_title,
            "employees_form": lead.employees_form,
            "employees_crm": account.employees,
            "industry": account.industry,
            "form_type": said.form_type,
            "message": said.free_text,
            "annual_revenue": account.annual_revenue,
            "company_domain": account.domain,
            "company_lifecycle": account.lifecycle,
            "company_owner": account.owner_id,
            "open_deals": account.open_deals if lead.match.company else 0,
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
                load=0 if one.email == first else 1 + taken[one.email],
            )
            for one in lead.team
        ),
        asked_at=lead.retrieved_at,
    )


def action_of(lead: Lead, email: str) -> Action:
    """Give the write that would make somebody a lead's owner."""
    impacts = frozenset({Impact.REVENUE}) if lead.account.open_deals else frozenset[Impact]()
    return Action(
        name=OWNER,
        target=f"contact/{lead.contact_id}",
        arguments={"owner": email},
        impacts=impacts,
    )


def _fallback(lead: Lead, turn: Turn | None, why: str, release: Release) -> Proposal:
    """Propose whoever's turn it is, for a person to approve: the agent gave no answer."""
    email = turn.owner_email if turn else lead.team[0].email
    return Proposal(
        action=action_of(lead, email),
        reason=f"agent_fallback: {why}; it is {email}'s turn",
        confidence=FALLBACK,
        data_confidence=FALLBACK,
        release=release.id,
    )
