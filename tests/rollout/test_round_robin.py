"""Turns: in proportion to weight, within capacity, never to somebody away, and atomic."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from integrations.database import transaction
from rollout.case import Ending, close_row, open_row
from rollout.round_robin import pass_turn, take_turn, taken_on
from rollout.territories import RosterRow

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = date(2026, 11, 2)


@pytest.fixture
def team(database: str) -> str:
    del database
    return f"team-{uuid4().hex[:8]}"


def seat(team: str, who: str, **more: object) -> RosterRow:
    words = {"sheet_id": 1, "row": 2, "team": team, "owner_email": f"{who}@x.example"}
    return RosterRow.model_validate({**words, **more})


def new_case() -> str:
    with transaction() as session:
        return open_row(
            session,
            prefix="T",
            workflow="turns",
            version="1",
            dedupe=uuid4().hex,
            inbox_id=uuid4().hex,
            now=WHEN,
        ).id


def whose(team: str, seats: list[RosterRow], case: str = "", day: date = DAY) -> str | None:
    with transaction() as session:
        turn = take_turn(session, case or new_case(), team, seats, day, WHEN)
        return turn.owner_email.partition("@")[0] if turn else None


def test_turns_follow_the_weights_and_are_spread(team: str) -> None:
    seats = [seat(team, "a", weight=2), seat(team, "b"), seat(team, "c")]
    turns = [whose(team, seats) for _ in range(8)]

    assert turns == ["a", "b", "c", "a"] * 2


def test_a_case_has_one_turn_however_often_it_asks(team: str) -> None:
    seats, case = [seat(team, "a"), seat(team, "b")], new_case()

    assert {whose(team, seats, case) for _ in range(3)} == {"a"}
    assert whose(team, seats) == "b"


def test_nobody_gets_more_than_their_cap_on_a_day(team: str) -> None:
    seats = [seat(team, "a", daily_cap=1), seat(team, "b", daily_cap=2)]

    assert [whose(team, seats) for _ in range(4)] == ["a", "b", "b", None]
    assert whose(team, seats, day=date(2026, 11, 3)) is not None


def test_who_was_away_is_not_flooded_on_return(team: str) -> None:
    seats = [seat(team, "a", away="2026-11-02"), seat(team, "b"), seat(team, "c")]
    assert "a" not in [whose(team, seats) for _ in range(9)]

    after = [whose(team, seats, day=date(2026, 11, 3)) for _ in range(6)]
    assert Counter(after) == {"a": 2, "b": 2, "c": 2}


def test_a_case_that_ended_another_way_gives_its_turn_back(team: str) -> None:
    seats, lost = [seat(team, "a", daily_cap=1), seat(team, "b")], new_case()
    assert whose(team, seats, lost) == "a"
    with transaction() as session:
        close_row(session, lost, Ending.DECLINED, "no", WHEN)

    assert [whose(team, seats) for _ in range(2)] == ["a", "b"]


def test_who_gets_the_lead_instead_pays_for_it(team: str) -> None:
    seats, case = [seat(team, "a"), seat(team, "b")], new_case()
    assert whose(team, seats, case) == "a"
    with transaction() as session:
        pass_turn(session, case, "b@x.example")
        assert taken_on(session, team, DAY) == {"b@x.example": 1}

    assert [whose(team, seats) for _ in range(2)] == ["a", "a"]


def test_turns_taken_at_once_are_each_given_once(team: str) -> None:
    seats = [seat(team, who, daily_cap=5) for who in "abcd"]
    cases = [new_case() for _ in range(24)]
    with ThreadPoolExecutor(12) as threads:
        turns = list(threads.map(lambda case: whose(team, seats, case), cases))

    assert Counter(turns) == {"a": 5, "b": 5, "c": 5, "d": 5, None: 4}
