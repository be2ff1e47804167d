"""The directory: read with every fault at once, written again, and held against the contracts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlmodel import Session, col, select

from flows.contracts.lead_routing import CONTRACT
from integrations import samples
from integrations.database import transaction
from rollout.business_time import Calendar
from rollout.errors import Invalid
from rollout.ledger import Entry
from rollout.people import (
    Directory,
    Person,
    difference,
    let_count,
    read_directory,
)
from rollout.people_sheet import parse, write
from rollout.roles import concerns, orphaned

TODAY = date(2026, 11, 25)
WHEN = datetime(2026, 11, 25, 9, tzinfo=UTC)
SAMPLE = samples.sheet("people.toml").read_text()
SMALL = """
[people.ann]
name = "Ann"
mail = "ann@x.example"
login = "ann"
last_day = 2026-12-31

[groups.desk]
members = ["ann"]
time_zone = "Europe/Berlin"
hours = "08:30-16:00"
weekdays = "mon,tue,thu"
holidays = "DE"
closed = [2026-12-24]
"""


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    del database
    with transaction() as opened:
        yield opened
        opened.rollback()


def test_what_is_read_is_written_again() -> None:
    for content in (SMALL, SAMPLE):
        read = parse(content)
        assert parse(write(read)) == read


def test_a_group_has_its_hours_and_its_days() -> None:
    desk = parse(SMALL).groups["desk"].calendar

    assert (desk.time_zone, f"{desk.opens:%H:%M}", desk.weekdays) == (
        "Europe/Berlin",
        "08:30",
        ("mon", "tue", "thu"),
    )
    assert desk.why_closed(date(2026, 12, 24)) == "closed"
    assert desk.why_closed(date(2026, 12, 25)) == "no working day"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "Ann"', "", "people.ann: name is missing"),
        ('mail = "ann@x.example"', 'mail = "ann"', "people.ann: ann is no address"),
        ('login = "ann"', "login = 7", "people.ann: login must be a str"),
        ('login = "ann"', 'phone = "7"', "people.ann: phone is unknown; known: name, mail"),
        ("last_day = 2026-12-31", 'last_day = "soon"', "people.ann: last_day must be a date"),
        ('members = ["ann"]', "members = []", "groups.desk: members is missing or empty"),
        ('members = ["ann"]', 'members = ["bob"]', "groups.desk: bob is nobody"),
        ('members = ["ann"]', 'members = ["ann", "ann"]', "somebody is a member twice"),
        ("Europe/Berlin", "Europe/Bonn", "groups.desk: there is no time zone 'Europe/Bonn'"),
        ("08:30-16:00", "8-16", "groups.desk: hours is like 09:00-17:30, not '8-16'"),
        ("08:30-16:00", "25:00-26:00", "groups.desk: hours is like"),
        ("08:30-16:00", "16:00-08:30", "must be after opens"),
        ("mon,tue,thu", "monday", "weekdays are some of"),
        ('holidays = "DE"', 'holidays = "ZZ"', "no holiday calendar 'ZZ'"),
        ("[2026-12-24]", '["xmas"]', "closed is a list of days"),
        ("[groups.desk]", "[teams.desk]", "[teams] is unknown"),
        ("[groups.desk]", "[groups.ann]", "ann is a person and a group"),
        ("[people.ann]", "[people.Ann]", "people.Ann: a name is lower case"),
        ("[people.ann]", "[people", "this is not TOML"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, says: str) -> None:
    assert old in SMALL
    with pytest.raises(Invalid) as told:
        parse(SMALL.replace(old, new))
    assert says in str(told.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Invalid) as told:
        parse('[people.ann]\nmail = "a"\n[groups.g]\nmembers = ["x"]\nhours = "all day"')
    assert str(told.value).count("\n- ") == 3


def test_two_people_do_not_share_a_login() -> None:
    twice = SMALL + '\n[people.bob]\nname = "Bob"\nlogin = "Ann"\n'
    with pytest.raises(Invalid, match="two people have the login ann"):
        parse(twice)


def test_the_samples_are_whom_the_sample_contract_needs() -> None:
    assert concerns(parse(SAMPLE), [CONTRACT], TODAY) == []


def test_who_stayed_silent_is_no_fallback() -> None:
    alone = parse(SAMPLE.replace('members = ["maren"]', 'members = ["ruth"]'))
    assert concerns(alone, [CONTRACT], TODAY) == [
        "lead-routing: after risk-office, no-consent falls back on ruth, who is one of them"
    ]


def test_a_name_that_nobody_has_is_told() -> None:
    strange = replace(CONTRACT, owners=replace(CONTRACT.owners, reviewer="night-desk"))
    (found, *_) = concerns(parse(SAMPLE), [strange], TODAY)
    assert found == "lead-routing: the reviewer owner is night-desk, and nobody is called so"


def test_who_governs_does_not_own_what_is_governed() -> None:
    both = replace(CONTRACT, owners=replace(CONTRACT.owners, business="risk-office"))
    assert "lead-routing: ruth governs, and is the business owner too" in concerns(
        parse(SAMPLE), [both], TODAY
    )


def test_an_owner_who_has_left_orphans_the_workflow() -> None:
    directory = parse(SAMPLE)
    gone = replace(directory.people["ines"], last_day=date(2026, 11, 24))
    left = Directory({**directory.people, "ines": gone}, directory.groups)

    assert orphaned(directory, CONTRACT, TODAY) is None
    assert orphaned(left, CONTRACT, TODAY) == "nobody is left for: business (vp-sales)"
    assert orphaned(left, CONTRACT, date(2026, 11, 24)) is None
    assert "nobody of them is here any more" in concerns(left, [CONTRACT], TODAY)[0]


def test_without_a_directory_nothing_is_orphaned() -> None:
    assert orphaned(Directory({}, {}), CONTRACT, TODAY) is None
    assert Directory({}, {}).calendar_of("anybody") == Calendar()


def test_a_person_has_the_calendar_of_their_first_group() -> None:
    directory = parse(SAMPLE)
    assert directory.calendar_of("sofia") == directory.groups["sales-desk"].calendar
    assert directory.calendar_of("enterprise-desk").time_zone == "Europe/Amsterdam"


def test_one_directory_replaces_the_other_and_the_ledger_says_which(session: Session) -> None:
    let_count(session, parse(SAMPLE), by="kim", now=WHEN)
    assert read_directory(session) == parse(SAMPLE)
    let_count(session, parse(SMALL), by="kim", now=WHEN)

    assert read_directory(session) == parse(SMALL)
    entry = session.exec(select(Entry).order_by(col(Entry.seq).desc()).limit(1)).one()
    assert (entry.kind, entry.actor) == ("people", "kim")
    assert entry.fields == {"version": parse(SMALL).version, "people": 1, "groups": 1}


def test_what_a_new_directory_changes_is_said() -> None:
    old, new = parse(SMALL), parse(SMALL.replace("ann", "bob").replace("08:30", "09:00"))
    assert difference(old, new) == [
        "person bob is new",
        "person ann goes",
        "group desk changes",
    ]


def test_somebody_is_here_until_the_last_day() -> None:
    ann = Person("ann", "Ann", last_day=TODAY)
    assert ann.is_here(TODAY)
    assert not ann.is_here(date(2026, 11, 26))


# Delegations

AWAY = (
    SMALL
    + """
