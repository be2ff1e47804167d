"""Further opinions by a link: one case after another, nobody is told whose answer is whose."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
from sqlmodel import select

from flows.contracts.lead_routing import CONTRACT
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.links import Pass, token_of
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import Ending
from rollout.compared import ComparedRow
from rollout.opinions import Kind, OpinionRow, agents_side, ask_for
from rollout.people import Person, read_directory
from rollout.shadow import HumanDecision, take_human_decision
from tasks.opinions import SCOPE, link_to_opinions
from tests.doors.terminal import taxiway
from tests.pilot import Pilot
from tests.staff import staff

__all__ = ["staff"]  # a fixture

pytestmark = pytest.mark.system
NAME = CONTRACT.workflow


@dataclass(frozen=True)
class Differs:
    """A case of which a third person is asked."""

    case: str
    agent: str
    human: str


@pytest.fixture(autouse=True)
def nothing_else_waits(pilot: Pilot) -> None:
    del pilot
    with transaction() as session:
        for row in session.exec(select(OpinionRow)).all():
            row.answered_at = row.answered_at or now()
            session.add(row)


@pytest.fixture
def differs(pilot: Pilot, staff: None) -> Differs:
    """The agent watched a lead, and karim gave it to somebody else."""
    del staff
    pilot.at(Authority.SHADOW)
    form = pilot.lead(free_text="<script>alert(1)</script>")
    case, ending = pilot.flown(form)
    assert ending is Ending.WATCHED
    agent = pilot.proposed(case.id)
    owners = [str(one["email"]) for one in samples.crm()["owners"]]
    human = next(one for one in owners if one != agent)
    said = HumanDecision(answer={"owner": human}, by="karim", at=now(), source="webhook")
    with transaction() as session:
        take_human_decision(session, CONTRACT, case.id, said, now())
        for row in session.exec(select(OpinionRow).where(OpinionRow.kind == Kind.SECOND)).all():
            row.answered_at = now()  # a sample of all is asked about, too
            session.add(row)
    return Differs(case.id, agent, human)


def link(pilot: Pilot, **other: object) -> str:
    until = int((now() + timedelta(hours=1)).timestamp())
    held = replace(Pass("sofia", f"{SCOPE}{NAME}", "", until), **other)  # type: ignore[arg-type] # what a test alters
    token = token_of(held, settings().link_key.get_secret_value())
    return f"{pilot.system.state.hooks_url}/opinions/{token}"


def judged(case: str) -> str:
    with transaction() as session:
        return session.exec(select(ComparedRow.judged).where(ComparedRow.case_id == case)).one()


def test_two_answers_without_names_are_shown_and_one_word_judges(
    pilot: Pilot, differs: Differs
) -> None:
    place = link(pilot)
    page = [httpx.get(place) for _ in range(20)][-1]
    first, second = (
        re.search(rf"The {n} answer</h2><p>owner: ([^<]+)<", page.text) for n in ("first", "second")
    )
    assert first is not None
    assert second is not None
    assert {first[1], second[1]} == {differs.agent, differs.human}
    assert "agent" not in page.text.replace(differs.agent, "").replace(differs.human, "")
    (odd,) = (line for line in page.text.split("<li>") if "&lt;script&gt;" in line)
    assert '<span class="mark">untrusted text</span> (form' in odd
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert judged(differs.case) == ""  # looking judges nothing
    assert re.search(r"\d wait: taxiway opinions", taxiway().stdout)

    which = f"O-{differs.case}-{Kind.WHO_IS_RIGHT}"
    nothing = httpx.post(place, data={"opinion": which})
    strange = httpx.post(place, data={"opinion": which, "side": "third"})
    assert (nothing.status_code, strange.status_code, judged(differs.case)) == (422, 422, "")
    assert "Your answer was not taken" in nothing.text
    side = agents_side(NAME, differs.case).value
    taken = httpx.post(place, data={"opinion": which, "side": side})
    assert (taken.status_code, judged(differs.case)) == (200, "agent")
    assert "your word is on record. Thank you, Sofia" in taken.text
    assert "Nothing waits for you here" in taken.text
    late = httpx.post(place, data={"opinion": which, "side": "both"})
    assert (late.status_code, judged(differs.case)) == (409, "agent")
    assert "was answered by sofia already" in late.text


def test_whoever_decided_it_is_shown_nothing_and_may_not_answer(
    pilot: Pilot, differs: Differs
) -> None:
    assert "Nothing waits for you here" in httpx.get(link(pilot, person="karim")).text
    which = f"O-{differs.case}-{Kind.WHO_IS_RIGHT}"
    own = httpx.post(link(pilot, person="karim"), data={"opinion": which, "side": "both"})
    stranger = httpx.post(link(pilot, person="ruth"), data={"opinion": which, "side": "both"})
    assert (own.status_code, stranger.status_code, judged(differs.case)) == (403, 403, "")


@pytest.mark.parametrize(
    ("other", "code", "says"),
    [
        ({"until": 1}, 410, "has run out"),
        ({"person": "nobody"}, 403, "does not work here any more"),
        ({"review": "R-L-1-1"}, 403, "is for a review"),
    ],
)
def test_a_link_that_is_good_for_nothing_says_why(
    pilot: Pilot, staff: None, other: dict[str, object], code: int, says: str
) -> None:
    del staff
    place = link(pilot, **other)
    for found in (httpx.get(place), httpx.post(place, data={"x": "y"})):
        assert (found.status_code, says in found.text) == (code, True)
    assert httpx.post(link(pilot), content=b"x=" + b"y" * 70_000).status_code == 413
    unknown = httpx.post(link(pilot), data={"opinion": "O-L-0-second", "side": "both"})
    assert (unknown.status_code, "there is no opinion" in unknown.text) == (404, True)


def test_a_recheck_asks_for_an_own_answer_and_shows_none(pilot: Pilot, differs: Differs) -> None:
    with transaction() as session:
        session.get_one(OpinionRow, f"O-{differs.case}-{Kind.WHO_IS_RIGHT}").answered_at = now()
    pilot.at(Authority.FULL)
    case, ending = pilot.flown(pilot.lead())
    pilot.at(Authority.SHADOW)
    assert ending is Ending.ACTED
    agent = pilot.proposed(case.id)
    with transaction() as session:
        ask_for(session, CONTRACT, case.id, Kind.RECHECK, release="x", not_by="", now=now())
    page = httpx.get(link(pilot))
    shown = page.text.partition("<datalist")[0]
    assert ("What would you do?" in shown, agent in shown) == (True, False)
    which = f"O-{case.id}-{Kind.RECHECK}"
    empty = httpx.post(link(pilot), data={"opinion": which, "set-owner": " "})
    assert empty.status_code == 422
    taken = httpx.post(link(pilot), data={"opinion": which, "set-owner": f" {agent.upper()} "})
    assert taken.status_code == 200
    with transaction() as session:
        row = session.exec(select(ComparedRow).where(ComparedRow.case_id == case.id)).one()
    assert (row.verdict, row.source, row.blind) == ("equivalent", "recheck", "yes")


def test_each_one_is_written_a_link_of_their_own(
    pilot: Pilot, differs: Differs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction() as session:
        people: dict[str, Person] = dict(read_directory(session).people)
    made = {one: link_to_opinions(NAME)(people[one]) for one in ("karim", "sofia")}
    assert made["karim"] != made["sofia"]
    assert "For Sofia" in httpx.get(made["sofia"]).text
    assert differs.case in httpx.get(made["sofia"]).text
    monkeypatch.setenv("TAXIWAY_LINK_KEY", "")
    settings.cache_clear()
    assert link_to_opinions(NAME)(people["sofia"]) == ""
    monkeypatch.undo()
    settings.cache_clear()
