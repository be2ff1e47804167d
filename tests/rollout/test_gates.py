"""Only PASS promotes: what is missing, old, undecided or against it does not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import Invalid
from rollout.gates import Finding, Policy, Status, Tally, above, below, fold, judge, means_by
from rollout.policy import loosened, policy_from
from rollout.shadow_gates import GATES, shadow_gates

POLICY = Policy()


def tally(right: int = 460, wrong: int = 40, **more: object) -> Tally:
    """An agent against people, beside an answer that is right in one of five."""
    n = right + wrong
    made = Tally(
        n=n,
        right=right,
        constant="x",
        constant_right=n // 5,
        wins=right * 4 // 5,
        losses=wrong // 5,
        days=14.0,
        age_days=1.0,
        eligible=n,
        answered=n,
        cheap=n,
        quick=n,
        exceptions=16,
        unmet=(),
    )
    return replace(made, **more)  # type: ignore[arg-type] # fields of a tally


def status_of(found: list[Finding], gate: str) -> Status:
    return next(one.status for one in found if one.gate == gate)


def test_a_good_agent_passes_every_gate() -> None:
    found = shadow_gates(tally(), POLICY)
    assert {one.gate: one.status for one in found} == dict.fromkeys(GATES, Status.PASS)
    assert fold(found) is Status.PASS


@pytest.mark.parametrize(
    ("days", "status", "says"),
    [
        (13 + 23 / 24, Status.INCONCLUSIVE, "13 days 23 hours of at least 14 days; 1.0 hours are"),
        (14.0, Status.PASS, "14.0 days"),
        (None, Status.NO_DATA, "no times"),
    ],
)
def test_two_weeks_are_two_weeks(days: float | None, status: Status, says: str) -> None:
    found = shadow_gates(tally(days=days), POLICY)
    assert status_of(found, "days") is status
    assert says in next(one.because for one in found if one.gate == "days")
    assert fold(found) is status


@pytest.mark.parametrize(("gate", "field"), [("cost", "cheap"), ("latency", "quick")])
def test_answers_keep_to_their_budget_of_money_and_of_time(gate: str, field: str) -> None:
    assert status_of(shadow_gates(tally(**{field: 475}), POLICY), gate) is Status.PASS
    found = shadow_gates(tally(**{field: 474}), POLICY)
    assert status_of(found, gate) is Status.FAIL
    assert "474 of 500 answers" in next(one.because for one in found if one.gate == gate)
    nothing = shadow_gates(tally(answered=0, **{field: 0}), POLICY)
    assert status_of(nothing, gate) is Status.NO_DATA


def test_an_exception_that_nobody_has_met_is_named_and_stands_in_the_way() -> None:
    found = shadow_gates(tally(unmet=("competitor", "blocked")), POLICY)
    assert status_of(found, "exceptions") is Status.INCONCLUSIVE
    assert fold(found) is Status.INCONCLUSIVE
    told = next(one.because for one in found if one.gate == "exceptions")
    assert "14 of 16 kinds" in told
    assert "not yet: competitor, blocked" in told


def test_what_history_cannot_know_is_not_asked_of_it() -> None:
    found = shadow_gates(tally(cheap=None, quick=None, unmet=None), POLICY)
    assert {one.gate for one in found} == {*GATES} - {"cost", "latency", "exceptions"}


def test_old_evidence_is_stale() -> None:
    assert status_of(shadow_gates(tally(age_days=31.0), POLICY), "days") is Status.STALE


def test_a_few_good_cases_are_not_enough_and_it_says_how_many_more() -> None:
    found = shadow_gates(tally(20, 0), POLICY)
    agreement = next(one for one in found if one.gate == "agreement")
    units = next(one for one in found if one.gate == "units")
    assert (units.status, units.needs) == (Status.INCONCLUSIVE, 80)
    assert agreement.status in {Status.INCONCLUSIVE, Status.PASS}
    few = next(one for one in shadow_gates(tally(8, 1), POLICY) if one.gate == "agreement")
    assert few.status is Status.INCONCLUSIVE
    assert few.needs is not None
    assert 10 <= few.needs <= 500


def test_a_bad_agent_fails_and_is_not_merely_undecided() -> None:
    found = shadow_gates(tally(250, 250), POLICY)
    assert status_of(found, "agreement") is Status.FAIL
    assert fold(found) is Status.FAIL


def test_whoever_always_says_yes_adds_nothing() -> None:
    yes_man = tally(970, 30, constant="yes", constant_right=970, wins=0, losses=0)
    found = shadow_gates(yes_man, POLICY)
    assert status_of(found, "agreement") is Status.PASS  # 97 % agreement, which means nothing
    assert status_of(found, "better_than_constant") is Status.FAIL
    assert fold(found) is Status.FAIL


@pytest.mark.parametrize(
    ("harmful", "status"),
    [(0, Status.PASS), (1, Status.PASS), (5, Status.INCONCLUSIVE), (60, Status.FAIL)],
)
def test_harm_needs_evidence_of_its_absence(harmful: int, status: Status) -> None:
    assert status_of(shadow_gates(tally(harmful=harmful), POLICY), "harm") is status


@pytest.mark.parametrize(("n", "harmful"), [(225, 0), (340, 1), (440, 2)])
def test_how_many_cases_it_takes_to_show_that_harm_is_rare(n: int, harmful: int) -> None:
    """As the design's table says: 225 with none, 340 with one, 440 with two."""
    assert below("harm", harmful, n, 0.02, 0.05, "in").status is Status.PASS
    assert below("harm", harmful, int(n * 0.8), 0.02, 0.05, "in").status is Status.INCONCLUSIVE


