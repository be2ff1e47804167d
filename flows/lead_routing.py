"""
Lead routing: every inbound lead gets the right owner, and the CRM stays clean.

Started by: the form's webhook, or the CRM's event about a new contact; one run for each.
Writes:     the contact's lane and owner in the CRM, and a task where a person has to take over.
Agreement:  flows/contracts/lead_routing.py
"""

from prefect import flow

from flows.contracts.lead_routing import (
    AMBIGUOUS_ACCOUNT,
    BLOCKED,
    COMPETITOR,
    CONTRACT,
    COUNTRY_MISMATCH,
    DUPLICATE,
    ENTERPRISE,
    FAMILY_CONFLICT,
    FREE_MAIL,
    INCOMPLETE,
    MISSING_COUNTRY,
    NO_CONSENT,
    NO_REP,
    NOT_SENT,
    OWNER_INACTIVE,
    TERRITORY_OVERLAP,
    TERRITORY_UNCLEAR,
    UNANSWERED,
    UNSURE,
)
from rollout.answers import Verb
from rollout.authority import Authority
from rollout.case import Ending
from rollout.effects import State
from rollout.lead_events import introduce
from rollout.lead_rules import EXISTING
from rollout.rights import Right
from rollout.territories import AccountKind
from tasks.cases import close_case, open_case, place_case, rule_case
from tasks.handoffs import hand_off
from tasks.lead_beside import ask_beside
from tasks.lead_facts import read_lead
from tasks.lead_routing import (
    assign_owner,
    mark_lane,
    owner_choices,
    propose_by_rule,
    propose_owner,
    wrong_owners,
)
from tasks.reviews import ask_reviewer


@flow(name=CONTRACT.workflow, persist_result=False)
async def lead_routing(inbox_id: str) -> Ending:
    """Give one inbound lead an owner, or give the lead to somebody who can."""
    case = await open_case(CONTRACT, inbox_id, introduce)
    if case.joined:
        return Ending.JOINED
    lead = await read_lead(case)
    if lead.gone:
        return await close_case(case, Ending.GONE, "the CRM has no such contact any more")
    case = await place_case(case, lead.unit, lead.facets, lead.label)
    if case.authority is Authority.OFF:
        return await close_case(case, Ending.STOOD_ASIDE, case.placed_because)

    # Some leads are nobody's to route, or never without a person.
    if lead.submission.consent is False:
        return await hand_off(case, NO_CONSENT)
    if lead.account_kind is AccountKind.BLOCKED:
        return await hand_off(case, BLOCKED)
    if lead.account_kind is AccountKind.COMPETITOR:
        return await hand_off(case, COMPETITOR)
    if lead.is_incomplete:
        return await hand_off(case, INCOMPLETE)
    if lead.twins:
        return await hand_off(case, DUPLICATE, f"the same person is contact {lead.twins[0]}")

    # Which account is it? Whose is it by rule?
    if lead.match.strangers:
        return await hand_off(case, AMBIGUOUS_ACCOUNT, lead.match.told)
    if lead.match.family:
        return await hand_off(case, FAMILY_CONFLICT, lead.match.told)
    if lead.is_free_mail:
        return await hand_off(case, FREE_MAIL)
    rule = lead.appointed
    if rule and rule.owner_id is None:
        return await hand_off(case, OWNER_INACTIVE, f"{rule.because} is not active in the CRM")
    if rule and rule.rule == EXISTING:
        return await close_case(case, Ending.KEPT, rule.because)

    # Without a rule, the territory names the team.
    if not rule and not lead.country:
        return await hand_off(case, MISSING_COUNTRY)
    if not rule and lead.differs_in_country:
        return await hand_off(case, COUNTRY_MISMATCH, lead.countries)
    if not rule and lead.is_enterprise:
        return await hand_off(case, ENTERPRISE)
    if not rule and lead.rivals:
        return await hand_off(case, TERRITORY_OVERLAP, lead.overlap)
    if not rule and not lead.territory:
        return await hand_off(case, TERRITORY_UNCLEAR)
    if not rule and not lead.team:
        return await hand_off(case, NO_REP, "; ".join(lead.skipped))

    # From here on it may be the agent's: the CRM's own rules are to leave it alone.
    lane = await mark_lane(case, lead)
    if lane and lane.state in {State.FAILED, State.UNKNOWN}:
        return await hand_off(case, NOT_SENT, lane.because)

    # A rule or the agent proposes; the contract and the stage say who decides.
    proposal = propose_by_rule(case, lead, rule) if rule else await propose_owner(case, lead)
    if not rule:
        await ask_beside(case, lead)
    ruling = rule_case(case, proposal)
    decision = None

    if ruling.right is Right.WATCH:
        return await close_case(case, Ending.WATCHED, ruling.because)
    if ruling.right in {Right.ESCALATE, Right.FORBIDDEN}:
        return await hand_off(case, UNSURE, ruling.because)
    if ruling.right is Right.REVIEW:
        asked = await ask_reviewer(case, proposal, ruling, owner_choices(lead), wrong_owners(lead))
        decision = asked.decision
        if decision is None:
            return await hand_off(case, UNANSWERED, asked.because)
        if decision.verb is Verb.REJECT:
            return await close_case(case, Ending.DECLINED, f"{decision.by}: {decision.reason}")
        proposal = decision.applied_to(proposal)

    # Only what was ruled or approved reaches the CRM.
    sent = await assign_owner(case, lead, proposal, decision)
    if sent.state is not State.DONE:
        return await hand_off(case, NOT_SENT, sent.because)
    return await close_case(case, Ending.ACTED, ruling.because)
