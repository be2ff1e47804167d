"""The agreement under which lead routing runs."""

from datetime import date, timedelta

from rollout.authority import Authority
from rollout.contract import (
    ActionRule,
    Benchmark,
    Boundaries,
    Contract,
    Handoff,
    Job,
    Owners,
    Safety,
    Target,
)
from rollout.fields import FieldRule

INCOMPLETE = Handoff(
    name="incomplete",
    when="the lead has no email or no company",
    to="sales-ops",
    decide="complete the lead or discard it",
    within=timedelta(hours=4),
    otherwise="head-of-sales-ops",
)
ENTERPRISE = Handoff(
    name="enterprise",
    when="the lead is an enterprise account",
    to="enterprise-desk",
    decide="choose the account team",
    within=timedelta(hours=1),
    otherwise="vp-sales",
)
TERRITORY_UNCLEAR = Handoff(
    name="territory-unclear",
    when="no territory fits the lead",
    to="sales-ops",
    decide="name the territory",
    within=timedelta(hours=4),
    otherwise="head-of-sales-ops",
)
UNSURE = Handoff(
    name="unsure",
    when="the agent is unsure, its sources disagree, or the effect on the customer is unclear",
    to="sales-desk",
    decide="route the lead by hand",
    within=timedelta(hours=1),
    otherwise="head-of-sales-ops",
)
NOT_SENT = Handoff(
    name="not-sent",
    when="the decided write was not made: the stage or the record changed, or the CRM refused it",
    to="sales-desk",
    decide="route the lead by hand, or ask for a new proposal",
    within=timedelta(hours=1),
    otherwise="head-of-sales-ops",
)
BROKEN = Handoff(
    name="broken",
    when="the run failed, was cancelled or could not be started again",
    to="revenue-platform",
    decide="find the cause; route the lead by hand meanwhile",
    within=timedelta(hours=4),
    otherwise="head-of-sales-ops",
)

CONTRACT = Contract(
    workflow="lead-routing",
    case_prefix="L",
    job=Job(
        trigger="the form webhook lead.created, one case for each submission",
        takes="the submission, and the contact and company in the CRM",
        gives="the contact's owner, or a task for the person who decides",
        goal="Give every inbound lead the right owner within five minutes.",
    ),
    owners=Owners(
        business="vp-sales",
        process="sales-ops",
        technical="revenue-platform",
        reviewer="sales-desk",
        governance="risk-office",
    ),
    boundaries=Boundaries(
        read=frozenset({"crm.contact", "crm.company", "crm.owner"}),
        recommend=frozenset({"crm.contact.owner"}),
        write=(
            ActionRule(
                name="crm.contact.owner",
                safety=Safety.SET,
                reversible=True,
                undo="set the owner that was there before, if nobody has changed it since",
                fields=(FieldRule("owner"),),
                measure="leads that change their owner again within seven days",
            ),
            ActionRule(
                name="crm.task",
                safety=Safety.SEARCH,
                reversible=True,
                undo="close the task",
                measure="handoffs that were acted on before their deadline",
            ),
        ),
    ),
    exceptions=(INCOMPLETE, ENTERPRISE, TERRITORY_UNCLEAR, UNSURE, NOT_SENT, BROKEN),
    act_alone_from=0.85,
    escalate_below=0.50,
    conflict_checks=("form and CRM: employees", "form and CRM: country", "e-mail and website"),
    impact_unknown="it is unknown whether the company has an open opportunity",
    review_within=timedelta(hours=4),
    plan=(Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED, Authority.FULL),
    targets=(
        Target(measure="acceptance", at_least=0.85),
        Target(measure="escalation", at_most=0.12),
        Target(measure="violations", at_most=0),
    ),
    benchmark=Benchmark(
        minutes=6,
        hourly_cost_minor=4_500,
        currency="EUR",
        source="an example: measure your own before you leave shadow",
        measured_on=date(2026, 11, 1),
    ),
    budget_minor_per_day=2_000,
    retention=timedelta(days=180),
    review_every=timedelta(days=90),
)
