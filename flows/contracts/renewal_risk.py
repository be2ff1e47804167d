"""The agreement under which renewal risk runs."""

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
    Rung,
    Safety,
    Target,
)
from rollout.fields import FieldRule
from rollout.renewal import LARGE_MINOR

AT_RISK = Handoff(
    name="at-risk",
    when="people use it clearly less, and complained in the last month",
    to="csm",
    decide="take the next step, change the plan, or dismiss it with a reason",
    within=Business(days=3),
    then=(Leg("account-lead", Business(days=2)),),
    otherwise="vp-customer-success",
)
LEGAL = Handoff(
    name="legal-words",
    when="the customer wrote of termination or of lawyers",
    to="legal-desk",
    decide="say who may talk to the customer, and about what",
    within=Business(days=1),
    otherwise="vp-customer-success",
)
NOTICE_PASSED = Handoff(
    name="notice-passed",
    when="the day by which the customer had to give notice lies behind",
    to="account-lead",
    decide="talk to the customer about the renewal, or close it",
    within=Business(days=2),
    otherwise="vp-customer-success",
)
NO_USAGE_DATA = Handoff(
    name="no-usage-data",
    when="nobody knows how much the customer uses it",
    to="csm",
    decide="find out how much it is used, and mend the feed",
    within=Business(days=3),
    otherwise="cs-operations",
)
DATA_CONFLICT = Handoff(
    name="data-conflict",
    when="what people wrote into the CRM and the product's figures differ",
    to="csm",
    decide="say which counts, and mend the other",
    within=Business(days=3),
    then=(Leg("account-lead", Business(days=2)),),
    otherwise="cs-operations",
)
CSM_UNASSIGNED = Handoff(
    name="csm-unassigned",
    when="the customer is at risk and has no customer success manager",
    to="cs-operations",
    decide="name one, and give them the case",
    within=Business(days=1),
    otherwise="vp-customer-success",
)
UNSURE = Handoff(
    name="unsure",
    when="the agent is unsure, or its sources disagree",
    to="csm",
    decide="judge the renewal by hand",
    within=Business(days=3),
    then=(Leg("account-lead", Business(days=2)),),
    otherwise="vp-customer-success",
)
UNANSWERED = Handoff(
    name="unanswered",
    when="nobody decided on the plan in time",
    to="account-lead",
    decide="judge the renewal by hand",
    within=Business(days=2),
    otherwise="vp-customer-success",
)
NOT_SENT = Handoff(
    name="not-sent",
    when="the mark was not made: the stage or the record changed, or the CRM refused it",
    to="csm",
    decide="judge the renewal by hand",
    within=Business(days=3),
    then=(Leg("account-lead", Business(days=2)),),
    otherwise="vp-customer-success",
)
BROKEN = Handoff(
    name="broken",
    when="the run failed, was cancelled or could not be started again",
    to="revenue-platform",
    decide="find the cause; have the renewal judged by hand meanwhile",
    within=Business(hours=4),
    otherwise="cs-operations",
)

CONTRACT = Contract(
    workflow="renewal-risk",
    case_prefix="N",
    job=Job(
        trigger="the nightly look over all customers, or word that one changed",
        takes="the customer's use, complaints, invoices and contacts, as the CRM has them",
        gives="the risk on the customer, and a task with the evidence for who acts",
        goal="Act on every renewal at risk while there are still weeks to turn it.",
    ),
    owners=Owners(
        business="vp-customer-success",
        process="cs-operations",
        technical="revenue-platform",
        reviewer="csm",
        governance="risk-office",
    ),
    boundaries=Boundaries(
        read=frozenset({"crm.company"}),
        recommend=frozenset({"crm.company.risk"}),
        write=(
            ActionRule(
                name="crm.company.risk",
                safety=Safety.SET,
                reversible=True,
                undo="set the risk that stood there before, if nobody has changed it since",
                fields=(FieldRule("risk"),),
                alone_per_hour=100,
                alone_per_day=300,
                records_per_day=200,
                measure="customers marked as at risk who left, and who were dismissed",
                stake="revenue_minor",
                ladder=(Rung((), up_to_minor=LARGE_MINOR), Rung(("csm", "account-lead"))),
            ),
            ActionRule(
                name="crm.task",
                safety=Safety.SEARCH,
                reversible=True,
                undo="close the task",
                measure="handoffs that were acted on within three business days",
            ),
        ),
    ),
    exceptions=(
        *(AT_RISK, LEGAL, NOTICE_PASSED, NO_USAGE_DATA, DATA_CONFLICT, CSM_UNASSIGNED),
        *(UNSURE, UNANSWERED, NOT_SENT, BROKEN),
    ),
    act_alone_from=0.85,
    escalate_below=0.50,
    conflict_checks=("the CRM's health and the product's figures",),
    impact_unknown="it is unknown when the contract renews",
    review_within=Business(days=3),
    review_then=(Leg("account-lead", Business(days=2)),),
    plan=(Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED, Authority.FULL),
    targets=(
        Target(measure="recall of customers who left, 90 days before", at_least=0.70),
        Target(measure="precision", at_least=0.50),
        Target(measure="acted on within three business days", at_least=0.90),
        Target(measure="escalation", at_most=0.12),
    ),
    benchmark=Benchmark(
        minutes=25,
        hourly_cost_minor=5_500,
        currency="EUR",
        source="an example: measure your own before you leave shadow",
        measured_on=date(2026, 11, 1),
    ),
    budget_minor_per_day=2_000,
    budget_minor_per_case=20,
    answer_within=timedelta(seconds=30),
    outcomes=(
        OutcomeRule("renewed", is_good=True, within=timedelta(days=150)),
        OutcomeRule("churned", is_good=False, within=timedelta(days=150)),
    ),
    retention=timedelta(days=365),
    review_every=timedelta(days=90),
)
