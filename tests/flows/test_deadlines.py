"""Nobody acts, in a whole installation: the run goes on, tasks change hands, people are told."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import httpx
import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import update
from sqlmodel import col

from flows.contracts.lead_routing import CONTRACT
from flows.doors.ports import any_free
from flows.operations.watch import look_over
from integrations.clock import now
from integrations.database import transaction
from integrations.settings import settings
from rollout.answers import Answer, Proof, Verb
from rollout.authority import Authority
from rollout.case import Ending
from rollout.deadlines import Deadline, State, What
from rollout.errors import TooLate
from rollout.handoffs import HandoffRow
from tasks.decisions import take_answer
from tests.flows.test_lead_routing import sample
from tests.integrations.test_messages import Mailbox
from tests.pilot import Pilot, until
from tests.staff import staff

__all__ = ["staff"]  # a fixture

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("staff")]

TOLD = logging.getLogger("test")


@pytest.fixture(autouse=True, scope="module")
def alone(pilot: Pilot) -> Iterator[None]:
    """No watch but these tests' own: the installation's knows no mail server."""
    with pilot.without_watch():
        yield


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server that this process's watch uses."""
    taken, port = Mailbox(), any_free()
    server = Controller(taken, hostname="127.0.0.1", port=port)
    server.start()
    monkeypatch.setenv("TAXIWAY_MAIL_URL", f"smtp://127.0.0.1:{port}")
    monkeypatch.setenv("TAXIWAY_MAIL_FROM", "taxiway@taxi.example")
    settings.cache_clear()
    yield taken
    server.stop()
    settings.cache_clear()


def let_time_pass(ref: str, *what: What) -> None:
    """Move deadlines of one review or handoff into the past, and look over all that is open."""
    with transaction() as session:
        session.execute(
            update(Deadline)
            .where(
                col(Deadline.ref) == ref,
                col(Deadline.what).in_(what),
                col(Deadline.state) == State.AHEAD,
            )
            .values(at=now() - timedelta(seconds=1))
        )
    asyncio.run(look_over(TOLD))


def handoff(case_id: str, name: str) -> HandoffRow:
    with transaction() as session:
        return session.get_one(HandoffRow, (case_id, name))


def tasks_on(pilot: Pilot, contact: str) -> list[str]:
    return [
        one["content"]["properties"]["hs_task_subject"]
        for one in pilot.writes_to(contact)
        if one["path"].endswith("/tasks")
    ]


