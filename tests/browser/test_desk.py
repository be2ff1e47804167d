"""A person opens the link from a letter, on a phone and on a desk, and answers."""

import re

import pytest
from playwright.sync_api import Page, expect

from integrations.database import transaction
from rollout.case import Ending
from rollout.decisions import Decision, decision_step
from rollout.ledger import recall
from rollout.reviews import ReviewRow
from tests.browser.conftest import shoot
from tests.doors.test_desk import asked, link
from tests.pilot import Form, Pilot
from tests.staff import staff

__all__ = ["asked", "staff"]  # fixtures

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
