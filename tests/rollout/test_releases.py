"""A level is earned by a release: another one watches beside it, and may take its place."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from rollout.ahead import look_ahead
from rollout.answers import Proof
from rollout.authority import Authority, Exposure, Grant
from rollout.contract import Contract
from rollout.errors import Invalid, Unknown
from rollout.falling import fall
from rollout.gates import Policy, Status
from rollout.grants import change, current, history
from rollout.ledger import remember
from rollout.people import read_directory
from rollout.releases import (
    NOBODY,
    Change,
    champion,
    champions,
    change_class,
    crown,
    heed,
    named_release,
    see,
)
from rollout.rising import ask_to_rise, sign
from rollout.shadow import crown_latest, rival_step, take_human_decision
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb
from tests.rollout.trial import WHEN, contract, proposal
from tests.rollout.weeks import HUMANS, SEEN, all_rehearsed, decided, watched

__all__ = ["session"]  # a fixture

BARS = Policy()
SOON = WHEN + timedelta(hours=1)
FIRST: Mapping[str, object] = {
    "name": "scorer",
    "version": "1",
    "model": "none",
    "parameters": {"prompt": "Choose.", "most": 5},
    "calibrated_on": 240,
}


def other(**changed: object) -> dict[str, object]:
    return {**FIRST, **changed}


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (other(model="m-2"), Change.MODEL),
        (other(parameters={"prompt": "Choose well.", "most": 5}), Change.PROMPT),
        (other(tools=["search"]), Change.TOOL),
        (other(rules=["no weekend"]), Change.POLICY),
        (other(calibrated_on=500), Change.DATA),
        (other(version="2"), Change.CODE),
        (other(parameters={"prompt": "Choose.", "most": 6}), Change.CODE),
        (other(description="the same"), Change.COSMETIC),
        (other(), Change.COSMETIC),
        (other(model="m-2", version="2", description="x"), Change.MODEL),
    ],
)
def test_the_gravest_difference_gives_the_class(after: dict[str, object], what: Change) -> None:
    assert change_class(FIRST, after) is what


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    climb(session, made, Authority.RECOMMEND)
    return made


def level(session: Session, agreed: Contract) -> Authority:
    return current(session, agreed.workflow).authority


def answers(
    session: Session, agreed: Contract, name: str, manifest: Mapping[str, object]
) -> Change | None:
    return heed(session, agreed, see(session, agreed.workflow, name, manifest, WHEN), WHEN)


def test_the_first_that_answers_above_shadow_holds_the_level(
    session: Session, agreed: Contract
) -> None:
    assert answers(session, agreed, "a", FIRST) is None
    assert champion(session, agreed.workflow) == "a"
    assert answers(session, agreed, "a", FIRST) is None
    assert len(champions(session, agreed.workflow)) == 1


def test_another_one_has_earned_nothing_and_says_what_changed(
    session: Session, agreed: Contract
) -> None:
    answers(session, agreed, "a", FIRST)
    assert answers(session, agreed, "b", other(model="m-2")) is Change.MODEL
    assert level(session, agreed) is Authority.SHADOW
    because = history(session, agreed.workflow)[-1].because
    assert because == "release b (model changed since a) has earned nothing yet"
    assert champion(session, agreed.workflow) == ""


def test_what_changes_no_answer_carries_the_level_over(session: Session, agreed: Contract) -> None:
    answers(session, agreed, "a", FIRST)
    assert answers(session, agreed, "b", other(description="same")) is None
    assert (level(session, agreed), champion(session, agreed.workflow)) == (
        Authority.RECOMMEND,
        "b",
    )


def test_who_is_given_a_level_by_hand_holds_it(session: Session, agreed: Contract) -> None:
    answers(session, agreed, "a", FIRST)
    change(session, agreed, Authority.SHADOW, by="x", because="x", now=WHEN)
    watched(session, agreed, HUMANS[0], WHEN, said={"release": "b"})
    change(session, agreed, Authority.RECOMMEND, by="x", because="by hand", now=WHEN)
    crown_latest(session, agreed.workflow, by="x", because="by hand", now=WHEN)
    assert answers(session, agreed, "b", other(model="m-2")) is None
    assert (level(session, agreed), champion(session, agreed.workflow)) == (
        Authority.RECOMMEND,
        "b",
    )


def test_a_rival_takes_no_place_while_the_workflow_is_off(
    session: Session, agreed: Contract
) -> None:
    answers(session, agreed, "a", FIRST)
    change(session, agreed, Authority.OFF, by="x", because="x", now=WHEN)
    found = look_ahead(session, agreed, BARS, SOON, "b")
    assert found.status is Status.FAIL
    assert "authority: the workflow is off" in found.because


def test_in_shadow_any_release_may_answer(session: Session) -> None:
    made = contract()
    climb(session, made, Authority.SHADOW)
    for name, manifest in (("a", FIRST), ("b", other(model="m-2"))):
        assert answers(session, made, name, manifest) is None
    assert champion(session, made.workflow) == ""


# Champion and rival


def beside(
    session: Session,
    agreed: Contract,
    at: datetime,
    *,
    rival_wrong: bool,
    champion_wrong: bool,
    n: int,
) -> None:
    """A case that the champion and its rival were asked about, and a person decided blind."""
    human = HUMANS[n % 3]
    wrong = HUMANS[(n + 1) % 3]
    case = watched(session, agreed, wrong if champion_wrong else human, at, said={"release": "a"})
    made = proposal()
    action = made.action.model_copy(
        update={"arguments": {"owner": wrong if rival_wrong else human}}
    )
    remember(
        session,
        workflow=case.workflow,
        case_id=case.id,
        step=rival_step("b"),
        fact=made.model_copy(update={"action": action, "release": "b", "evidence": (SEEN,)}),
        actor="rival",
        at=at,
    )
    later = at + timedelta(minutes=10)
    take_human_decision(session, agreed, case.id, decided(human, later), later)


def weeks(session: Session, agreed: Contract, *, rival_wrong: int = 3, n: int = 150) -> datetime:
    at = WHEN
    all_rehearsed(session, agreed)
    for one in range(n):
        at = WHEN + timedelta(days=15) * one / (n - 1)
        beside(
            session,
            agreed,
            at,
            rival_wrong=one < rival_wrong,
            champion_wrong=one % 25 == 0,
            n=one,
        )
    return at + timedelta(hours=1)


@pytest.fixture
def held(session: Session, agreed: Contract) -> Contract:
    """The level is a's, and b was seen beside it."""
    answers(session, agreed, "a", FIRST)
    see(session, agreed.workflow, "b", other(model="m-2"), WHEN)
    return agreed


