"""For whom a level holds: one segment, one team, one branch, a share of the rest; and caps."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from rollout.ahead import look_ahead
from rollout.answers import Proof
from rollout.authority import (
    FACETS,
    Arm,
    Authority,
    Exposure,
    Facets,
    Grant,
    Placement,
    Unit,
    exposure_of,
    is_blind,
    place,
)
from rollout.contract import Contract
from rollout.effects import State, intend, standing
from rollout.errors import Invalid
from rollout.falling import fall, last_fall, latch
from rollout.gates import Policy, Status
from rollout.grants import cap, caps, change, current, history
from rollout.ledger import remember
from rollout.people import read_directory
from rollout.rising import ask_to_rise, sign
from tests.rollout.reviewed import blind, shown
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb, gate, meant
from tests.rollout.trial import WHEN, a_case, contract

__all__ = ["session"]  # a fixture

INSIDE = Facets(segment="SMB", team="dach", branch="demo")
UNITS = [Unit(kind="contact", id=str(n)) for n in range(400)]
NAMED = {
    "segments": frozenset({"SMB"}),
    "teams": frozenset({"dach"}),
    "branches": frozenset({"demo"}),
}


def grant(**exposure: object) -> Grant:
    made = Exposure.model_validate({"holdout": 0, **exposure})
    return Grant(workflow="w", authority=Authority.LIMITED, exposure=made)


def treated(given_: Grant, facets: Facets) -> set[str]:
    return {one.id for one in UNITS if place(given_, one, facets).arm is Arm.TREATED}


@pytest.mark.parametrize("kept", [c for c in product((False, True), repeat=3) if any(c)])
def test_each_restriction_alone_and_all_together(kept: tuple[bool, ...]) -> None:
    names = [name for name, on in zip(NAMED, kept, strict=True) if on]
    limited = grant(**{name: NAMED[name] for name in names})
    assert len(treated(limited, INSIDE)) == len(UNITS)
    for facet, on in zip(FACETS, kept, strict=True):
        other = INSIDE.model_copy(update={facet: "another"})
        assert len(treated(limited, other)) == (0 if on else len(UNITS))


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_within_all_of_them_a_share_grows_and_nobody_leaves(a: int, b: int) -> None:
    small, large = sorted((a, b))
    before = treated(grant(basis_points=small, **NAMED), INSIDE)
    assert before <= treated(grant(basis_points=large, **NAMED), INSIDE)


def test_what_is_asked_and_not_known_is_only_watched() -> None:
    limited = grant(teams=frozenset({"dach"}))
    unknown = place(limited, UNITS[0], Facets(segment="SMB"))
    other = place(limited, UNITS[0], Facets(team="uk"))
    assert (unknown.authority, unknown.because) == (
        Authority.SHADOW,
        "team unknown is not in dach",
    )
    assert (other.authority, other.arm) == (Authority.RECOMMEND, Arm.REST)
    assert str(exposure_of(10, ["SMB"], ["dach"], ["demo"])) == "10 % of SMB in dach in demo"


# Caps


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    climb(session, made, Authority.LIMITED)
    return made


def put(session: Session, agreed: Contract, scope: str, to: Authority) -> Grant:
    return cap(session, agreed, scope, to, by="ann", because="wrong owners", now=WHEN)


def test_a_capped_segment_goes_no_higher_and_the_others_go_on(
    session: Session, agreed: Contract
) -> None:
    now = put(session, agreed, "segment:SMB", Authority.SHADOW)
    unit = next(one for one in UNITS if place(now, one, Facets()).arm is not Arm.HOLDOUT)
    low = place(now, unit, INSIDE)
    assert (low.authority, low.arm) == (Authority.SHADOW, Arm.REST)
    assert low.because == "segment:SMB goes no higher than shadow"
    assert place(now, unit, Facets(segment="MM")).authority is not Authority.SHADOW
    assert str(now).endswith("; segment:SMB at most shadow")
    assert history(session, agreed.workflow)[-1].scope == "segment:SMB"


def test_of_several_caps_the_most_restrictive_counts(session: Session, agreed: Contract) -> None:
    put(session, agreed, "segment:SMB", Authority.RECOMMEND)
    now = put(session, agreed, "team:dach", Authority.SHADOW)
    unit = next(one for one in UNITS if place(now, one, Facets()).arm is not Arm.HOLDOUT)
    assert place(now, unit, INSIDE).because.startswith("team:dach")
    placement = Placement(authority=Authority.LIMITED, arm=Arm.TREATED, because="x", segment="SMB")
    assert now.level_of(placement) is Authority.RECOMMEND


def test_a_cap_is_lifted_one_level_at_a_time(session: Session, agreed: Contract) -> None:
    put(session, agreed, "segment:SMB", Authority.SHADOW)
    with pytest.raises(Invalid, match="capped at shadow: levels are not skipped"):
        put(session, agreed, "segment:SMB", Authority.FULL)
    with pytest.raises(Invalid, match="limited is a share, and a part has none"):
        put(session, agreed, "segment:SMB", Authority.LIMITED)
    for level in (Authority.RECOMMEND, Authority.FULL):
        put(session, agreed, "segment:SMB", level)
    assert caps(session, agreed.workflow) == {}
    assert current(session, agreed.workflow).authority is Authority.LIMITED


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        ("SMB", "is no scope; known: segment:NAME, team:NAME, branch:NAME, action:NAME"),
        ("segment: ", "is no scope"),
        ("action:crm.contact.stage", "has no action crm.contact.stage"),
    ],
)
def test_a_scope_that_cannot_be_is_refused(
    session: Session, agreed: Contract, scope: str, says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        put(session, agreed, scope, Authority.SHADOW)
    assert caps(session, agreed.workflow) == {}


@pytest.mark.parametrize("scope", ["segment:SMB", "action:crm.contact.owner"])
def test_work_under_way_is_refused_at_the_gate(
    session: Session, agreed: Contract, scope: str
) -> None:
    case = a_case(session, agreed)
    here = Placement(authority=Authority.LIMITED, arm=Arm.TREATED, because="x", segment="SMB")
    remember(
        session,
        workflow=agreed.workflow,
        case_id=case.id,
        step="placement",
        fact=here,
        actor="taxiway",
        at=WHEN,
    )
    effect = intend(session, case, meant(case), WHEN)
    put(session, agreed, scope, Authority.SHADOW)
    gate(session, effect, agreed)
    assert standing(session, case, "owner").state == State.REFUSED


def test_a_fall_of_the_workflow_keeps_its_caps(session: Session, agreed: Contract) -> None:
    put(session, agreed, "team:dach", Authority.SHADOW)
    change(session, agreed, Authority.RECOMMEND, by="x", because="x", now=WHEN)
    assert current(session, agreed.workflow).caps == {"team:dach": Authority.SHADOW}


def test_the_blind_share_is_a_share_and_the_same_for_a_case() -> None:
    recommend = Grant(workflow="w", authority=Authority.RECOMMEND)
    blind = [is_blind(recommend, f"L-{n}") for n in range(5_000)]
    assert 400 < sum(blind) < 600
    assert blind == [is_blind(recommend, f"L-{n}") for n in range(5_000)]
    every = recommend.model_copy(update={"exposure": exposure_of(None, blind=100)})
    assert all(is_blind(every, f"L-{n}") for n in range(100))
    assert str(every) == "recommend, 100 % blind"
    assert place(recommend, UNITS[0], INSIDE, blind=True).blind
    shadow = Grant(workflow="w", authority=Authority.SHADOW)
    assert not place(shadow, UNITS[0], INSIDE, blind=True).blind


# A cap is lifted on what its own part shows


def month_of(session: Session, agreed: Contract, segment: str, *, wrong: int = 0) -> datetime:
    """Many blind and shown cases of one segment, after it was capped; the moment of the last."""
    at = WHEN
    for one in range(110):
        at = WHEN + timedelta(days=16) * one / 109 + timedelta(hours=1)
        blind(session, agreed, at, agrees=one >= wrong, segment=segment)
        shown(session, agreed, at, segment=segment)
    return at


def test_a_cap_is_lifted_on_its_own_evidence_and_two_signatures(session: Session) -> None:
    made = contract()
    climb(session, made, Authority.RECOMMEND)
    change(session, made, Authority.LIMITED, by="ann", because="x", now=WHEN)
    put(session, made, "segment:SMB", Authority.RECOMMEND)
    bars = replace(Policy(), margin=0.2, anchoring=0.2)
    with pytest.raises(Invalid, match="may not rise to no cap in segment:SMB now:\n- units: none"):
        ask_to_rise(session, made, bars, by="ines", because="x", scope="segment:SMB", now=WHEN)
    at = month_of(session, made, "MM")  # another part's evidence is none of its own
    assert look_ahead(session, made, bars, at, scope="segment:SMB").status is Status.NO_DATA

    at = month_of(session, made, "SMB")
    row = ask_to_rise(session, made, bars, by="ines", because="x", scope="segment:SMB", now=at)
    people = read_directory(session)
    sign(session, people, made, bars, row.id or 0, by="ines", proof=Proof.HOST, now=at)
    grant = sign(session, people, made, bars, row.id or 0, by="ruth", proof=Proof.HOST, now=at)
    assert isinstance(grant, Grant)
    assert (grant.caps, grant.authority) == ({}, Authority.LIMITED)
    last = history(session, made.workflow)[-1]
    assert (last.scope, row.digest in last.because) == ("segment:SMB", True)


def test_a_part_that_is_worse_keeps_its_cap(session: Session, agreed: Contract) -> None:
    put(session, agreed, "segment:SMB", Authority.RECOMMEND)
    at = month_of(session, agreed, "SMB", wrong=40)
    ahead = look_ahead(session, agreed, Policy(), at, scope="segment:SMB")
    assert ahead.status is Status.FAIL
    with pytest.raises(Invalid, match=r"segment:MM has no cap in .*; capped: segment:SMB"):
        look_ahead(session, agreed, Policy(), at, scope="segment:MM")
    write = "action:crm.contact.owner"
    put(session, agreed, write, Authority.SHADOW)
    with pytest.raises(Invalid, match="nothing is compared by action"):
        look_ahead(session, agreed, Policy(), at, scope=write)


def test_a_part_that_fell_takes_nothing_from_the_others(session: Session, agreed: Contract) -> None:
    fall(
        session,
        agreed,
        severity="S2",
        by="monitor",
        because="harm",
        now=WHEN,
        scope="segment:SMB",
    )
    assert last_fall(session, agreed.workflow) is None
    assert latch(session, agreed.workflow, WHEN)


def test_a_capped_part_is_on_neither_side_of_the_comparison() -> None:
    half = grant().model_copy(
        update={
            "caps": {"segment:SMB": Authority.RECOMMEND},
            "exposure": Exposure(basis_points=5_000),
        }
    )
    arms = {place(half, unit, INSIDE).arm for unit in UNITS}
    assert arms == {Arm.REST}
    assert {place(half, unit, Facets(segment="MM")).arm for unit in UNITS} >= {
        Arm.TREATED,
        Arm.CONTROL,
    }
