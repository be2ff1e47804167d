"""A cap holds: what is reserved, spent, or may have been spent never passes it."""

import multiprocessing
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from os import environ
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from integrations.database import transaction
from integrations.settings import settings
from rollout.budgets import Budget, Reservation, budgets, daily, reserve, settle
from rollout.errors import Invalid, OverBudget

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
CAP = 100_00
PROCESSES = 50


@pytest.fixture
def scope(database: str) -> str:
    """A budget that no other test knows."""
    del database
    return daily(f"trial-{uuid4().hex[:12]}", "model", date(2026, 11, 2))


def take(scope: str, ref: str, amount: int, cap: int = CAP) -> None:
    with transaction() as session:
        reserve(session, ref=ref, scope=scope, cap=cap, amount=amount, now=WHEN)


def pay(ref: str, cost: int) -> None:
    with transaction() as session:
        settle(session, ref, cost, WHEN)


def state(scope: str) -> tuple[int, int, int]:
    with transaction() as session:
        row = session.get_one(Budget, scope)
        return row.spent, row.reserved, row.beyond


def test_what_is_reserved_is_gone_until_it_is_settled(scope: str) -> None:
    take(scope, f"{scope}-1", 60_00)
    with pytest.raises(OverBudget, match=r"100\.00, of which 60\.00 .* 50\.00 more does not fit"):
        take(scope, f"{scope}-2", 50_00)

    pay(f"{scope}-1", 12_00)
    take(scope, f"{scope}-2", 50_00)
    assert state(scope) == (12_00, 50_00, 0)


def test_the_same_call_reserves_and_pays_once(scope: str) -> None:
    for _ in range(3):
        take(scope, f"{scope}-1", 60_00)
    for cost in (10_00, 20_00):
        pay(f"{scope}-1", cost)
    assert state(scope) == (10_00, 0, 0)


def test_a_budget_of_zero_lets_not_even_a_free_call_through(scope: str) -> None:
    with pytest.raises(OverBudget):
        take(scope, f"{scope}-1", 0, cap=0)
    with transaction() as session:
        assert session.get(Reservation, f"{scope}-1") is None


def test_what_cost_more_than_was_reserved_counts_too(scope: str) -> None:
    take(scope, f"{scope}-1", 60_00)
    pay(f"{scope}-1", 95_00)
    assert state(scope) == (60_00, 0, 35_00)
    with pytest.raises(OverBudget):
        take(scope, f"{scope}-2", 6_00)


def test_a_lowered_cap_holds_for_what_comes(scope: str) -> None:
    take(scope, f"{scope}-1", 60_00)
    with pytest.raises(OverBudget):
        take(scope, f"{scope}-2", 1_00, cap=50_00)
    pay(f"{scope}-1", 60_00)
    assert state(scope) == (60_00, 0, 0)


def test_a_call_without_a_reservation_settles_nothing(scope: str) -> None:
    pay(f"{scope}-never", 5)
    with transaction() as session:
        assert scope not in {row.scope for row in budgets(session)}


def test_nothing_is_reserved_below_zero(scope: str) -> None:
    with pytest.raises(Invalid):
        take(scope, f"{scope}-1", -1)


def test_postgresql_itself_refuses_to_pass_a_cap(scope: str) -> None:
    take(scope, f"{scope}-1", 60_00)
    with pytest.raises(IntegrityError, match="budget_holds"), transaction() as session:
        session.execute(
            text("update budget set spent = 5000 where scope = :scope"), {"scope": scope}
        )


def test_fifty_processes_together_never_pass_a_cap(scope: str) -> None:
    """Each takes what it gets, settles some, and leaves some open, as a killed one would."""
    known = {name: environ[name] for name in ("TAXIWAY_HOME", "TAXIWAY_DATABASE_URL")}
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__])
    spenders = [
        forks.Process(target=spend, args=(scope, number, known)) for number in range(PROCESSES)
    ]
    for one in spenders:
        one.start()
    for one in spenders:
        one.join(60)
    assert [one.exitcode for one in spenders] == [0] * PROCESSES

    spent, reserved, beyond = state(scope)
    assert beyond == 0
    assert CAP - 9_00 < spent + reserved <= CAP, "the cap was passed, or nobody came near it"
    with transaction() as session:
        rows = session.execute(
            text("select coalesce(cost, amount) from reservation where scope = :scope"),
            {"scope": scope},
        ).scalars()
        assert sum(rows) == spent + reserved


def spend(scope: str, seed: int, known: Mapping[str, str]) -> None:
    environ.update(known)
    settings.cache_clear()
    dice = random.Random(seed)
    for number in range(12):
        ref, amount = f"{scope}-{seed}-{number}", dice.randint(1, 9_00)
        try:
            take(scope, ref, amount)
        except OverBudget:
            continue
        if dice.random() < 0.7:
            pay(ref, dice.randint(0, amount))
