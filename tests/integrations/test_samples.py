"""The sample world holds together: its leads, its CRM, its sheets, and what people decided."""

from collections import Counter
from datetime import datetime

import pytest

from flows.contracts.lead_routing import CONTRACT
from integrations import samples
from integrations.agents import Answer, Question
from integrations.agents.lead_checks import FREE_MAIL
from integrations.agents.lead_scorer import LeadScorer
from integrations.samples import SampleLead
from integrations.sheets import read_sheet
from rollout.lead_routing import LeadCreated, Segment, segment_of
from rollout.territories import NEEDED, OPTIONAL, Kind
from rollout.territory_lint import Known, lint
from tests.integrations.teams import seats

LEADS = samples.leads()
CRM = samples.crm()
COMPANY_OF = {one["id"]: one["company_id"] for one in CRM["contacts"]}
COMPANIES: dict[str, dict[str, str]] = {one["id"]: one["properties"] for one in CRM["companies"]}
OWNERS = {one["email"] for one in CRM["owners"]}
TEAM_FOR = {
    (row["country"], row["segment"]): row["team"]
    for _, row in read_sheet(
        samples.sheet("territories.csv"), NEEDED[Kind.TERRITORIES], OPTIONAL[Kind.TERRITORIES]
    ).rows
}
BY_THE_SHEETS = {  # what the CRM and the sheets together say; see the trials of the flow
    *("free-email-domain", "competitor", "duplicate-lead", "ambiguous-account"),
    *("parent-subsidiary", "missing-country", "country-mismatch", "owner-inactive"),
    *("territory-overlap", "no-rep-available", "no-consent", "blocked", "rule", "kept"),
}
BRANCHES = {
    "good",
    "good-middling",
    "incomplete",
    "enterprise",
    "territory-unclear",
    "unsure-confidence",
    "unsure-conflict",
    "unsure-impact",
}


# The leads


def test_there_are_at_least_forty_leads() -> None:
    assert len(LEADS) >= 40


@pytest.mark.parametrize("phase", ["shadow", "recommend", "limited"])
def test_every_branch_flies_in_every_phase(phase: str) -> None:
    assert {one.branch for one in LEADS if one.phase == phase} >= BRANCHES


def test_no_branch_is_unheard_of() -> None:
    assert {one.branch for one in LEADS} == {*BRANCHES, *BY_THE_SHEETS, "refused"}


@pytest.mark.parametrize(
    "lead",
    [one for one in LEADS if one.branch not in BY_THE_SHEETS],
    ids=lambda lead: lead.key,
)
async def test_each_lead_takes_the_branch_that_its_facts_say(lead: SampleLead) -> None:
    assert await branch_by_the_facts(lead) == lead.branch


@pytest.mark.parametrize(
    "lead", [one for one in LEADS if one.special == "open-deal"], ids=lambda lead: lead.key
)
def test_the_open_deal_is_in_the_crm(lead: SampleLead) -> None:
    assert int(company_of(lead)["hs_num_open_deals"]) > 0


def test_every_form_is_one_that_the_door_takes() -> None:
    for lead in LEADS:
        LeadCreated.model_validate(lead.form)


def test_no_two_leads_share_a_submission() -> None:
    assert max(Counter(one.form["submission_id"] for one in LEADS).values()) == 1


def test_no_two_leads_are_the_same_person_with_the_same_form() -> None:
    people = Counter(
        (one.form["email"], one.form["form_type"]) for one in LEADS if "email" in one.form
    )

    assert max(people.values()) == 1


def test_leads_arrive_in_the_order_in_which_they_are_given() -> None:
    submitted = [datetime.fromisoformat(one.form["submitted_at"]) for one in LEADS]

    assert submitted == sorted(set(submitted))


def test_odd_webhooks_are_among_them() -> None:
    odd = {lead.special for lead in LEADS}

    assert odd >= {"injection", "twice", "redelivered", "changed-body", "bad-signature"}


# What people decided


def test_people_gave_each_good_lead_to_somebody_of_its_team() -> None:
    roster = {(row["owner_email"], row["team"]) for row in samples.roster()}

    strangers = [
        lead.key
        for lead in LEADS
        if lead.branch.startswith("good") and (lead.human, team_of(lead)) not in roster
    ]
    assert strangers == []


def test_people_named_an_exception_of_the_contract_for_the_others() -> None:
    named = {lead.human for lead in LEADS if not lead.branch.startswith("good")}

    assert {one for one in named if "@" not in one} - {""} <= {
        one.name for one in CONTRACT.exceptions
    }


def test_every_exception_of_the_contract_that_a_lead_can_be_is_among_them() -> None:
    found_on_the_way = {"unanswered", "not-sent", "broken"}

    assert {one.name for one in CONTRACT.exceptions} - found_on_the_way <= {
        lead.human for lead in LEADS
    }


