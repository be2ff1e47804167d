"""Authority climbs one level at a time, and falls as far as one likes."""

from dataclasses import replace

import pytest

from integrations.database import transaction
from rollout.authority import Authority, Exposure, exposure_of
from rollout.contract import Contract
from rollout.errors import ContractIncomplete, Invalid
from rollout.grants import change, current, history
from tests.rollout.trial import WHEN, contract


def to(
    agreed: Contract, level: Authority, share: Exposure | None = None, because: str = "a test"
) -> str:
    with transaction() as session:
        return str(
            change(session, agreed, level, exposure=share, by="ann", because=because, now=WHEN)
        )


def test_before_its_first_transition_an_agent_is_off(database: str) -> None:
    del database
    with transaction() as session:
        assert current(session, contract().workflow).authority is Authority.OFF


def test_the_climb_takes_every_step_and_remembers_who_said_so(database: str) -> None:
    del database
    agreed = contract()
    for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED, Authority.FULL):
        to(agreed, level)

    with transaction() as session:
        rows = history(session, agreed.workflow)
    assert [row.authority for row in rows] == ["shadow", "recommend", "limited", "full"]
    assert {row.by for row in rows} == {"ann"}


def test_no_level_is_skipped(database: str) -> None:
    del database
    with pytest.raises(Invalid, match="the next level up is shadow"):
        to(contract(), Authority.RECOMMEND)


def test_a_fall_may_skip_levels(database: str) -> None:
    del database
    agreed = contract()
    for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.OFF):
        to(agreed, level)

    with transaction() as session:
        assert current(session, agreed.workflow).authority is Authority.OFF


def test_a_share_and_a_segment_are_said_in_words(database: str) -> None:
    del database
    agreed = contract()
    for level in (Authority.SHADOW, Authority.RECOMMEND):
        to(agreed, level)

    assert to(agreed, Authority.LIMITED, exposure_of(10, ["MM"])) == "limited to 10 % of MM"


def test_a_contract_sets_the_ceiling(database: str) -> None:
    del database
    low = replace(contract(), plan=(Authority.SHADOW, Authority.RECOMMEND))
    for level in low.plan:
        to(low, level)

    with pytest.raises(Invalid, match="recommend is this workflow's ceiling"):
        to(low, Authority.LIMITED)


def test_a_contract_with_a_hole_does_not_leave_off(database: str) -> None:
    del database
    with pytest.raises(ContractIncomplete, match="benchmark"):
        to(replace(contract(), benchmark=None), Authority.SHADOW)


@pytest.mark.parametrize(
    ("level", "share", "because", "words"),
    [
        (Authority.SHADOW, None, "  ", "needs a reason"),
        (Authority.SHADOW, exposure_of(10, []), "x", "belongs to limited"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    database: str, level: Authority, share: Exposure | None, because: str, words: str
) -> None:
    del database
    with pytest.raises(Invalid, match=words):
        to(contract(), level, share, because)


@pytest.mark.parametrize("percent", [-1, 100.5, 3.14159, float("nan")])
def test_a_percentage_that_cannot_be_is_refused(percent: float) -> None:
    with pytest.raises(Invalid, match="not a percentage"):
        exposure_of(percent, [])