def test_what_it_did_not_answer_counts() -> None:
    assert status_of(shadow_gates(tally(eligible=500, answered=489), POLICY), "coverage") is (
        Status.FAIL
    )


def test_the_worst_segment_must_pass_alone() -> None:
    of = tally(segments={"SMB": (400, 400), "ENT": (100, 50)})
    found = shadow_gates(of, Policy(segments=("SMB", "ENT")))[-1]
    assert (found.gate, found.status) == ("worst_segment", Status.FAIL)
    assert "segment ENT" in found.because
    nobody = shadow_gates(of, Policy(segments=("XXL",)))[-1]
    assert (nobody.status, nobody.because) == (Status.NO_DATA, "segment XXL: nobody is in it")


def test_one_unit_with_many_cases_is_one_word() -> None:
    crowd = above("agreement", 400, 400, 0.8, 0.05, "in", np.ones(1))
    apart = above("agreement", 400, 400, 0.8, 0.05, "in")
    assert (crowd.status, apart.status) == (Status.INCONCLUSIVE, Status.PASS)
    assert "judged over 1 units" in crowd.because
    means = means_by(np.array([1.0, 0.0, 1.0, 1.0]), np.array([7, 3, 7, 3]))
    assert means.tolist() == [1.0, 0.5]


def test_a_dry_gate_says_what_it_would_say_and_holds_nobody_back() -> None:
    found = shadow_gates(tally(250, 250), Policy(dry_run=("agreement", "better_than_constant")))
    assert status_of(found, "agreement") is Status.FAIL
    assert fold(found) is Status.PASS


def test_nothing_at_all_is_no_data_and_no_pass() -> None:
    assert fold([]) is Status.NO_DATA
    empty = tally(0, 0)
    assert fold(shadow_gates(empty, POLICY)) is Status.NO_DATA


def test_a_gate_that_breaks_is_an_error_and_no_pass() -> None:
    def broken(_: Tally, __: Policy) -> Finding:
        raise ZeroDivisionError("x")

    (found,) = judge({"mine": broken}, tally(), POLICY)
    assert (found.status, fold([found])) == (Status.ERROR, Status.ERROR)


@given(st.lists(st.sampled_from(list(Status)), min_size=1, max_size=8))
def test_only_all_passes_are_a_pass(statuses: list[Status]) -> None:
    folded = fold(Finding("x", one, "") for one in statuses)
    assert (folded is Status.PASS) is all(one is Status.PASS for one in statuses)


def test_the_same_input_gives_the_same_words() -> None:
    assert shadow_gates(tally(), POLICY) == shadow_gates(tally(), POLICY)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("agreement = 0", "agreement lies between 0 and 1"),
        ("agreement = 1", "agreement lies between 0 and 1"),
        ("alpha = nan", "alpha lies between 0 and 1"),
        ("agreement = 0.1\nharm = 0.5", "more harm is accepted"),
        ("min_units = -3", "min_units is at least 1"),
        ("min_units = 1.5", "whole number"),
        ("agreement = 'high'", "agreement is a number"),
        ("agrement = 0.9", "agrement is no bar; known: agreement"),
        ("segments = 'SMB'", "a list of words"),
        ("agreement =", "is no TOML"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(tmp_path: object, words: str, says: str) -> None:
    file = f"{tmp_path}/policy.toml"
    with open(file, "w") as out:  # noqa: PTH123 # a text of one line
        out.write(words)
    with pytest.raises(Invalid, match=says):
        policy_from(file)


def test_a_workflow_may_only_make_the_bars_higher(tmp_path: object) -> None:
    assert loosened(POLICY, Policy(agreement=0.9, harm=0.01)) == []
    assert loosened(POLICY, Policy(agreement=0.7, alpha=0.2)) == ["agreement", "alpha"]
    with pytest.raises(Invalid, match="cannot be read"):
        policy_from(f"{tmp_path}/nowhere.toml")
    assert policy_from("") == POLICY
    assert math.isclose(POLICY.agreement, 0.8)
