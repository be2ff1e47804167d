"""What comes in is not as when the level was earned: nothing rises until somebody looks."""

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlmodel import Session

from rollout.authority import Arm, Authority, Placement
from rollout.case import keep_placement
from rollout.contract import Contract
from rollout.drift import FEW_NOW, SHIFTED, Drift, compare, drifts, log_bayes_factor, psi
from rollout.falling import acknowledge, fall
from rollout.grants import change
from rollout.monitors import alarms
from tests.rollout.sessions import with_people as session
from tests.rollout.test_limited_gates import known
from tests.rollout.trial import WHEN, a_case, contract

__all__ = ["session"]  # a fixture

DAY = timedelta(days=1)
EARNED = WHEN + 20 * DAY


def test_the_index_is_that_of_credit_scoring() -> None:
    """(0.2-0.5) ln(0.2/0.5) + (0.8-0.5) ln(0.8/0.5) = 0.4159, by hand; halves are added."""
    found = psi({"a": 50_000, "b": 50_000}, {"a": 20_000, "b": 80_000})
    assert found == pytest.approx(0.4159, abs=0.0005)
    assert psi({"a": 30, "b": 70}, {"a": 30, "b": 70}) == 0


def test_a_small_shift_and_a_few_odd_cases_are_no_drift() -> None:
    then = {"SMB": 6_000, "MM": 4_000}
    assert compare("segment", then, {"SMB": 6_600, "MM": 3_400}) is None  # certain, and small
    assert compare("segment", then, {"SMB": 5, "MM": 60}) is None  # large, and too few
    assert compare("segment", {"SMB": 60, "MM": 40}, {"MM": 400}) is None
    assert compare("segment", {"SMB": 1_000}, {"SMB": 1_000}) is None


def test_a_large_shift_says_what_shifted_most() -> None:
    found = compare(
        "segment", {"SMB": 600, "MM": 200, "ENT": 200}, {"SMB": 20, "MM": 90, "ENT": 90}
    )
    assert isinstance(found, Drift)
    assert found.psi > SHIFTED
    assert str(found).endswith("SMB came in 60% of cases and comes in 10%")


@pytest.mark.parametrize("kinds", [4, 40])
def test_the_same_mix_is_seldom_taken_for_another(kinds: int) -> None:
    """200 times the same shares, looked at after each hundred cases of a thousand."""
    dice, wrong = np.random.default_rng(5), 0
    for _ in range(200):
        then, now = (dice.integers(0, kinds, n).astype(str) for n in (400, 1_000))
        looks = range(FEW_NOW, 1_001, 100)
        wrong += any(compare("x", Counter(then), Counter(now[:n])) for n in looks)
    assert wrong <= 2


@pytest.fixture
def agreed(session: Session) -> Contract:
    """It watched 240 cases, 3 of 4 of them small, and rose."""
    made = contract()
    change(session, made, Authority.SHADOW, by="x", because="x", now=WHEN)
    come(session, made, WHEN + DAY, ["SMB", "SMB", "SMB", "MM"] * 60)
    change(session, made, Authority.RECOMMEND, by="x", because="x", now=EARNED)
    return made


def come(session: Session, agreed: Contract, at: datetime, segments: list[str]) -> None:
    for one in segments:
        case = a_case(session, agreed)
        placed = Placement(authority=Authority.SHADOW, arm=Arm.EVERYONE, because="x", segment=one)
        keep_placement(session, agreed.workflow, case.id, placed, at)


def found(session: Session, agreed: Contract, at: datetime) -> list[str]:
    return [one.what for one in drifts(session, agreed.workflow, at)]


def test_a_workflow_whose_cases_are_others_by_now_does_not_rise(
    session: Session, agreed: Contract
) -> None:
    come(session, agreed, EARNED + DAY, ["SMB", "SMB", "SMB", "MM"] * 30)
    assert found(session, agreed, EARNED + 2 * DAY) == []
    at = EARNED + 20 * DAY  # what came right after the rise is long ago
    come(session, agreed, at - DAY, ["MM"] * 220)
    assert found(session, agreed, at) == ["segment"]
    (why,) = alarms(session, agreed, at, known())
    assert (why.severity, "MM came in 25% of cases and comes in 100%" in why.because) == (
        "S3",
        True,
    )
    assert alarms(session, agreed, at) == []  # by the minute it is not looked at

    fall(session, agreed, severity="S3", by="monitor", because=why.because, now=at)
    assert found(session, agreed, at) == ["segment"]
    acknowledge(session, agreed, by="ines", cause="the trade fair", now=at)
    come(session, agreed, at + DAY, ["MM"] * 220)
    assert found(session, agreed, at + 2 * DAY) == []  # explained: that is how it is now


def test_what_only_watches_has_earned_nothing_that_could_drift(
    session: Session, agreed: Contract
) -> None:
    change(session, agreed, Authority.SHADOW, by="x", because="x", now=EARNED + DAY)
    come(session, agreed, EARNED + 2 * DAY, ["MM"] * 220)
    assert found(session, agreed, EARNED + 3 * DAY) == []


def test_the_factor_is_that_of_the_formula() -> None:
    """1 and 0 beside 0 and 1: m is 1/2 for each, and 1/6 for 1 and 1 together: log(3/2)."""
    assert log_bayes_factor({"a": 1}, {"b": 1}) == pytest.approx(np.log(1.5))