def test_a_rival_is_judged_on_the_same_cases_and_the_champion_keeps_its_level(
    session: Session, held: Contract
) -> None:
    end = weeks(session, held)
    found = look_ahead(session, held, BARS, end, "b")
    assert (found.release, found.to, found.status) == ("b", Authority.RECOMMEND, Status.PASS)
    assert "not_worse_than_champion" in {one.gate for one in found.gates}
    assert level(session, held) is Authority.RECOMMEND
    assert look_ahead(session, held, BARS, end).release == "a"


def test_a_rival_that_is_worse_than_the_champion_is_refused(
    session: Session, held: Contract
) -> None:
    end = weeks(session, held, rival_wrong=25)
    with pytest.raises(Invalid, match="not_worse_than_champion"):
        ask_to_rise(session, held, BARS, by="ines", because="newer", now=end, rival="b")


def test_a_rival_takes_the_place_by_two_signatures_at_recommend(
    session: Session, held: Contract
) -> None:
    change(
        session,
        held,
        Authority.LIMITED,
        exposure=Exposure(basis_points=500),
        by="x",
        because="x",
        now=WHEN,
    )
    end = weeks(session, held)
    row = ask_to_rise(session, held, BARS, by="ines", because="newer", now=end, rival="b")
    people = read_directory(session)
    assert row.id is not None
    sign(session, people, held, BARS, row.id, by="ines", proof=Proof.HOST, now=end)
    grant = sign(session, people, held, BARS, row.id, by="ruth", proof=Proof.HOST, now=end)
    assert isinstance(grant, Grant)
    assert (grant.authority, champion(session, held.workflow)) == (Authority.RECOMMEND, "b")


# The last one that held


def test_when_the_new_one_falls_the_last_one_that_held_has_the_level_again(
    session: Session, held: Contract
) -> None:
    crown(session, held.workflow, "b", by="ines", because="newer", now=SOON)
    change(session, held, Authority.RECOMMEND, by="ines", because="newer", now=SOON)
    at = WHEN + timedelta(days=1)
    grant = fall(session, held, severity="S2", by="monitor", because="overruled", now=at)
    assert (grant.authority, champion(session, held.workflow)) == (Authority.RECOMMEND, "a")
    assert "a, which held it, has it again" in history(session, held.workflow)[-1].because

    again = fall(session, held, severity="S2", by="monitor", because="overruled", now=at)
    assert again.authority is Authority.SHADOW


def test_nobody_holds_no_level_so_a_fall_still_lowers(session: Session, agreed: Contract) -> None:
    answers(session, agreed, "a", FIRST)
    crown(session, agreed.workflow, NOBODY, by="x", because="x", now=WHEN)
    crown(session, agreed.workflow, "b", by="x", because="by hand", now=SOON)
    at = WHEN + timedelta(days=1)
    grant = fall(session, agreed, severity="S2", by="monitor", because="overruled", now=at)
    assert grant.authority is Authority.SHADOW


def test_one_that_never_held_that_level_does_not_get_it(session: Session, held: Contract) -> None:
    crown(session, held.workflow, "b", by="ines", because="newer", now=SOON)
    change(session, held, Authority.LIMITED, by="ines", because="newer", now=SOON)
    at = WHEN + timedelta(days=1)
    grant = fall(session, held, severity="S2", by="monitor", because="overruled", now=at)
    assert (grant.authority, champion(session, held.workflow)) == (Authority.RECOMMEND, "b")


def test_a_breach_gives_the_level_to_nobody(session: Session, held: Contract) -> None:
    crown(session, held.workflow, "b", by="ines", because="newer", now=SOON)
    at = WHEN + timedelta(days=1)
    assert fall(session, held, severity="S1", by="m", because="x", now=at).authority is (
        Authority.OFF
    )


def test_a_release_is_named_by_its_first_letters(session: Session, held: Contract) -> None:
    see(session, held.workflow, "bb1", FIRST, WHEN)
    assert named_release(session, held.workflow, "bb") == "bb1"
    assert named_release(session, held.workflow, "") == ""
    for name, says in (("b", "several releases begin"), ("z", "no release begins")):
        with pytest.raises(Unknown, match=says):
            named_release(session, held.workflow, name)
    assert replace(held).workflow == held.workflow
