"""A person opens the link from a letter, on a phone and on a desk, and answers."""

import re

import pytest
from playwright.sync_api import Page, expect

from flows.contracts.lead_routing import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority
from rollout.buckets import BUCKETS
from rollout.case import Ending
from rollout.decisions import Decision, decision_step
from rollout.ledger import recall
from rollout.opinions import Kind, ask_for
from rollout.reviews import ReviewRow
from tests.browser.conftest import shoot
from tests.doors.test_desk import asked, link
from tests.doors.test_opinion_desk import Differs, differs, judged, nothing_else_waits
from tests.doors.test_opinion_desk import link as opinion_link
from tests.pilot import Form, Pilot
from tests.staff import staff

__all__ = ["asked", "differs", "nothing_else_waits", "staff"]  # fixtures

pytestmark = pytest.mark.system


@pytest.mark.parametrize("width", [390, 1400])
def test_it_is_read_and_answered_at_any_width(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow], page: Page, width: int
) -> None:
    _, event, review = asked
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(link(pilot, review))
    expect(page.get_by_role("heading", name="Evidence")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shoot(page, f"desk-{width}")

    untrusted = page.get_by_text("untrusted text").first
    expect(untrusted).to_be_hidden()
    page.get_by_label(re.compile(r"Show \d+ more")).check()
    expect(untrusted).to_be_visible()
    page.get_by_label("reject").check()
    page.get_by_label("Why, for an edit or a no").select_option("duplicate")
    page.get_by_label("Comment").fill("The same person as last week.")
    shoot(page, f"desk-{width}-filled")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("reject by karim is on record")).to_be_visible()
    expect(page.get_by_text("Thank you, Karim Adler.")).to_be_visible()

    case = pilot.ended(event)
    with transaction() as session:
        decision = recall(session, case.id, decision_step(1), Decision)
    assert decision is not None
    assert case.ending == Ending.DECLINED
    assert decision.expanded == ("evidence",)
    assert decision.looked_seconds is not None
    assert 0 <= decision.looked_seconds <= 60
    assert {url.split("/reviews/")[0] for url in requests} == {pilot.system.state.hooks_url}


@pytest.mark.parametrize("width", [390, 1400])
def test_a_blind_question_shows_the_facts_and_not_the_proposal(
    pilot: Pilot, page: Page, width: int
) -> None:
    pilot.at(Authority.RECOMMEND, blind=BUCKETS)
    event = pilot.send(pilot.lead())
    review = pilot.review(event)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(link(pilot, review))
    expect(page.get_by_text("you say: owner")).to_be_visible()
    expect(page.locator("input[value=approve]")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    choice = page.get_by_label("owner, for an edit")
    assert choice.input_value() == ""
    shoot(page, f"desk-blind-{width}")

    page.get_by_label("edit").first.check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("an edit changes something")).to_be_visible()
    page.get_by_label("edit").first.check()
    page.get_by_label("owner, for an edit").select_option(review.choices["owner"][0])
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("edit by karim is on record")).to_be_visible()
    assert pilot.ended(event).ending == Ending.ACTED


@pytest.mark.parametrize("width", [390, 1400])
def test_a_further_person_says_who_is_right(
    pilot: Pilot, differs: Differs, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(opinion_link(pilot))
    expect(page.get_by_role("heading", name="Who is right?")).to_be_visible()
    expect(page.get_by_role("heading", name="The second answer")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shoot(page, f"opinion-{width}")
    page.get_by_label("the first one is right").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("your word is on record")).to_be_visible()
    assert judged(differs.case) in {"agent", "human"}


def test_a_recheck_is_answered_with_what_one_would_do(
    pilot: Pilot, staff: None, page: Page
) -> None:
    del staff
    pilot.at(Authority.FULL)
    case, _ = pilot.flown(pilot.lead())
    pilot.at(Authority.SHADOW)
    with transaction() as session:
        ask_for(session, CONTRACT, case.id, Kind.RECHECK, release="x", not_by="", now=now())
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(opinion_link(pilot))
    expect(page.get_by_role("heading", name="What would you do?")).to_be_visible()
    shoot(page, "recheck-390")
    page.get_by_label("owner").fill(pilot.proposed(case.id))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("your word is on record")).to_be_visible()
