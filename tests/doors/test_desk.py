"""Answering by a link: looking decides nothing, sending does, and the page is only text."""

import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from flows.contracts.lead_routing import CONTRACT
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.links import LinkExpired, LinkRefused, Pass, read_token, token_of
from integrations.settings import settings
from rollout.answers import Answer, Proof, Verb
from rollout.authority import Authority
from rollout.case import Ending
from rollout.decisions import Decision, decision_step
from rollout.errors import Invalid
from rollout.ledger import recall
from rollout.reviews import ReviewRow, Status
from tasks.decisions import take_answer
from tests.pilot import Form, Pilot
from tests.staff import staff

__all__ = ["staff"]  # a fixture

NOW = now()
HELD = Pass("karim", "R-L-1-1", "hash", int((NOW + timedelta(hours=1)).timestamp()))


# The link itself


def test_a_link_says_what_was_put_into_it() -> None:
    assert read_token(token_of(HELD, "key"), "key", NOW) == HELD


def test_an_altered_link_and_one_of_another_key_are_refused() -> None:
    token = token_of(HELD, "key")
    for bad in (token[:-2], f"x{token}", token.replace(".", "", 1), "", "a.b"):
        with pytest.raises(LinkRefused, match="not whole"):
            read_token(bad, "key", NOW)
    with pytest.raises(LinkRefused):
        read_token(token, "another", NOW)


def test_a_link_runs_out() -> None:
    with pytest.raises(LinkExpired):
        read_token(token_of(HELD, "key"), "key", NOW + timedelta(hours=1))


# The desk


@pytest.fixture
def asked(pilot: Pilot, staff: None) -> tuple[Form, str, ReviewRow]:
    del staff
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead(free_text='<img src="https://evil.example/x.png"> <script>alert(1)</script>')
    event = pilot.send(form)
    return form, event, pilot.review(event)


def link(pilot: Pilot, row: ReviewRow, **other: object) -> str:
    until = int((now() + timedelta(hours=1)).timestamp())
    held = replace(Pass("karim", row.id, row.action_hash, until), **other)  # type: ignore[arg-type] # what a test alters
    token = token_of(held, settings().link_key.get_secret_value())
    return f"{pilot.system.state.hooks_url}/reviews/{token}"


def status(review: ReviewRow) -> str:
    with transaction() as session:
        return session.get_one(ReviewRow, review.id).status


@pytest.mark.ugly(23)
@pytest.mark.system
def test_a_hundred_visits_decide_nothing_and_one_answer_does(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    form, event, review = asked
    place = link(pilot, review)
    seen = [httpx.get(place) for _ in range(100)]
    assert ({one.status_code for one in seen}, status(review)) == ({200}, Status.OPEN)

    answered = httpx.post(place, data={"verb": "approve", "set-owner": "", "reason": ""})
    case = pilot.ended(event)
    with transaction() as session:
        decision = recall(session, case.id, decision_step(1), Decision)

    assert (answered.status_code, case.ending) == (200, Ending.ACTED)
    assert decision is not None
    assert (decision.by, decision.proof, decision.channel) == ("karim", "link", "link")
    assert pilot.crm.owner_of(form["contact_id"])
    again = httpx.post(place, data={"verb": "approve"})
    other = httpx.post(link(pilot, review, person="sofia"), data={"verb": "approve"})
    assert (again.status_code, other.status_code) == (200, 409)
    assert "approve by karim" in other.text
    assert "was decided: approve by karim" in httpx.get(place).text


@pytest.mark.system
def test_an_edit_by_link_is_what_the_crm_gets(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    form, event, review = asked
    proposed = pilot.proposed(review.case_id)
    other = next(one for one in review.choices["owner"] if one != proposed)
    place = link(pilot, review)
    missing = httpx.post(place, data={"verb": "edit", "set-owner": other})
    wrong = httpx.post(
        place, data={"verb": "edit", "set-owner": "ceo@x.example", "reason": "other"}
    )
    nothing = httpx.post(place, data={"set-owner": other})
    for refused, says in (
        (missing, "edit needs a reason"),
        (wrong, "owner cannot be"),
        (nothing, "say what you answer"),
    ):
        assert (refused.status_code, says in refused.text) == (422, True)
    assert status(review) == Status.OPEN

    good = {"verb": "edit", "set-owner": other, "reason": "customer_context"}
    assert httpx.post(place, data=good).status_code == 200
    pilot.ended(event)
    owners = {one["email"]: one["id"] for one in samples.crm()["owners"]}
    assert pilot.crm.owner_of(form["contact_id"]) == owners[other]


@pytest.mark.system
def test_what_a_lead_wrote_is_only_text(pilot: Pilot, asked: tuple[Form, str, ReviewRow]) -> None:
    _, _, review = asked
    page = httpx.get(link(pilot, review))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert not re.search(r"<(script|img|iframe|a |link|object)", page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.system
@pytest.mark.parametrize(
    ("other", "code", "says"),
    [
        ({"until": int(now().timestamp()) - 1}, 410, "has run out"),
        ({"person": "nobody"}, 403, "does not work here any more"),
        ({"review": "R-L-0-1"}, 404, "there is no review"),
    ],
)
def test_a_link_that_is_good_for_nothing_says_why(
    pilot: Pilot,
    asked: tuple[Form, str, ReviewRow],
    other: dict[str, object],
    code: int,
    says: str,
) -> None:
    _, _, review = asked
    place = link(pilot, review, **other)
    for answer in (httpx.get(place), httpx.post(place, data={"verb": "approve"})):
        assert (answer.status_code, says in answer.text) == (code, True)
    broken = httpx.post(f"{place}x", data={"verb": "approve"})
    assert (broken.status_code, status(review)) == (403, Status.OPEN)


@pytest.mark.system
def test_a_link_to_another_action_decides_nothing(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    _, _, review = asked
    answer = httpx.post(link(pilot, review, action_hash="0" * 64), data={"verb": "approve"})
    assert (answer.status_code, "shows another action" in answer.text) == (409, True)
    assert status(review) == Status.OPEN


@pytest.mark.system
def test_too_much_is_refused(pilot: Pilot, asked: tuple[Form, str, ReviewRow]) -> None:
    _, _, review = asked
    answer = httpx.post(link(pilot, review), content=b"comment=" + b"x" * 70_000)
    assert (answer.status_code, status(review)) == (413, Status.OPEN)


@pytest.mark.system
@pytest.mark.ugly(24)
def test_a_forwarded_link_is_still_its_owners_and_where_more_is_needed_it_decides_nothing(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    _, _, review = asked
    page = httpx.get(link(pilot, review))
    assert "For Karim Adler" in page.text  # whoever reads it, the answer would be his
    stranger = httpx.post(link(pilot, review, person="ruth"), data={"verb": "approve"})

    assert (stranger.status_code, "ruth is not one of sales-desk" in stranger.text) == (403, True)
    assert pilot.facts(review.case_id)[-1] == "refused_answer"
    strict = replace(CONTRACT, proof="host")
    held = Answer(verb=Verb.APPROVE, by="karim", proof=Proof.LINK, channel="link")
    with pytest.raises(Invalid, match="proven by host here; karim was only link"):
        take_answer(strict, review.id, held)
    assert status(review) == Status.OPEN
