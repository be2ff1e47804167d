"""How long it takes, before anybody waits for it."""

import re
from dataclasses import replace

import pytest

from rollout.errors import Invalid
from rollout.gates import Policy
from rollout.power import Needed, Plan, power

BARS = Policy()


def by_gate(plan: Plan) -> dict[str, Needed]:
    return {one.gate.split(" ")[0]: one for one in power(plan, BARS)}


def test_a_good_agent_at_a_good_volume_is_through_within_a_quarter() -> None:
    found = by_gate(Plan(per_week=100, agreement=0.95, constant=0.4, blind=0.5))
    assert all(one.within_a_quarter for name, one in found.items() if name != "outcome")
    assert found["days"].weeks == 2
    harm = found["harm"].cases
    assert harm is not None
    assert 225 <= harm <= 400  # 225 cases without a harmful one, looked at weekly


def test_what_cannot_pass_is_said_plainly() -> None:
    found = by_gate(Plan(per_week=5, agreement=0.82, constant=0.97))
    assert found["agreement"].weeks is None
    assert "not pass within" in found["agreement"].says
    assert "cannot pass" in found["better_than_constant"].says


def test_a_smaller_blind_share_takes_longer() -> None:
    plan = Plan(per_week=60, agreement=0.9, constant=0.3, blind=1)
    all_blind = by_gate(plan)["not_worse_than_people"]
    tenth = by_gate(replace(plan, blind=0.1))
    assert all_blind.weeks is not None
    slow = tenth["not_worse_than_people"].weeks
    assert slow is None or slow > 5 * all_blind.weeks


def test_the_same_plan_gives_the_same_words() -> None:
    plan = Plan(per_week=30, agreement=0.9, constant=0.5)
    assert power(plan, BARS) == power(plan, BARS)


@pytest.mark.parametrize(
    "words",
    [
        {"per_week": 0},
        {"per_week": float("nan")},
        {"agreement": 1.2},
        {"harm": 0.5},
        {"blind": 0},
        {"constant": -0.1},
    ],
)
def test_a_plan_that_cannot_be_is_refused(words: dict[str, float]) -> None:
    with pytest.raises(Invalid):
        Plan(**{"per_week": 10, "agreement": 0.9, "constant": 0.5, **words})


def test_it_says_which_blind_share_would_do() -> None:
    plan = Plan(per_week=60, agreement=0.9, constant=0.3)
    slow = by_gate(plan)["not_worse_than_people"]
    assert not slow.within_a_quarter
    share = re.search(r"a blind share of (\d+) % does", slow.says)
    assert share is not None
    there = by_gate(replace(plan, blind=int(share[1]) / 100))["not_worse_than_people"]
    assert there.weeks is not None
    assert there.weeks == pytest.approx(13, abs=2.5)  # by simulation
    few = by_gate(replace(plan, per_week=15, blind=0.5))["not_worse_than_people"]
    assert "no blind share does" in few.says


def test_people_who_follow_it_do_not_pass_as_taking_it_on_its_merits() -> None:
    plan = Plan(per_week=400, agreement=0.8, constant=0.3, acceptance=0.99)
    found = {one.gate: one for one in power(plan, BARS)}
    assert found["anchoring (to limited)"].weeks is None
    fair = {one.gate: one for one in power(replace(plan, acceptance=0.8), BARS)}
    assert fair["anchoring (to limited)"].within_a_quarter
    assert fair["acceptance (to limited)"].weeks is None  # 80 % are taken, 85 % are asked for


def test_small_shares_only_warn_and_half_of_the_cases_must_show_it() -> None:
    found = {one.gate: one for one in power(Plan(per_week=100, agreement=0.95, constant=0.4), BARS)}
    assert "only warns" in found["outcome at 1 % (in limited)"].says
    assert found["outcome at 50 % (in limited)"].within_a_quarter
    rare = {one.gate: one for one in power(Plan(per_week=4, agreement=0.95, constant=0.4), BARS)}
    assert "not pass" in rare["outcome at 50 % (in limited)"].says
