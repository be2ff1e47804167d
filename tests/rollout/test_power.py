"""How long it takes, before anybody waits for it."""

import pytest

from rollout.errors import Invalid
from rollout.gates import Policy
from rollout.power import Needed, Plan, power

BARS = Policy()


def by_gate(plan: Plan) -> dict[str, Needed]:
    return {one.gate.split(" ")[0]: one for one in power(plan, BARS)}


def test_a_good_agent_at_a_good_volume_is_through_within_a_quarter() -> None:
    found = by_gate(Plan(per_week=100, agreement=0.95, constant=0.4))
    assert all(one.within_a_quarter for one in found.values())
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
    all_blind = by_gate(Plan(per_week=60, agreement=0.9, constant=0.3))["not_worse_than_people"]
    tenth = by_gate(Plan(per_week=60, agreement=0.9, constant=0.3, blind=0.1))
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
