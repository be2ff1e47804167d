"""How people do it by hand, measured; and how often an agent contradicts itself."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from rollout.answers import Verb
from rollout.authority import Authority
from rollout.baseline import ENOUGH, Baseline, baseline, manual_minutes
from rollout.contract import Contract
from rollout.gates import Policy
from rollout.grants import change
from rollout.noise import SHARE, is_asked_again, noise_of, note_again
from rollout.shadow import take_human_decision
from rollout.shadow_gates import shadow_gates
from rollout.tallies import tally_of
from tests.rollout.reviewed import asked, said
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb
from tests.rollout.trial import OWNERS, WHEN, a_case, action, contract, proposal
from tests.rollout.weeks import decided, watched, weeks

__all__ = ["session"]  # a fixture

HOUR, LATE = timedelta(hours=1), WHEN + timedelta(days=40)


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    change(session, made, Authority.SHADOW, by="x", because="x", now=WHEN)
    return made


def test_the_cycle_runs_from_opened_to_decided(session: Session, agreed: Contract) -> None:
    for n in range(1, 11):  # opened at WHEN
        at = WHEN + n * HOUR
        case = watched(session, agreed, OWNERS[0], WHEN)
        take_human_decision(session, agreed, case.id, decided(OWNERS[0], at), at)
    found = baseline(session, agreed, LATE)
    assert (found.cycles, found.cycle_p50) == (10, 330.0)
    assert found.cycle_p90 == pytest.approx(546)
    assert baseline(session, agreed, WHEN + 3 * HOUR).cycles == 3
    assert (found.worked, found.minutes_p50) == (0, None)


def test_the_minutes_are_those_of_blind_answers(session: Session) -> None:
    made = contract()
    climb(session, made, Authority.RECOMMEND)
    for seconds in (60, 180, 600):
        _, review = asked(session, made, blind=True)
        edit = {"owner": OWNERS[1]}
        said(session, made, review, WHEN + HOUR, verb=Verb.EDIT, edit=edit, looked_seconds=seconds)
    _, review = asked(session, made)  # what was shown is no work by hand
    said(session, made, review, WHEN + HOUR, looked_seconds=5)
    found = baseline(session, made, LATE)
    assert (found.worked, found.minutes_p50) == (3, 3.0)
    assert found.minutes_mean == pytest.approx(14 / 3)
    assert found.cycles == 0


def test_fewer_minutes_than_declared_count_once_enough_are_measured() -> None:
    made = Baseline(0, None, None, ENOUGH, 2.0, 2.5, 12.0, "a study")
    assert manual_minutes(made) == 2.5
    assert manual_minutes(replace(made, worked=ENOUGH - 1)) == 12.0
    assert manual_minutes(replace(made, minutes_mean=20.0)) == 12.0
    assert manual_minutes(replace(made, declared_minutes=None)) is None


# Noise


def test_a_sample_is_asked_again() -> None:
    n = sum(is_asked_again("w", f"L-{one}") for one in range(5_000))
    assert 60 <= n <= 140  # 100 are expected
    assert SHARE == 0.02


def test_how_often_it_contradicts_itself_stands_beside_its_agreement(
    session: Session, agreed: Contract
) -> None:
    at = weeks(session, agreed, n=20)
    other = proposal().model_copy(update={"action": action(OWNERS[1])})
    for second in (proposal(), proposal(), proposal(), other):
        case = a_case(session, agreed)
        for _ in range(2):  # once for a case
            note_again(session, agreed, case.id, proposal(), second, at)
    assert noise_of(session, agreed.workflow, ["r"], at) == (4, 3)
    assert noise_of(session, agreed.workflow, ["another"], at) == (0, 0)
    found = shadow_gates(tally_of(session, agreed, "r", at), Policy())
    agreement = next(one for one in found if one.gate == "agreement")
    assert agreement.because.endswith("with itself, asked again, in 75.0 % of 4")
