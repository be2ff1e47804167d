"""Each exception of lead routing goes to its person, with a task, and never to the agent."""

import pytest

from integrations.database import transaction
from rollout.authority import Authority
from rollout.case import Ending
from rollout.handoffs import HandoffRow
from tests.flows.test_lead_routing import sample
from tests.pilot import Pilot

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ("branch", "name", "receiver"),
    [
        ("incomplete", "incomplete", "sales-ops"),
        ("enterprise", "enterprise", "enterprise-desk"),
        ("territory-unclear", "territory-unclear", "sales-ops"),
        ("unsure-confidence", "unsure", "sales-desk"),
        ("unsure-conflict", "unsure", "sales-desk"),
        ("unsure-impact", "unsure", "sales-desk"),
        ("no-consent", "no-consent", "risk-office"),
        ("blocked", "blocked", "sales-ops"),
        ("competitor", "competitor", "sales-ops"),
        ("ambiguous-account", "ambiguous-account", "sales-ops"),
        ("parent-subsidiary", "parent-subsidiary", "sales-ops"),
        ("free-email-domain", "free-email-domain", "sales-desk"),
        ("owner-inactive", "owner-inactive", "sales-ops"),
        ("missing-country", "missing-country", "sales-ops"),
        ("country-mismatch", "country-mismatch", "sales-ops"),
        ("territory-overlap", "territory-overlap", "sales-ops"),
        ("no-rep-available", "no-rep-available", "sales-desk"),
    ],
)
def test_an_exception_goes_to_its_receiver_with_a_task(
    pilot: Pilot, branch: str, name: str, receiver: str
) -> None:
    pilot.at(Authority.RECOMMEND)
    special = "no-consent" if branch == "no-consent" else ""
    form = pilot.lead(sample(branch, special))
    case, ending = pilot.flown(form)
    with transaction() as session:
        handoff = session.get_one(HandoffRow, (case.id, name))
    written = pilot.writes_to(form["contact_id"])

    assert ending is Ending.HANDED_OFF
    assert (handoff.receiver, handoff.state) == (receiver, "offered")
    assert [one["path"] for one in written] == ["/crm/v3/objects/tasks"]
    assert f"[{case.id}]" in written[0]["content"]["properties"]["hs_task_subject"]
    assert pilot.crm.owner_of(form["contact_id"]) is None


def test_a_second_contact_of_the_same_person_is_for_people_to_merge(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    which = sample("duplicate-lead")
    case, ending = pilot.flown(pilot.lead(which, last_name=which.form["last_name"]))

    assert ending is Ending.HANDED_OFF
    assert (case.because or "").startswith("to sales-ops: the same person is contact ")


def test_an_exception_is_never_the_agents(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    case, _ = pilot.flown(pilot.lead(sample("enterprise")))

    assert "asked" not in pilot.facts(case.id)
