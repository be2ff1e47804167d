"""Through limited by shares, each on what became of the cases beside their control, and to full."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlmodel import Session

from rollout.ahead import look_ahead
from rollout.authority import Arm, Authority, Exposure, Grant
from rollout.case import Cost
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.gates import Finding, Policy, Status, fold
from rollout.grants import change
from rollout.ledger import note, remember
from rollout.limited_gates import Live, full_gates, limited_gates
from rollout.live import has_month_end, live
from rollout.outcomes import Word, take_outcome
from rollout.ramp import check_step, following
from rollout.track_record import TrackRecord
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb
from tests.rollout.test_outcomes import closed
from tests.rollout.trial import WHEN, contract, proposal

__all__ = ["session"]  # a fixture

BARS = Policy()
WELL = np.ones(400, dtype=bool)
RECORD = TrackRecord(np.zeros(0), np.zeros(0, bool), np.zeros(0, bool), sent=50, arrived=50)
DAY = timedelta(days=1)


def known(**more: object) -> Live:
    made = Live(
        step_days=8,
        live_days=40,
        month_end=True,
        treated=400,
        control=400,
        good=WELL,
        control_good=WELL,
        matured=0.9,
        started=400,
        escalated=20,
        costs=np.full(400, 150.0),
        manual_minor=400.0,
        segments={"SMB": (WELL, WELL)},
    )
    return replace(made, **more)  # type: ignore[arg-type] # fields of it


def by_gate(found: list[Finding]) -> dict[str, Finding]:
    return {one.gate: one for one in found}


def mixed(n: int, bad: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """So many bad ones among n, spread evenly."""
    return (np.arange(n) * bad) % n >= bad


def test_where_all_is_well_every_gate_passes() -> None:
    assert {one.status for one in full_gates(known(), RECORD, BARS)} == {Status.PASS}


@pytest.mark.parametrize(
    ("gate", "more", "status", "says"),
    [
        ("step", {"step_days": 6.9}, "inconclusive", "6.9 of at least 7 days"),
        ("no_alarm", {"alarm": "people overruled it"}, "fail", "people overruled it"),
        ("sample_ratio", {"control": 250}, "fail", "400 cases to the agent, 250 to its control"),
        ("sample_ratio", {"treated": 0, "control": 0}, "no_data", "no case came"),
        ("outcome", {"good": mixed(400, 120)}, "fail", "well in 70.0 % of 400"),
        ("outcome", {"good": np.zeros(0, bool)}, "no_data", "nothing is known"),
        ("escalation", {"escalated": 48}, "fail", "48 of 400 cases went up (12.0 %)"),
        ("escalation", {"escalated": 48, "live_days": 29.0}, "pass", "once it is live for 30 days"),
        ("weeks", {"live_days": 27.0}, "inconclusive", "live for 27 of at least 28 days"),
        ("weeks", {"month_end": False}, "inconclusive", "without a month's end"),
        ("matured", {"matured": 0.79}, "inconclusive", "of 79.0 % is known"),
        ("cost", {"manual_minor": None}, "no_data", "is unknown"),
        ("cost", {"costs": np.full(400, 450.0)}, "fail", "4.50 a case, by hand 4.00"),
        ("segment_SMB", {"segments": {"SMB": (mixed(400, 120), WELL)}}, "fail", "70.0 %"),
    ],
)
def test_each_gate_holds_it_back_alone(
    gate: str, more: dict[str, object], status: str, says: str
) -> None:
    found = by_gate(full_gates(known(**more), RECORD, BARS))[gate]
    assert (found.status, says in found.because) == (status, True), found


def test_what_a_small_share_cannot_show_only_warns_on_the_way_and_not_to_full() -> None:
    few = known(good=WELL[:6], control_good=WELL[:6])
    on_the_way = by_gate(limited_gates(few, RECORD, BARS))["outcome"]
    for_certain = by_gate(full_gates(few, RECORD, BARS))["outcome_for_certain"]
    assert (on_the_way.status, on_the_way.is_dry) == (Status.INCONCLUSIVE, True)
    assert "cannot show it within a quarter" in on_the_way.because
    assert fold(limited_gates(few, RECORD, BARS)) is Status.PASS
    assert (for_certain.status, for_certain.is_dry) == (Status.INCONCLUSIVE, False)


# The steps


def at(points: int, segments: frozenset[str] = frozenset()) -> Grant:
    share = Exposure(basis_points=points, segments=segments)
    return Grant(workflow="w", authority=Authority.LIMITED, exposure=share)


def test_the_share_grows_by_steps_then_what_is_restricted_opens_then_comes_full() -> None:
    made, smb = contract(), frozenset({"SMB"})
    steps = [at(100, smb)]
    while (step := following(made, steps[-1]))[0] is Authority.LIMITED:
        assert step[1] is not None
        steps.append(steps[-1].model_copy(update={"exposure": step[1]}))
    shown = [str(one.exposure) for one in steps]
    assert shown == [*(f"{n} % of SMB" for n in (1, 5, 10, 25, 50)), "50 %"]
    assert following(made, steps[-1]) == (Authority.FULL, None)
    low = replace(made, plan=(Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED))
    assert following(low, steps[-1]) == (None, None)


@pytest.mark.parametrize(
    ("now", "wanted", "says"),
    [
        (at(500), Exposure(basis_points=1_100), "next step goes to 10 % at most"),
        (at(500), Exposure(basis_points=400), "is no step up"),
        (at(500), Exposure(basis_points=500), "is no step up"),
        (at(500, frozenset({"SMB"})), Exposure(basis_points=1_000), "one at a time"),
    ],
)
def test_more_than_one_step_at_once_is_refused(now: Grant, wanted: Exposure, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        check_step(now, wanted)


def test_a_step_may_open_a_segment_or_grow() -> None:
    smb = frozenset({"SMB"})
    check_step(at(500, smb), Exposure(basis_points=500, segments=smb | {"MM"}))
    check_step(at(500, smb), Exposure(basis_points=700, segments=smb))
    check_step(at(500), Exposure(basis_points=1_000))


@pytest.mark.parametrize(
    ("since", "until", "is_in"),
    [
        ((2026, 11, 3), (2026, 11, 30), False),
        ((2026, 11, 3), (2026, 12, 1), True),
        ((2026, 11, 30, 12), (2026, 12, 20), False),
        ((2026, 11, 30, 12), (2027, 1, 1), True),
        ((2028, 2, 10), (2028, 3, 1), True),
    ],
)
def test_a_months_end_counts_as_a_whole_day(
    since: tuple[int, ...], until: tuple[int, ...], *, is_in: bool
) -> None:
    first, last = (datetime(*one, tzinfo=UTC) for one in (since, until))  # type: ignore[misc,arg-type] # a moment's parts
    assert has_month_end(first, last) is is_in


# From the ledger


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    climb(session, made, Authority.LIMITED)
    return made


def test_what_is_known_is_read_up_to_a_moment(session: Session, agreed: Contract) -> None:
    cases = [closed(session, agreed, n=n) for n in range(4)]
    for n in range(3):
        closed(session, agreed, Arm.CONTROL, n=n)
    word = Word("reassigned", WHEN + DAY, "crm")
    take_outcome(session, agreed, cases[0].id, word, WHEN + DAY)
    change(
        session,
        agreed,
        Authority.LIMITED,
        exposure=Exposure(basis_points=500),
        by="x",
        because="x",
        now=WHEN + 9 * DAY,
    )
    found = live(session, agreed, WHEN + 10 * DAY)
    before = live(session, agreed, WHEN + 5 * DAY)

    assert (round(found.step_days), round(found.live_days)) == (1, 10)
    assert (len(found.good), int(found.good.sum()), len(found.control_good)) == (4, 3, 3)
    assert found.matured == 1
    assert (found.treated, found.control) == (0, 0)  # since this share began
    assert (len(before.good), len(before.control_good)) == (1, 0)  # only the bad word is known


def test_a_case_costs_what_its_agent_and_its_people_took(
    session: Session, agreed: Contract
) -> None:
    """By hand it takes 12 minutes at 54.00 an hour, as the contract's benchmark is set here."""
    assert agreed.benchmark is not None
    by_hand = replace(agreed.benchmark, minutes=12, hourly_cost_minor=5_400)
    made = replace(agreed, benchmark=by_hand)
    for n, looked in enumerate((None, 60.0)):
        case = closed(session, made, n=n)
        remember(
            session,
            workflow=made.workflow,
            case_id=case.id,
            step="proposal-1",
            fact=proposal().model_copy(update={"cost": Cost(amount_millis=2_000)}),
            actor="agent",
            at=WHEN,
        )
        for review in (1, 2) if looked else (1,):
            note(
                session,
                workflow=made.workflow,
                case_id=case.id,
                step=f"decision-{review}",
                kind="decision",
                actor="karim",
                at=WHEN,
                fields={"verb": "approve", "looked_seconds": looked},
            )
    found = live(session, made, WHEN + 2 * DAY)
    assert sorted(found.costs) == [2 + 2 * 90.0, 2 + 12 * 90.0]
    assert found.manual_minor == 12 * 90.0


def test_the_next_share_waits_for_its_week(session: Session, agreed: Contract) -> None:
    change(
        session,
        agreed,
        Authority.LIMITED,
        exposure=Exposure(basis_points=100),
        by="x",
        because="x",
        now=WHEN,
    )
    found = look_ahead(session, agreed, BARS, WHEN + 3 * DAY)
    assert (found.target, found.status) == ("limited to 5 %", Status.NO_DATA)
    assert any(one.startswith("step: 3.0 of at least 7 days") for one in found.because)


def test_what_was_read_for_the_monitors_is_not_read_again_and_says_the_same(
    session: Session, agreed: Contract
) -> None:
    for n in range(4):
        closed(session, agreed, n=n)
        closed(session, agreed, Arm.CONTROL, n=n)
    moment = WHEN + 10 * DAY
    known = live(session, agreed, moment)
    assert look_ahead(session, agreed, BARS, moment, known=known) == look_ahead(
        session, agreed, BARS, moment
    )
    other = replace(known, step_days=99.0)
    found = look_ahead(session, agreed, BARS, moment, known=other)
    assert any(one.because.startswith("99.0 of at least") for one in found.gates)
