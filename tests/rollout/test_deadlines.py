"""Nobody acts: reminders, the next in line, the fallback; each once, and never a decision."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlmodel import Session, col, select

from integrations.database import engine, prepare, transaction
from integrations.databases import ensure_database
from integrations.settings import settings
from rollout.business_time import Business
from rollout.case import Case
from rollout.contract import Handoff, Leg
from rollout.deadlines import Deadline, Kind, Line, What, about_to_pass, pass_due, plan
from rollout.errors import Conflict
from rollout.handoffs import HandoffRow, Offered, accept, finish, offer
from rollout.ledger import Entry
from rollout.people import Directory, Group, let_count
from rollout.people_sheet import parse
from rollout.reviews import ReviewRow
from tests.rollout.trial import a_case, a_review, contract

PEOPLE = parse(
    "\n".join(
        f'[people.{name}]\nname = "{name}"\n[groups.{group}]\nmembers = ["{name}"]\n'
        f'time_zone = "{zone}"\nhours = "09:00-17:00"\nholidays = "{days}"'
        for name, group, zone, days in (
            ("ann", "csm", "Europe/Berlin", "DE-BE"),
            ("ben", "account-lead", "America/New_York", "US"),
            ("cleo", "vp-cs", "Europe/Berlin", "DE-BE"),
        )
    )
)
LINE = Line(
    (Leg("csm", Business(days=3)), Leg("account-lead", Business(days=2))),
    "vp-cs",
)


@pytest.fixture(scope="module")
def apart(database: str) -> Iterator[None]:
    """A database of its own: these clocks would let other tests' deadlines pass."""
    os.environ["TAXIWAY_DATABASE_URL"] = own = ensure_database(database, "deadlines")
    settings.cache_clear()
    prepare()
    yield
    engine(own).dispose()
    os.environ["TAXIWAY_DATABASE_URL"] = database
    settings.cache_clear()


@pytest.fixture
def session(apart: None) -> Iterator[Session]:
    del apart
    with transaction() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def case(session: Session) -> Case:
    return a_case(session, contract())


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type,misc] # year to minute


def hand_off(session: Session, case: Case, start: datetime, line: Line = LINE) -> HandoffRow:
    """Hand a renewal at risk to its CSM."""
    handoff = Handoff(
        name="renewal-risk",
        when="usage fell and complaints rose",
        to=line.legs[0].to,
        decide="accept the plan, edit it or dismiss it",
        within=line.legs[0].within,
        otherwise=line.otherwise,
        then=line.legs[1:],
    )
    planned = plan(
        session,
        PEOPLE,
        line,
        kind=Kind.HANDOFF,
        ref=f"{case.id}/renewal-risk",
        case_id=case.id,
        workflow=case.workflow,
        start=start,
    )
    offered = Offered(
        name=handoff.name,
        to=handoff.to,
        decide=handoff.decide,
        because="usage -40 %",
        otherwise=handoff.otherwise,
        due_at=planned.due_at,
    )
    assert offer(session, case.workflow, case.id, handoff, offered, start)
    assert not offer(session, case.workflow, case.id, handoff, offered, start)
    session.flush()
    return session.get_one(HandoffRow, (case.id, "renewal-risk"))


def ask(session: Session, case: Case, start: datetime, directory: Directory = PEOPLE) -> ReviewRow:
    review = a_review(session, case)
    line = Line((Leg("csm", Business(hours=4)), Leg("account-lead", Business(hours=4))), "vp-cs")
    plan(
        session,
        directory,
        line,
        kind=Kind.REVIEW,
        ref=review.id,
        case_id=case.id,
        workflow=case.workflow,
        start=start,
    )
    session.flush()
    return review


def happened(session: Session, ref: str) -> list[tuple[str, str, str]]:
    rows = session.exec(
        select(Deadline).where(Deadline.ref == ref).order_by(col(Deadline.at), col(Deadline.id))
    ).all()
    return [(row.what, row.to, row.state) for row in rows]


def actors(session: Session, case: Case) -> list[tuple[str, str]]:
    rows = session.exec(
        select(Entry).where(Entry.case_id == case.id).order_by(col(Entry.seq))
    ).all()
    return [(row.kind, row.actor) for row in rows]


# The renewal that nobody touches: over a weekend, two holidays and two changes of the clocks


