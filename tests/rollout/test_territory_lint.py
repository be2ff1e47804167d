"""What is wrong with a sheet, named by line and column."""

import time

import pytest

from rollout.territories import Kind
from rollout.territory_lint import Known, lint

KNOWN = Known(owners=frozenset({"mira@x.example"}), teams=frozenset({"a", "b"}))
GOOD = {
    Kind.TERRITORIES: {"territory": "T", "country": "DE", "segment": "SMB", "team": "a"},
    Kind.ROSTER: {"team": "a", "owner_email": "mira@x.example"},
    Kind.ACCOUNTS: {"domain": "a.example", "kind": "named", "owner_email": "mira@x.example"},
}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_good_row_has_no_errors(kind: Kind) -> None:
    assert lint(kind, [(2, GOOD[kind])], KNOWN).errors == []


@pytest.mark.parametrize(
    ("kind", "cells", "says"),
    [
        (Kind.TERRITORIES, {"country": "DEU"}, "line 2, country: 'DEU' is not a code"),
        (Kind.TERRITORIES, {"segment": "BIG"}, "line 2, segment: 'BIG' is unknown; known: SMB, MM"),
        (Kind.TERRITORIES, {"team": "c"}, "line 2, team: nobody is on the team 'c'"),
        (Kind.TERRITORIES, {"team": ""}, "line 2, team: is empty"),
        (Kind.TERRITORIES, {"priority": "-1"}, "priority: '-1' is not a whole number from 0"),
        (Kind.TERRITORIES, {"postal_from": "1"}, "postal_from: a range has both ends"),
        (Kind.TERRITORIES, {"postal_from": "9", "postal_to": "1"}, "9 comes after 1"),
        (Kind.TERRITORIES, {"postal_from": "10", "postal_to": "9"}, "different lengths"),
        (Kind.ROSTER, {"owner_email": "x@x.example"}, "x@x.example is no active user of the CRM"),
        (Kind.ROSTER, {"owner_email": "mira"}, "owner_email: 'mira' is not an address"),
        (Kind.ROSTER, {"weight": "0"}, "weight: '0' is not a whole number from 1"),
        (Kind.ROSTER, {"daily_cap": "many"}, "daily_cap: 'many' is not a whole number from 0"),
        (Kind.ROSTER, {"away": "24.12.2026"}, "write 2026-12-24..2026-12-31"),
        (Kind.ROSTER, {"away": "2026-12-31..2026-12-24"}, "ends before it begins"),
        (Kind.ACCOUNTS, {"domain": "https://a"}, "is not a domain, like example.com"),
        (Kind.ACCOUNTS, {"kind": "friend"}, "kind: 'friend' is unknown"),
        (Kind.ACCOUNTS, {"owner_email": ""}, "a named account has an owner"),
        (Kind.ACCOUNTS, {"owner_email": "x@x.example"}, "is no active user of the CRM"),
    ],
)
def test_a_wrong_cell_is_named(kind: Kind, cells: dict[str, str], says: str) -> None:
    (error,) = lint(kind, [(2, {**GOOD[kind], **cells})], KNOWN).errors
    assert says in str(error)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Kind.ROSTER, "a mira@x.example stands in line 2 already"),
        (Kind.ACCOUNTS, "a.example stands in line 2 already"),
    ],
)
def test_what_stands_twice_is_named(kind: Kind, says: str) -> None:
    (error,) = lint(kind, [(2, GOOD[kind]), (3, GOOD[kind])], KNOWN).errors
    assert says in str(error)


def territory(line: int, **more: str) -> tuple[int, dict[str, str]]:
    return line, {**GOOD[Kind.TERRITORIES], **more}


def told(*rows: tuple[int, dict[str, str]]) -> list[str]:
    linted = lint(Kind.TERRITORIES, rows, KNOWN)
    assert linted.errors == []
    return [str(one) for one in linted.findings if "no territory for" not in one.says]


def test_an_overlap_is_told_with_both_lines() -> None:
    (found,) = told(territory(2), territory(3, team="b"))
    assert "line 3: an overlap with line 2" in found


@pytest.mark.parametrize(
    "second",
    [{"team": "b", "priority": "1"}, {"team": "a"}, {"team": "b", "state": "BY"}],
    ids=["precedence", "one team", "closer"],
)
def test_what_is_settled_is_no_overlap(second: dict[str, str]) -> None:
    assert told(territory(2), territory(3, **second)) == []


def test_ranges_that_cross_overlap_and_those_that_leave_room_have_a_gap() -> None:
    found = told(
        territory(2, postal_from="10", postal_to="29"),
        territory(3, postal_from="25", postal_to="39", team="b"),
        territory(4, postal_from="50", postal_to="59"),
    )
    assert ["overlap with line 2" in one for one in found] == [True, False]
    assert "nobody serves what lies between 39 to 50" in found[1]


def test_a_row_for_the_rest_leaves_no_gap() -> None:
    ranges = [
        territory(2, postal_from="10", postal_to="29"),
        territory(3, postal_from="50", postal_to="59"),
    ]
    assert len(told(*ranges)) == 1
    assert told(*ranges, territory(4)) == []


def test_a_country_without_one_of_the_segments_is_a_gap() -> None:
    linted = lint(Kind.TERRITORIES, [territory(2)], KNOWN)
    assert [str(one) for one in linted.findings] == [
        "territories: a gap: DE has no territory for MM"
    ]


def test_a_hundred_thousand_rows_take_seconds() -> None:
    rows = [
        territory(2 + n, postal_from=f"{n:06}", postal_to=f"{n:06}", team="ab"[n % 2])
        for n in range(100_000)
    ]
    began = time.process_time()
    linted = lint(Kind.TERRITORIES, rows, KNOWN)

    assert (len(linted.rows), linted.errors) == (100_000, [])
    assert time.process_time() - began < 30  # quadratic work would take hours
