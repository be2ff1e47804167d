"""Who serves a place: the closest row, the declared precedence, and never chance."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.database import transaction
from rollout.territories import (
    AccountKind,
    Found,
    Kind,
    Place,
    TerritoryRow,
    account_of,
    find_territory,
    is_away,
    put_in_force,
    seats_on,
    territories_at,
)

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
HERE = Place("DE", "SMB", state="BY", postal_code="80-331")


def row(team: str, number: int = 2, **more: object) -> TerritoryRow:
    words = {"territory": team.upper(), "country": "DE", "segment": "SMB", "team": team}
    return TerritoryRow.model_validate({"sheet_id": 1, "row": number, **words, **more})


COUNTRY = row("country")
STATE = row("state", state="by")
RANGE = row("range", postal_from="80000", postal_to="81999")
NARROW = row("narrow", postal_from="803", postal_to="803")


@pytest.mark.parametrize(
    ("rows", "team"),
    [
        ([COUNTRY], "country"),
        ([COUNTRY, STATE], "state"),
        ([COUNTRY, STATE, RANGE], "range"),
        ([COUNTRY, STATE, RANGE, NARROW], "range"),
        ([STATE, NARROW], "narrow"),
        ([row("other", state="BE"), COUNTRY], "country"),
        ([row("far", postal_from="10000", postal_to="19999"), COUNTRY], "country"),
        ([row("later", priority=1), row("first", 3)], "first"),
    ],
)
def test_the_closest_row_wins(rows: list[TerritoryRow], team: str) -> None:
    assert find_territory(rows, HERE) == Found(team.upper(), team)


def test_two_rows_that_fit_equally_well_are_an_overlap() -> None:
    found = find_territory([row("one"), row("two", 3)], HERE)
    assert found is not None
    assert (found.team, found.rivals) == ("one", ("TWO",))


def test_two_rows_of_the_same_team_are_none() -> None:
    found = find_territory([row("one"), row("one", 3)], HERE)
    assert found == Found("ONE", "one")


def test_no_row_is_a_gap() -> None:
    assert find_territory([row("other", state="BE")], HERE) is None
    assert find_territory([RANGE], Place("DE", "SMB", postal_code="8")) is None


@given(st.permutations([COUNTRY, STATE, RANGE, NARROW, row("x", 9), row("y", 10, state="BY")]))
def test_the_order_of_the_rows_never_decides(rows: list[TerritoryRow]) -> None:
    assert find_territory(rows, HERE) == Found("RANGE", "range")


@pytest.mark.parametrize(
    ("away", "day", "is_it"),
    [
        ("", date(2026, 12, 24), False),
        ("2026-12-24..2026-12-31", date(2026, 12, 24), True),
        ("2026-12-24..2026-12-31", date(2026, 12, 31), True),
        ("2026-12-24..2026-12-31; 2027-01-05", date(2027, 1, 5), True),
        ("2026-12-24..2026-12-31", date(2027, 1, 1), False),
    ],
)
def test_days_away_are_those_that_the_roster_names(away: str, day: date, *, is_it: bool) -> None:
    assert is_away(away, day) is is_it


def test_on_each_day_the_sheet_of_that_day_is_in_force(database: str) -> None:
    del database
    country = uuid4().hex[:8]
    old, new = date(2031, 1, 1), date(2031, 2, 1)

    def sheet(team: str, start: date) -> None:
        rows = [{"row": 2, "territory": "T", "country": country, "segment": "SMB", "team": team}]
        rows = [{**one, "state": "", "postal_from": "", "postal_to": ""} for one in rows]
        with transaction() as session:
            put_in_force(
                session,
                Kind.TERRITORIES,
                [{**one, "priority": 0} for one in rows],
                valid_from=start,
                by="ann",
                now=WHEN,
            )

    def team_on(day: date) -> list[str]:
        with transaction() as session:
            return [one.team for one in territories_at(session, day, country, "SMB")]

    sheet("a", old)
    sheet("b", new)
    sheet("c", new)  # the same day again: the later import counts
    assert [team_on(date(2031, 1, 31)), team_on(new), team_on(date(2030, 1, 1))] == [
        ["a"],
        ["c"],
        [],
    ]
    with transaction() as session:
        assert seats_on(session, date(2026, 1, 1), "nobody") == []


def test_an_account_is_found_by_the_surest_of_its_domains(database: str) -> None:
    del database
    day = date(2032, 1, 1)
    rows = [
        {
            "row": 2,
            "domain": "b.example",
            "kind": AccountKind.PARTNER,
            "owner_email": "b@x.example",
        },
        {"row": 3, "domain": "a.example", "kind": AccountKind.NAMED, "owner_email": "a@x.example"},
    ]
    with transaction() as session:
        put_in_force(session, Kind.ACCOUNTS, rows, valid_from=day, by="ann", now=WHEN)
        found = account_of(session, day, ["a.example", "b.example"])
        assert found is not None
        assert (found.kind, found.owner_email) == ("named", "a@x.example")
        assert account_of(session, day, ["c.example"]) is None
