"""
Lead routing: every inbound lead gets the right owner, and the CRM stays clean.

Started by: the form webhook, one run for each event.
Writes:     the contact's owner in the CRM, and a task where a person has to take over.
Agreement:  flows/contracts/lead_routing.py
"""

from prefect import flow

from flows.contracts.lead_routing import (
    CONTRACT,
    ENTERPRISE,
    INCOMPLETE,
    NOT_SENT,
    TERRITORY_UNCLEAR,
    UNSURE,
)
from rollout.authority import Authority
from rollout.case import Ending
from rollout.decisions import Verb
from rollout.effects import State
from rollout.lead_routing import introduce
from rollout.rights import Right
from tasks.cases import close_case, open_case, place_case, rule_case
from tasks.handoffs import hand_off
from tasks.lead_routing import assign_owner, owner_choices, propose_owner, read_lead
from tasks.reviews import ask_reviewer


@flow(name=CONTRACT.workflow, persist_result=False)
async def lead_routing(inbox_id: str) -> Ending:
    """Give one inbound lead an owner, or give the lead to somebody who can."""
    case = await open_case(CONTRACT, inbox_id, introduce)
    if case.joined:
        return Ending.JOINED
    lead = await read_lead(case)
    case = await place_case(case, lead.unit, lead.segment, lead.label)
    if case.authority is Authority.OFF:
        return await close_case(case, Ending.STOOD_ASIDE, "the agent is off")

    # Some leads are never the agent's to route.
    if lead.is_incomplete:
        return await hand_off(case, INCOMPLETE)
    if lead.is_enterprise:
        return await hand_off(case, ENTERPRISE)
    if not lead.team:
        return await hand_off(case, TERRITORY_UNCLEAR)

    # The agent proposes; the contract and the stage say who decides.
    proposal = await propose_owner(case, lead)
    ruling = rule_case(case, proposal)
    decision = None

    if ruling.right is Right.WATCH:
        return await close_case(case, Ending.WATCHED, ruling.because)
    if ruling.right in {Right.ESCALATE, Right.FORBIDDEN}:
        return await hand_off(case, UNSURE, ruling.because)
    if ruling.right is Right.REVIEW:
        decision = await ask_reviewer(case, proposal, ruling, owner_choices(lead))
        if decision.verb is Verb.REJECT:
            return await close_case(case, Ending.DECLINED, f"{decision.by}: {decision.reason}")
        proposal = decision.applied_to(proposal)

    # Only what was ruled or approved reaches the CRM.
    sent = await assign_owner(case, lead, proposal, decision)
    if sent.state is not State.DONE:
        return await hand_off(case, NOT_SENT, sent.because)
    return await close_case(case, Ending.ACTED, ruling.because)