[people.bob]
name = "Bob"
[people.cleo]
name = "Cleo"
[[delegations]]
by = "ann"
to = "bob"
first = 2026-12-01
last = 2026-12-10
"""
)
FURTHER = """
[[delegations]]
by = "bob"
to = "cleo"
first = 2026-12-05
last = 2026-12-06
"""


def names(directory: Directory, day: int) -> list[str]:
    return [one.id for one in directory.who("desk", date(2026, 12, day))]


def test_whoever_is_away_is_answered_for_from_the_first_to_the_last_day() -> None:
    directory = parse(AWAY + FURTHER)
    assert [names(directory, day) for day in (1, 5, 7, 10, 11)] == [
        ["bob"],
        ["cleo"],
        ["bob"],
        ["bob"],
        ["ann"],
    ]
    assert parse(write(directory)) == directory
    assert directory.version != parse(AWAY).version


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (FURTHER.replace("cleo", "ann"), "delegation of bob: it goes in a circle"),
        (FURTHER.replace("cleo", "bob"), "delegation of bob: to themselves"),
        (FURTHER.replace("cleo", "dora"), "delegation of bob: dora is nobody in [people]"),
        (FURTHER.replace('"bob"', '"ann"'), "delegation of ann: two at the same time"),
        (FURTHER.replace("2026-12-06", "2026-12-01"), "delegation 2: it ends before it begins"),
        (FURTHER.replace('to = "cleo"', ""), "delegation 2: it needs by, to, first, last"),
    ],
)
def test_a_delegation_that_nobody_could_follow_is_refused(more: str, says: str) -> None:
    with pytest.raises(Invalid) as told:
        parse(AWAY + more)
    assert says in str(told.value)


def test_a_delegation_is_kept_and_goes_with_its_directory(session: Session) -> None:
    let_count(session, parse(AWAY + FURTHER), by="kim", now=WHEN)
    assert read_directory(session) == parse(AWAY + FURTHER)
    let_count(session, parse(SMALL), by="kim", now=WHEN)
    assert read_directory(session).delegations == ()


def test_a_name_that_two_people_have_is_nobodys() -> None:
    two = parse(
        '[people.ann]\nname = "Ann Weber"\n[people.anna]\nname = "Ann Weber"\n'
        '[groups.desk]\nmembers = ["ann", "anna"]'
    )
    assert two.called("Ann Weber") is None
    assert two.called("anna") == two.people["anna"]
    assert parse(SAMPLE).called(" olga STERN ") == parse(SAMPLE).people["olga"]
