"""Which error is planted, whether it was found, and what that says of people."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlmodel import Session

from rollout.answers import Reason, Verb
from rollout.authority import (
    Arm,
    Authority,
    Exposure,
    Facets,
    Grant,
    Placement,
    exposure_of,
    is_planted,
    place,
)
from rollout.case import Proposal
from rollout.decisions import Decision
from rollout.gates import Policy, Status, fold
from rollout.ledger import remember
from rollout.monitors import overrules
from rollout.planted import (
    PLANTED,
    STEP,
    note_planted,
    planted_error,
    planted_first,
    planted_found,
    was_found,
)
from rollout.recommend_gates import recommend_gates
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb
from tests.rollout.test_recommend_gates import by_gate, record, shares
from tests.rollout.trial import OWNERS, WHEN, a_case, contract, proposal

__all__ = ["session"]  # a fixture

HERE = Placement(authority=Authority.RECOMMEND, arm=Arm.EVERYONE, because="x", planted=True)
WRONG = {"owner": ["a@x.example", "b@x.example", OWNERS[0]]}


def made(case_id: str = "L-1", **more: object) -> Proposal | None:
    return planted_error(HERE, case_id, proposal().model_copy(update=more), WRONG)


def test_the_same_case_has_the_same_error_which_is_no_real_answer() -> None:
    found = [made(f"L-{n}") for n in range(40)]
    owners = [one.action.arguments["owner"] for one in found if one]
    assert {*owners} == {"a@x.example", "b@x.example"}
    assert owners == [one.action.arguments["owner"] for n in range(40) if (one := made(f"L-{n}"))]
    assert {one.decided_by for one in found if one} == {PLANTED}


def test_the_reason_speaks_of_the_one_that_is_shown() -> None:
    found = made(reason=f"{OWNERS[0]} speaks German")
    assert found is not None
    assert found.reason == f"{found.action.arguments['owner']} speaks German"


@pytest.mark.parametrize(
    ("placement", "given", "wrong"),
    [
        (None, proposal(), WRONG),
        (HERE.model_copy(update={"planted": False}), proposal(), WRONG),
        (HERE, proposal().model_copy(update={"decided_by": "territory"}), WRONG),
        (HERE, proposal(), {}),
        (HERE, proposal(), {"owner": [OWNERS[0]]}),
        (HERE, proposal(), {"stage": ["lost"]}),
    ],
)
def test_nothing_is_planted_where_it_would_not_be_an_error_of_the_agents(
    placement: Placement | None, given: Proposal, wrong: dict[str, list[str]]
) -> None:
    assert planted_error(placement, "L-1", given, wrong) is None


def a_word(verb: Verb, **edit: str) -> Decision:
    return Decision(
        review_id="R-L-1-1",
        verb=verb,
        by="karim",
        proof="host",
        channel="cli",
        edit=edit,
        reason=None if verb is Verb.APPROVE else Reason.WRONG_DECISION,
        at=WHEN,
        seconds_open=5,
        planted=True,
        approved_hash=None,
    )


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (a_word(Verb.APPROVE), False),
        (a_word(Verb.REJECT), True),
        (a_word(Verb.EDIT, owner=OWNERS[1]), True),
        (a_word(Verb.EDIT, note="x"), False),  # something else was changed, and the error taken
    ],
)
def test_whoever_takes_it_has_not_found_it(word: Decision, *, found: bool) -> None:
    error = made()
    assert error is not None
    assert was_found(error, word) is found


def test_what_is_planted_is_no_share_of_the_blind_ones() -> None:
    grant = Grant(
        workflow="w",
        authority=Authority.RECOMMEND,
        exposure=exposure_of(None, blind=50, planted=20),
    )
    assert str(grant) == "recommend, 50 % blind, 20 % planted errors"
    both = place(grant, None, Facets(), blind=True, planted=True)
    assert (both.blind, both.planted) == (True, False)
    assert place(grant, None, Facets(), planted=True).planted
    share = sum(is_planted(grant, f"L-{n}") for n in range(2_000))
    assert 320 < share < 480  # 400 are expected
    watched = grant.model_copy(update={"authority": Authority.SHADOW})
    assert not place(watched, None, Facets(), planted=True).planted
    assert Exposure(basis_points=100).measured_as(grant.exposure).planted == 2_000


def test_the_gate_counts_once_something_was_planted() -> None:
    bars = Policy()
    none = by_gate(recommend_gates(record(), bars))["planted_errors"]
    assert (none.status, none.is_dry) == (Status.NO_DATA, True)
    assert fold(recommend_gates(record(), bars)) is Status.PASS
    for found, status in ((38, "pass"), (10, "fail"), (21, "inconclusive")):
        gate = by_gate(recommend_gates(record(planted=shares(40, found)), bars))["planted_errors"]
        assert gate.status == status, gate
    assert (
        "people found 38 of 40"
        in by_gate(recommend_gates(record(planted=shares(40, 38)), bars))["planted_errors"].because
    )
    with pytest.raises(Exception, match="planted lies between 0 and 1"):
        replace(bars, planted=1.0)


def test_it_is_noted_once_and_is_no_error_of_the_agents(session: Session) -> None:
    agreed = contract()
    climb(session, agreed, Authority.RECOMMEND)
    error = made()
    assert error is not None
    for verb in (Verb.APPROVE, Verb.REJECT):
        case = a_case(session, agreed)
        for _ in range(2):
            note_planted(session, agreed, case.id, error, a_word(verb))
        remember(
            session,
            workflow=agreed.workflow,
            case_id=case.id,
            step="decision-1",
            fact=a_word(verb),
            actor="karim",
            at=WHEN + timedelta(minutes=1),
        )
    late = WHEN + timedelta(hours=1)
    assert np.array_equal(
        planted_found(session, agreed.workflow, late, None), np.array([False, True])
    )
    assert len(planted_found(session, agreed.workflow, late, WHEN)) == 0
    assert overrules(session, agreed, late) == {}


def test_what_was_shown_stays_whatever_is_wrong_by_now(session: Session) -> None:
    agreed = contract()
    case = replace(a_case(session, agreed), placement=HERE)
    first = planted_first(session, case, proposal(), WRONG)
    assert first is not None
    remember(
        session,
        workflow=agreed.workflow,
        case_id=case.id,
        step=STEP,
        fact=first,
        actor="taxiway",
        at=WHEN,
    )
    assert planted_first(session, case, proposal(), {}) == first
    assert planted_first(session, case, proposal(), {"owner": ["new@x.example"]}) == first