@pytest.mark.ugly(18)
def test_three_business_days_without_a_word_and_it_is_the_account_leads_once(
    session: Session, case: Case
) -> None:
    # Friday 30 Oct 2026, 15:30 in Berlin: summer time ended on the 25th there, and ends on the
    # 1st in New York. Three business days: Wednesday 17:00. Two more in New York: Friday.
    handoff = hand_off(session, case, utc(2026, 10, 30, 14, 30))
    assert handoff.due_at == utc(2026, 11, 4, 16)

    assert pass_due(session, utc(2026, 11, 4, 15, 59)) == 1  # one reminder: the later one
    assert (handoff.receiver, handoff.state) == ("csm", "offered")
    assert pass_due(session, utc(2026, 11, 4, 16)) == 1
    assert pass_due(session, utc(2026, 11, 4, 16)) == 0
    assert (handoff.receiver, handoff.state, handoff.due_at) == (
        "account-lead",
        "offered",
        utc(2026, 11, 6, 22),
    )

    assert pass_due(session, utc(2026, 11, 9)) == 1
    assert (handoff.receiver, handoff.state) == ("vp-cs", "fell_back")
    assert actors(session, case) == [("hand_on", "clock"), ("run_out", "clock")]


def test_a_holiday_of_the_receivers_is_no_business_day(session: Session, case: Case) -> None:
    # Wednesday 23 December; the 25th is a holiday in Berlin, the 26th a Saturday.
    handoff = hand_off(session, case, utc(2026, 12, 23, 10))
    assert handoff.due_at == utc(2026, 12, 29, 16)


@pytest.mark.ugly(17)
def test_a_calendar_that_changes_while_something_waits_moves_nothing(
    session: Session, case: Case
) -> None:
    handoff = hand_off(session, case, utc(2026, 11, 2, 9))
    due = handoff.due_at
    closed = replace(PEOPLE.calendar_of("csm"), closed=(date(2026, 11, 3), date(2026, 11, 4)))
    groups = {**PEOPLE.groups, "csm": Group("csm", ("ann",), closed)}
    let_count(session, replace(PEOPLE, groups=groups), by="a test", now=utc(2026, 11, 2, 10))

    assert handoff.due_at == due
    assert [row.case_id for row in about_to_pass(session, due)] == [case.id]


def test_after_three_days_off_everything_happens_once_in_its_order(
    session: Session, case: Case
) -> None:
    handoff = hand_off(session, case, utc(2026, 11, 2, 9))
    pass_due(session, utc(2026, 12, 1))

    assert happened(session, f"{case.id}/renewal-risk") == [
        ("ask", "csm", "moot"),
        ("remind", "csm", "moot"),
        ("remind", "csm", "moot"),
        ("hand_on", "account-lead", "passed"),
        ("remind", "account-lead", "moot"),
        ("remind", "account-lead", "moot"),
        ("run_out", "vp-cs", "passed"),
    ]
    assert handoff.state == "fell_back"
    assert pass_due(session, utc(2027, 1, 1)) == 0


def test_what_is_done_is_taken_from_nobody(session: Session, case: Case) -> None:
    handoff = hand_off(session, case, utc(2026, 11, 2, 9))
    assert accept(session, case.id, by="ann", now=utc(2026, 11, 2, 10)).state == "accepted"
    assert finish(session, case.id, by="ann", now=utc(2026, 11, 2, 11)).state == "done"

    assert pass_due(session, utc(2026, 12, 1)) == 0
    assert (handoff.receiver, handoff.state) == ("csm", "done")
    with pytest.raises(Conflict, match="was done by ann at 2026-11-02 11:00"):
        finish(session, case.id, by="ben", now=utc(2026, 11, 3))


def test_what_is_accepted_and_not_done_is_handed_on(session: Session, case: Case) -> None:
    handoff = hand_off(session, case, utc(2026, 11, 2, 9))
    accept(session, case.id, by="ann", now=utc(2026, 11, 2, 10))
    with pytest.raises(Conflict, match="is ann's already"):
        accept(session, case.id, by="ben", now=utc(2026, 11, 2, 10))
    assert [row.case_id for row in about_to_pass(session, handoff.due_at)] == [case.id]
    pass_due(session, handoff.due_at)

    assert (handoff.receiver, handoff.state, handoff.accepted_by) == ("account-lead", "offered", "")


def test_the_fallbacks_owner_can_still_finish_it(session: Session, case: Case) -> None:
    hand_off(session, case, utc(2026, 11, 2, 9))
    pass_due(session, utc(2026, 12, 1))
    finish(session, f"{case.id}/renewal-risk", by="cleo", now=utc(2026, 12, 2))

    assert actors(session, case)[-1] == ("done_late", "cleo")


# Reviews


def test_an_unknown_receiver_has_office_hours_in_utc(session: Session, case: Case) -> None:
    ask(session, case, utc(2026, 11, 2, 8), Directory({}, {}))
    (first, *_) = session.exec(
        select(Deadline).where(Deadline.case_id == case.id, Deadline.what == What.HAND_ON)
    ).all()
    assert first.at == utc(2026, 11, 2, 13)