def test_a_review_that_nobody_decides_becomes_somebodys_task(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    review = pilot.review(event)
    let_time_pass(review.id, *What)
    case = pilot.ended(event)

    assert case.ending == Ending.HANDED_OFF
    assert handoff(case.id, "unanswered").receiver == "head-of-sales-ops"
    (task,) = tasks_on(pilot, form["contact_id"])
    assert task == f"[{case.id}] unanswered: route the lead by hand"
    assert pilot.crm.owner_of(form["contact_id"]) is None
    with pytest.raises(TooLate):
        take_answer(
            CONTRACT,
            review.id,
            Answer(verb=Verb.APPROVE, by="karim", proof=Proof.HOST, channel="cli"),
        )
    assert pilot.facts(case.id).count("decision") == 0
    assert pilot.facts(case.id)[-1] == "late_answer"


def test_a_task_that_nobody_does_is_the_fallbacks_and_they_are_told(
    pilot: Pilot, box: Mailbox
) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead(sample("incomplete"))
    case, _ = pilot.flown(form)
    ref = f"{case.id}/incomplete"
    asyncio.run(look_over(TOLD))
    let_time_pass(ref, What.REMIND)
    let_time_pass(ref, What.RUN_OUT)
    let_time_pass(ref, *What)

    assert (handoff(case.id, "incomplete").receiver, handoff(case.id, "incomplete").state) == (
        "head-of-sales-ops",
        "fell_back",
    )
    assert tasks_on(pilot, form["contact_id"]) == [
        f"[{case.id}] incomplete: complete the lead or discard it",
        f"[{case.id}] incomplete: complete the lead or discard it (now head-of-sales-ops's)",
    ]
    letters = [message_from_bytes(one, policy=default) for one in box.letters]
    told = [(one["To"], one["Subject"]) for one in letters if ref in one["Subject"]]
    both = ("jan.moreau@taxi.example", "lena.ostrow@taxi.example")
    assert [sorted(told[:2]), sorted(told[2:4]), told[4:]] == [
        [(one, f"{ref}: is yours") for one in both],
        [(one, f"{ref}: still waits for you") for one in both],
        [("tomas.reiter@taxi.example", f"{ref}: yours now, as its fallback")],
    ]


def test_a_task_that_is_completed_in_the_crm_is_taken_from_nobody(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead(sample("incomplete"))
    case, _ = pilot.flown(form)
    (effect,) = pilot.effects(case.id)
    httpx.patch(
        f"{pilot.system.state.crm_url}/crm/v3/objects/tasks/{effect.remote_id}",
        json={"properties": {"hs_task_status": "COMPLETED"}},
        headers={"Authorization": f"Bearer {pilot.system.state.crm_token}"},
    ).raise_for_status()
    let_time_pass(f"{case.id}/incomplete", *What)
    row = handoff(case.id, "incomplete")

    assert (row.receiver, row.state, row.ended_by) == ("sales-ops", "done", "crm")
    assert len(tasks_on(pilot, form["contact_id"])) == 1


def test_while_the_crm_is_away_it_is_the_fallbacks_here_and_the_task_follows(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead(sample("incomplete"))
    case, _ = pilot.flown(form)
    pilot.crm.fault(do="status", path="/tasks", method="*", status=503, times=1000)
    try:
        let_time_pass(f"{case.id}/incomplete", *What)
        assert handoff(case.id, "incomplete").state == "fell_back"
        assert len(tasks_on(pilot, form["contact_id"])) == 1
    finally:
        pilot.crm.works_again()

    def made() -> bool:
        asyncio.run(look_over(TOLD))
        return len(tasks_on(pilot, form["contact_id"])) == 2

    until(made, "the fallback's owner has a task")
    asyncio.run(look_over(TOLD))
    assert len(tasks_on(pilot, form["contact_id"])) == 2


def test_whoever_is_asked_gets_a_link_of_their_own_by_mail(pilot: Pilot, box: Mailbox) -> None:
    pilot.at(Authority.RECOMMEND)
    event = pilot.send(pilot.lead())
    review = pilot.review(event)
    asyncio.run(look_over(TOLD))
    letters = [message_from_bytes(one, policy=default) for one in box.letters]
    links = {
        one["To"]: one.get_content().splitlines()[-1]
        for one in letters
        if one["Subject"] == f"{review.id}: waits for your decision"
    }

    assert set(links) == {
        "karim.adler@taxi.example",
        "sofia.lindt@taxi.example",
        "lena.ostrow@taxi.example",
    }
    assert len(set(links.values())) == 3
    page = httpx.get(links["sofia.lindt@taxi.example"])
    assert (page.status_code, "For Sofia Lindt." in page.text) == (200, True)
    asyncio.run(look_over(TOLD))
    assert len(box.letters) == len(letters)


def test_a_channel_that_is_away_repeats_no_letter(
    pilot: Pilot, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = pilot.system.state.crm_url
    monkeypatch.setenv("TAXIWAY_SLACK_URL", f"{crm}/services/T1/B1/secret")
    settings.cache_clear()
    pilot.at(Authority.RECOMMEND)
    review = pilot.review(pilot.send(pilot.lead()))
    pilot.crm.fault(do="status", path="/services/", method="POST", status=503, times=1000)
    try:
        asyncio.run(look_over(TOLD))
        asyncio.run(look_over(TOLD))
        assert sum(review.id.encode() in one for one in box.letters) == 3
    finally:
        pilot.crm.works_again()
    asyncio.run(look_over(TOLD))
    asyncio.run(look_over(TOLD))

    posts = [one for one in pilot.crm.requests() if "/services/" in one["path"] and one["applied"]]
    assert sum(review.id in one["content"]["text"] for one in posts) == 1
    assert sum(review.id.encode() in one for one in box.letters) == 3
