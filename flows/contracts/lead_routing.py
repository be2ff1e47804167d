"""The agreement under which lead routing runs."""

from datetime import date, timedelta

from rollout.authority import Authority
from rollout.business_time import Business
from rollout.contract import (
    ActionRule,
    Benchmark,
    Boundaries,
    Contract,
    Handoff,
    Job,
    Leg,
    OutcomeRule,
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
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
ENTERPRISE = Handoff(
    name="enterprise",
    when="the lead is an enterprise account",
    to="enterprise-desk",
    decide="choose the account team",
    within=Business(hours=1),
    otherwise="vp-sales",
)
MISSING_COUNTRY = Handoff(
    name="missing-country",
    when="neither the form nor the account says which country",
    to="sales-ops",
    decide="find the country or discard the lead",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
COUNTRY_MISMATCH = Handoff(
    name="country-mismatch",
    when="the form names one country and the CRM another",
    to="sales-ops",
    decide="say which country counts",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
FREE_MAIL = Handoff(
    name="free-email-domain",
    when="the address is a private one and no account is known",
    to="sales-desk",
    decide="find the company, or take it as a private person",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
COMPETITOR = Handoff(
    name="competitor",
    when="the address belongs to a competitor",
    to="sales-ops",
    decide="answer it or discard it",
    within=Business(days=1),
    otherwise="head-of-sales-ops",
)
BLOCKED = Handoff(
    name="blocked",
    when="the address is on the list of junk and tests",
    to="sales-ops",
    decide="discard it, or take the domain off the list",
    within=Business(days=1),
    otherwise="head-of-sales-ops",
)
NO_CONSENT = Handoff(
    name="no-consent",
    when="the person did not consent to being contacted",
    to="risk-office",
    decide="erase the lead, or show another legal ground",
    within=Business(days=1),
    otherwise="head-of-risk",
)
DUPLICATE = Handoff(
    name="duplicate-lead",
    when="the CRM has another contact of this name at this company",
    to="sales-ops",
    decide="merge the contacts, or say that they are two people",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
AMBIGUOUS_ACCOUNT = Handoff(
    name="ambiguous-account",
    when="two accounts fit the lead about equally well",
    to="sales-ops",
    decide="choose the account",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
FAMILY_CONFLICT = Handoff(
    name="parent-subsidiary",
    when="a parent and its subsidiary fit, and they have different owners",
    to="sales-ops",
    decide="choose the account",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
OWNER_INACTIVE = Handoff(
    name="owner-inactive",
    when="the owner whom a rule names is not active in the CRM any more",
    to="sales-ops",
    decide="name the successor, and mend the account",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
TERRITORY_OVERLAP = Handoff(
    name="territory-overlap",
    when="two territories fit the lead equally well",
    to="sales-ops",
    decide="choose the territory, and mend the sheet",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
NO_REP = Handoff(
    name="no-rep-available",
    when="everybody on the team is away, inactive or at their cap",
    to="sales-desk",
    decide="choose who takes it",
    within=Business(hours=1),
    otherwise="head-of-sales-ops",
)
TERRITORY_UNCLEAR = Handoff(
    name="territory-unclear",
    when="no territory fits the lead",
    to="sales-ops",
    decide="name the territory",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)
UNSURE = Handoff(
    name="unsure",
    when="the agent is unsure, its sources disagree, or the effect on the customer is unclear",
    to="sales-desk",
    decide="route the lead by hand",
    within=Business(hours=1),
    otherwise="head-of-sales-ops",
)
UNANSWERED = Handoff(
    name="unanswered",
    when="nobody decided on the proposal in time",
    to="head-of-sales-ops",
    decide="route the lead by hand",
    within=Business(hours=4),
    otherwise="vp-sales",
)
NOT_SENT = Handoff(
    name="not-sent",
    when="the decided write was not made: the stage or the record changed, or the CRM refused it",
    to="sales-desk",
    decide="route the lead by hand, or ask for a new proposal",
    within=Business(hours=1),
    otherwise="head-of-sales-ops",
)
BROKEN = Handoff(
    name="broken",
    when="the run failed, was cancelled or could not be started again",
    to="revenue-platform",
    decide="find the cause; route the lead by hand meanwhile",
    within=Business(hours=4),
    otherwise="head-of-sales-ops",
)

CONTRACT = Contract(
    workflow="lead-routing",
    case_prefix="L",
    job=Job(
        trigger="the form's webhook or the CRM's event about a contact; one case for each lead",
        takes="the submission, the contact and company in the CRM, and the sheets",
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
        read=frozenset({"crm.contact", "crm.company", "crm.owner", "sheets"}),
        recommend=frozenset({"crm.contact.owner"}),
        write=(
            ActionRule(
                name="crm.contact.owner",
                safety=Safety.SET,
                reversible=True,
                undo="set the owner that was there before, if nobody has changed it since",
                fields=(FieldRule("owner"),),
                alone_per_hour=500,
                alone_per_day=2_000,
                measure="leads that change their owner again within seven days",
            ),
            ActionRule(
                name="crm.contact.lane",
                safety=Safety.SET,
                reversible=True,
                undo="set the lane that was there before",
                fields=(FieldRule("lane"),),
                alone_per_day=2_000,
                measure="leads that both the agent and the CRM's own rules assigned",
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
    exceptions=(
        *(INCOMPLETE, NO_CONSENT, BLOCKED, COMPETITOR, DUPLICATE),
        *(AMBIGUOUS_ACCOUNT, FAMILY_CONFLICT, FREE_MAIL, OWNER_INACTIVE),
        *(MISSING_COUNTRY, COUNTRY_MISMATCH, ENTERPRISE),
        *(TERRITORY_OVERLAP, TERRITORY_UNCLEAR, NO_REP, UNSURE, UNANSWERED, NOT_SENT, BROKEN),
    ),
    act_alone_from=0.85,
    escalate_below=0.50,
    conflict_checks=("form and CRM: employees", "form and CRM: country", "e-mail and website"),
    impact_unknown="it is unknown whether the company has an open opportunity",
    review_within=Business(hours=4),
    review_then=(Leg("sales-ops", Business(hours=4)),),
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
    budget_minor_per_case=10,
    answer_within=timedelta(seconds=30),
    outcomes=(OutcomeRule("reassigned", is_good=False, within=timedelta(days=7), silence_is=True),),
    retention=timedelta(days=180),
    review_every=timedelta(days=90),
)
