"""What takes authority away at once: breaches, overrules, and cases that turn out worse."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlmodel import Session, select

from rollout.authority import Authority
from rollout.contract import Contract
from rollout.effects import State, intend, standing
from rollout.falling import fall
from rollout.fields import FieldRule
from rollout.gate import BREACH
from rollout.grants import caps, change, current
from rollout.ledger import Entry, note
from rollout.monitors import ACCEPTED, Alarm, alarm, alarms, overrules, worse
from tests.rollout.reviewed import shown
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb, gate, meant
from tests.rollout.test_limited_gates import known, mixed
from tests.rollout.trial import WHEN, a_case, contract

__all__ = ["session"]  # a fixture

MINUTE = timedelta(minutes=1)
END = WHEN + timedelta(days=2)


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    climb(session, made, Authority.RECOMMEND)
    return made


def decide(
    session: Session, agreed: Contract, n: int, *, taken: bool, segment: str = "SMB", start: int = 0
) -> None:
    for one in range(n):
        at = WHEN + MINUTE * (1 + start + one)
        shown(session, agreed, at, taken=taken, segment=segment)


def test_a_segment_that_turns_bad_is_lowered_alone(session: Session, agreed: Contract) -> None:
    decide(session, agreed, 120, taken=True, segment="MM")
    decide(session, agreed, 8, taken=False, segment="SMB", start=120)
    found = alarms(session, agreed, END)
    assert [(one.severity, one.scope) for one in found] == [("S2", "segment:SMB")]

    fall(session, agreed, severity="S2", by="monitor", because="x", now=END, scope=found[0].scope)
    assert current(session, agreed.workflow).authority is Authority.RECOMMEND
    assert caps(session, agreed.workflow) == {"segment:SMB": Authority.SHADOW}
    assert alarms(session, agreed, END + MINUTE) == []


def test_two_segments_within_a_day_are_the_workflow(session: Session, agreed: Contract) -> None:
    for hours, scope in ((0, "segment:SMB"), (23, "segment:MM")):
        now = WHEN + timedelta(hours=hours)
        fall(session, agreed, severity="S2", by="monitor", because="x", now=now, scope=scope)
    assert current(session, agreed.workflow).authority is Authority.SHADOW


def test_two_segments_a_day_apart_are_two_segments(session: Session, agreed: Contract) -> None:
    for hours, scope in ((0, "segment:SMB"), (25, "segment:MM")):
        now = WHEN + timedelta(hours=hours)
        fall(session, agreed, severity="S2", by="monitor", because="x", now=now, scope=scope)
    assert current(session, agreed.workflow).authority is Authority.RECOMMEND
    assert set(caps(session, agreed.workflow)) == {"segment:SMB", "segment:MM"}


def test_where_the_whole_speaks_its_parts_are_silent(session: Session, agreed: Contract) -> None:
    decide(session, agreed, 12, taken=False)
    assert [one.scope for one in alarms(session, agreed, END)] == [""]


def test_one_breach_is_enough(session: Session, agreed: Contract) -> None:
    note(
        session,
        workflow=agreed.workflow,
        case_id="T-1",
        kind="breach",
        actor="agent",
        at=WHEN + MINUTE,
        fields={},
    )
    found = alarm(session, agreed, END)
    assert found == Alarm("S1", "it tried what its contract forbids: 1 times, last in T-1")
    fall(session, agreed, severity="S1", by="monitor", because=found.because, now=END)
    assert current(session, agreed.workflow).authority is Authority.OFF
    assert alarm(session, agreed, END) is None


def test_a_look_costs_what_came_since_the_last_one(session: Session, agreed: Contract) -> None:
    decide(session, agreed, 30, taken=True)
    first = overrules(session, agreed, END)[""]
    decide(session, agreed, 5, taken=False, start=30)
    second = overrules(session, agreed, END)[""]
    again = overrules(session, agreed, END)[""]
    assert (first.watch.events, second.watch.events, second.overruled) == (30, 35, 5)
    assert (again.watch, again.seen) == (second.watch, second.seen)
    assert second.seen > first.seen


def test_looks_in_between_change_nothing(session: Session, agreed: Contract) -> None:
    other = contract()
    climb(session, other, Authority.RECOMMEND)
    for n in range(12):
        for one in (agreed, other):
            decide(session, one, 1, taken=n % 3 != 0, start=n)
        overrules(session, agreed, END)
    looked, once = (overrules(session, one, END)[""] for one in (agreed, other))
    assert (looked.watch, looked.overruled) == (once.watch, once.overruled)


def test_after_a_change_of_authority_the_watch_begins_anew(
    session: Session, agreed: Contract
) -> None:
    decide(session, agreed, 9, taken=False)
    change(session, agreed, Authority.SHADOW, by="x", because="x", now=END)
    change(session, agreed, Authority.RECOMMEND, by="x", because="x", now=END)
    assert alarms(session, agreed, END + MINUTE) == []
    assert ACCEPTED == 0.1


# What became of the cases


def severities(found: list[Alarm]) -> list[str]:
    return [one.severity for one in found]


def test_cases_that_turn_out_worse_than_the_controls_take_authority(session: Session) -> None:
    made = contract()
    climb(session, made, Authority.LIMITED)
    worse = known(good=mixed(400, 60))
    found = alarms(session, made, END, worse)
    assert severities(found) == ["S2"]
    assert "well in 85% of 400, people's in 100% of 400" in found[0].because
    assert alarms(session, made, END, known()) == []
    same = known(good=mixed(400, 40), control_good=mixed(400, 40)[::-1])
    assert alarms(session, made, END, same) == []


def test_a_broken_comparison_freezes_and_lowers_nothing(session: Session) -> None:
    made = contract()
    climb(session, made, Authority.LIMITED)
    found = alarms(session, made, END, known(treated=500, control=350))
    silent = alarms(session, made, END, known(treated=0, control=0, step_days=15))
    assert severities(found) == severities(silent) == ["S3"]
    fall(session, made, severity="S3", by="monitor", because=found[0].because, now=END)
    assert current(session, made.workflow).authority is Authority.LIMITED


def test_a_healthy_agent_is_not_lowered_in_3000_cases() -> None:
    """As many bad outcomes as people have; 200 agents, a look after each hundred cases."""
    dice, lowered = np.random.default_rng(11), 0
    for _ in range(200):
        own, control = dice.random((2, 3_000)) > 0.05
        looks = (known(good=own[:n], control_good=control[:n]) for n in range(100, 3_001, 100))
        lowered += any(list(worse(look)) for look in looks)
    assert lowered <= 2  # 0.2 are expected at most


def test_one_that_turns_bad_is_found_within_a_few_hundred_cases() -> None:
    """3 % bad outcomes beside people's 3 %, then 20 %: half are found within 250 cases."""
    dice, needed = np.random.default_rng(12), []
    for _ in range(40):
        own, control = dice.random((2, 900)) > 0.03
        own[300:] = dice.random(600) > 0.20
        looks = range(320, 901, 20)
        first = next(n for n in looks if list(worse(known(good=own[:n], control_good=control[:n]))))
        needed.append(first - 300)
    assert sorted(needed)[20] <= 250