def test_the_past_was_decided_by_the_team_of_its_country_and_size() -> None:
    wrong = [
        row["lead"]
        for row in samples.history()
        if row["team"] != TEAM_FOR.get((row["country"], segment_of(_larger(row))))
    ]

    assert wrong == []


def test_there_are_enough_past_leads_to_calibrate_on() -> None:
    assert len({row["lead"] for row in samples.history()}) >= CONTRACT.calibration_needed


# The CRM and the sheets


def test_every_contact_of_a_form_is_in_the_crm() -> None:
    assert {lead.form["contact_id"] for lead in LEADS} <= set(COMPANY_OF)


def test_every_company_of_a_contact_is_in_the_crm() -> None:
    assert set(COMPANY_OF.values()) - {None} <= set(COMPANIES)


def test_the_crm_knows_the_address_that_the_form_gives() -> None:
    known = {one["id"]: one["properties"].get("email") for one in CRM["contacts"]}

    assert all(known[lead.form["contact_id"]] == lead.form.get("email") for lead in LEADS)


def test_every_owner_of_a_company_is_in_the_crm() -> None:
    owners = {one.get("hubspot_owner_id") for one in COMPANIES.values()} - {None}

    assert owners <= {one["id"] for one in CRM["owners"]}


def test_everybody_on_the_roster_is_in_the_crm() -> None:
    assert {row["owner_email"] for row in samples.roster()} <= OWNERS


def test_every_team_of_the_territories_has_somebody() -> None:
    assert set(TEAM_FOR.values()) <= {row["team"] for row in samples.roster()}


@pytest.mark.parametrize("kind", list(Kind))
def test_the_sheets_have_no_errors(kind: Kind) -> None:
    read = read_sheet(samples.sheet(f"{kind}.csv"), NEEDED[kind], OPTIONAL[kind])
    known = Known(owners=frozenset(OWNERS), teams=frozenset(TEAM_FOR.values()))

    assert lint(kind, read.rows, known).errors == []


def test_every_address_is_an_example_or_free_mail() -> None:
    addresses = OWNERS | {lead.form.get("email", "") for lead in LEADS} - {""}

    domains = {one.rpartition("@")[2] for one in addresses} - FREE_MAIL
    assert {one for one in domains if not one.endswith(".example")} == set()


# What the facts say


async def branch_by_the_facts(lead: SampleLead) -> str:
    """Name the way of a lead by the rules and the agent, with every trigger that matched."""
    if lead.special == "bad-signature":
        return "refused"
    if not lead.form.get("email") or not lead.form.get("company"):
        return "incomplete"
    if segment(lead) is Segment.ENTERPRISE:
        return "enterprise"
    if team_of(lead) is None:
        return "territory-unclear"
    return branch_of(await asked(lead))


def branch_of(answer: Answer) -> str:
    sure = min(answer.confidence, answer.data_confidence)
    assert CONTRACT.escalate_below is not None
    assert CONTRACT.act_alone_from is not None
    unsure = {
        "unsure-confidence": sure < CONTRACT.escalate_below,
        "unsure-conflict": bool(answer.conflicts),
        "unsure-impact": bool(answer.unclear),
    }
    if any(unsure.values()):
        return " and ".join(name for name, true in unsure.items() if true)
    return "good" if sure >= CONTRACT.act_alone_from else "good-middling"


async def asked(lead: SampleLead) -> Answer:
    form, company = lead.form, company_of(lead)
    deals = company.get("hs_num_open_deals")
    facts = {
        "email": form.get("email"),
        "country": form.get("country"),
        "country_crm": company.get("country"),
        "employees_form": form.get("employee_count"),
        "employees_crm": _count(company.get("numberofemployees")),
        "industry": company.get("industry"),
        "company_domain": company.get("domain"),
        "company_lifecycle": company.get("lifecyclestage"),
        "company_owner": company.get("hubspot_owner_id"),
        "open_deals": _count(deals),
        "message": form.get("free_text"),
        "territory": team_of(lead),
    }
    when = datetime.fromisoformat(form["submitted_at"])
    return await LeadScorer().propose(Question(facts, seats(team_of(lead)), when))


def company_of(lead: SampleLead) -> dict[str, str]:
    return COMPANIES.get(COMPANY_OF[lead.form["contact_id"]], {})


def segment(lead: SampleLead) -> Segment:
    counts = (
        lead.form.get("employee_count"),
        _count(company_of(lead).get("numberofemployees")),
    )
    return segment_of(max((one for one in counts if one is not None), default=None))


def team_of(lead: SampleLead) -> str | None:
    return TEAM_FOR.get((lead.form.get("country", ""), segment(lead)))


def _count(cell: str | None) -> int | None:
    return int(cell) if cell else None


def _larger(row: samples.Row) -> int:
    return max(int(row["employees_form"]), int(row["employees_crm"] or 0))
