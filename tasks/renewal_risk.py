"""The steps of renewal risk: propose a risk and a play, mark the customer, name who has it."""

import time
from dataclasses import replace

from integrations.agents import Answer, Question
from integrations.agents.renewal_advisor import PLAYS, RenewalAdvisor
from integrations.database import transaction
from integrations.hubspot_writes import risk_patch
from rollout.case import Action, Case, Proposal
from rollout.contract import Handoff, Leg
from rollout.decisions import Decision
from rollout.effects import Intent, Request, Sent
from rollout.people import read_directory
from rollout.renewal import Renewal
from tasks.cases import PROPOSAL
from tasks.effects import Write, send, word_of
from tasks.proposals import note_asked, proposal_of
from tasks.spending import CasePurse
from tasks.steps import once, step
from tasks.systems import crm_writer

RISK = "crm.company.risk"
ADVISOR = RenewalAdvisor()
CHOICES = {"risk": ["high", "medium", "low"], "play": sorted(PLAYS)}
WRONG = {"risk": ["low"]}  #: of a customer who is at risk


@step(retries=2)
@once(PROPOSAL, Proposal, actor="agent")
async def propose_plan(case: Case, account: Renewal) -> Proposal:
    """Ask the agent how much the renewal is at risk, and what is to be done first."""
    note_asked(case, ADVISOR.release)
    started = time.monotonic()
    answer = await ADVISOR.propose(_question(account), CasePurse(case))
    seconds = time.monotonic() - started
    return proposal_of(_action(account, answer), answer, seconds, ADVISOR.release)


@step()
async def mark_risk(
    case: Case, account: Renewal, proposal: Proposal, decision: Decision | None
) -> Sent:
    """Write the risk and the play onto the customer in the CRM, once."""
    crm = crm_writer(case)
    said = proposal.action.arguments
    method, path, body = risk_patch(account.company_id, said["risk"], said["play"])

    async def risk_now() -> dict[str, str | None]:
        return {"risk": await crm.read_risk_of(account.company_id)}

    return await send(
        case,
        Write(
            intent=Intent(
                step="risk",
                action=proposal.action,
                request=Request(method=method, path=path, body=body),
                basis=word_of(decision),
                nth=decision.nth if decision else None,
                expected={"risk": account.risk},
                changes={"risk": said["risk"]},
            ),
            push=lambda request: crm.send(request.method, request.path, request.body),
            look=risk_now,
        ),
    )


def next_steps(account: Renewal, proposal: Proposal) -> str:
    """Say in words what a receiver needs: the risk, the facts, and what to do first."""
    said, health = proposal.action.arguments, account.health
    facts = [
        f"Renewal on {account.renewal_date}, in {account.days_left} days",
        f"{account.figures.get('renewal_arr_minor', 0) / 100:,.0f} a year",
        f"health {health.score} ({health.band})",
        *(one.says for one in proposal.evidence),
    ]
    return f"Risk {said['risk']}: {'; '.join(facts)}.\nNext: {PLAYS[said['play']]}"


def for_its_people(handoff: Handoff, account: Renewal) -> Handoff:
    """Put the customer's own people in the places of the groups, where the directory knows them."""
    with transaction() as session:
        directory = read_directory(session)
    own = {"csm": account.csm, "account-lead": account.account_lead}

    def person(name: str) -> str:
        found = directory.by_mail(own.get(name) or "")
        return found.id if found and found.is_here(account.today) else name

    return replace(
        handoff,
        to=person(handoff.to),
        then=tuple(Leg(person(leg.to), leg.within) for leg in handoff.then),
    )


def _question(account: Renewal) -> Question:
    said = account.figures
    return Question(
        facts={
            "company_id": account.company_id,
            "usage": account.usage,
            "complaints_30d": said.get("complaints_30d"),
            "sev1_30d": said.get("sev1_30d"),
            "invoices_overdue_days": said.get("invoices_overdue_days"),
            "days_since_last_touch": said.get("days_since_last_touch"),
            "champion": account.champion,
            "disagrees": account.disagrees or None,
            "days_left": account.days_left,
        },
        choices=(),
        asked_at=account.retrieved_at,
    )


def _action(account: Renewal, answer: Answer) -> Action:
    revenue = account.figures.get("renewal_arr_minor", 0)
    return Action(
        name=RISK,
        target=f"company/{account.company_id}",
        arguments={**answer.decision, "revenue_minor": f"{revenue:.0f}"},
    )
