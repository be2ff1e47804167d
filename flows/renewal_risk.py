"""
Renewal risk: a customer who is likely to leave is somebody's task while there is still time.

Started by: the nightly look over all customers, or word that one changed; one run for each.
Writes:     the risk on the customer in the CRM, and a task with the evidence for who acts.
Agreement:  flows/contracts/renewal_risk.py
"""

from prefect import flow

from flows.contracts.renewal_risk import (
    AT_RISK,
    CONTRACT,
    CSM_UNASSIGNED,
    DATA_CONFLICT,
    LEGAL,
    NO_USAGE_DATA,
    NOT_SENT,
    NOTICE_PASSED,
    UNANSWERED,
    UNSURE,
)
from rollout.answers import Verb
from rollout.authority import Authority
from rollout.case import Ending
from rollout.effects import State
from rollout.renewal_events import introduce
from rollout.rights import Right
from tasks.cases import close_case, open_case, place_case, rule_case
from tasks.handoffs import hand_off
from tasks.renewal_facts import other_case_of, read_account
from tasks.renewal_risk import CHOICES, WRONG, for_its_people, mark_risk, next_steps, propose_plan
from tasks.reviews import ask_reviewer


@flow(name=CONTRACT.workflow, persist_result=False)
async def renewal_risk(inbox_id: str) -> Ending:
    """Look at one customer before the renewal, and give it to somebody where it is at risk."""
    case = await open_case(CONTRACT, inbox_id, introduce)
    if case.joined:
        return Ending.JOINED
    account = await read_account(case)
    if account.gone:
        return await close_case(case, Ending.GONE, "the CRM has no such company any more")
    case = await place_case(case, account.unit, account.facets, account.label)
    if case.authority is Authority.OFF:
        return await close_case(case, Ending.STOOD_ASIDE, case.placed_because)
    if not account.renews_soon:
        return await close_case(case, Ending.KEPT, f"it renews in {account.days_left} days")
    if account.renewed_lately:
        return await close_case(case, Ending.KEPT, f"it was renewed on {account.renewed_on}")
    if other := other_case_of(case, account):
        return await close_case(case, Ending.KEPT, f"{other} has this renewal")

    # Some customers are nobody's to judge by figures.
    if account.legal_words:
        return await hand_off(case, LEGAL)
    if account.notice_has_passed:
        return await hand_off(case, for_its_people(NOTICE_PASSED, account))
    if account.usage is None:
        return await hand_off(case, for_its_people(NO_USAGE_DATA, account))
    if account.disagrees:
        return await hand_off(case, for_its_people(DATA_CONFLICT, account), account.disagrees)
    if not account.is_at_risk:
        return await close_case(case, Ending.KEPT, "use and complaints are within bounds")
    if not account.csm:
        return await hand_off(case, CSM_UNASSIGNED)

    # The agent proposes; the contract and the stage say who decides.
    proposal = await propose_plan(case, account)
    ruling = rule_case(case, proposal)
    decision = None

    if ruling.right is Right.WATCH:
        return await close_case(case, Ending.WATCHED, ruling.because)
    if ruling.right in {Right.ESCALATE, Right.FORBIDDEN}:
        return await hand_off(case, for_its_people(UNSURE, account), ruling.because)
    if ruling.right is Right.REVIEW:
        asked = await ask_reviewer(case, proposal, ruling, CHOICES, WRONG)
        decision = asked.decision
        if decision is None:
            return await hand_off(case, for_its_people(UNANSWERED, account), asked.because)
        if decision.verb is Verb.REJECT:
            return await close_case(case, Ending.DECLINED, f"{decision.by}: {decision.reason}")
        proposal = decision.applied_to(proposal)

    # The mark is made once, and whoever acts has the task.
    sent = await mark_risk(case, account, proposal, decision)
    if sent.state is not State.DONE:
        return await hand_off(case, for_its_people(NOT_SENT, account), sent.because)
    return await hand_off(case, for_its_people(AT_RISK, account), next_steps(account, proposal))