@pytest.mark.parametrize(
    ("changes", "noted", "breaches"),
    [
        ({"owner": ""}, {"owner": "7001"}, 1),  # the agent itself would empty it
        ({"stage": "won"}, {"owner": "7001"}, 1),  # nothing that it may set
        ({"owner": "7002"}, {"owner": "7009"}, 0),  # somebody else was faster
        ({"lane": "agent"}, {"lane": "human", "owner": "7001"}, 0),  # and had it in another lane
    ],
)
def test_only_what_the_agent_itself_tries_is_a_breach(
    session: Session, changes: dict[str, str], noted: dict[str, str], breaches: int
) -> None:
    made = contract()
    rules = (
        FieldRule("owner"),
        FieldRule("lane", transitions={"": frozenset({"agent"})}),
    )
    write = tuple(replace(rule, fields=rules, alone_per_day=9) for rule in made.boundaries.write)
    made = replace(made, boundaries=replace(made.boundaries, write=write))
    climb(session, made, Authority.LIMITED)
    case = a_case(session, made)
    intent = meant(case).model_copy(update={"expected": {"owner": "7001"}, "changes": changes})
    gate(session, intend(session, case, intent, WHEN + MINUTE), made, noted)
    assert standing(session, case, "owner").state == State.REFUSED
    found = select(Entry.seq).where(Entry.case_id == case.id, Entry.kind == BREACH)
    assert len(session.exec(found).all()) == breaches
