"""An agent writes so much on its own word and no more, however many write at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from integrations.database import transaction
from rollout.authority import Authority
from rollout.case import Case
from rollout.contract import Contract
from rollout.effects import Basis, EffectRow, State, intend, standing
from rollout.falling import fall, last_fall, latch
from rollout.gate import pass_gate
from rollout.grants import current
from rollout.ledger import Entry
from rollout.monitors import alarms
from rollout.write_budget import OVER
from tests.rollout.sessions import plain as session
from tests.rollout.test_effects import SEEN, climb, meant
from tests.rollout.trial import WHEN, a_case, contract

__all__ = ["session"]  # a fixture

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def with_budget(**caps: int) -> Contract:
    made = contract()
    write = tuple(
        replace(
            one,
            alone_per_hour=caps.get("alone_per_hour"),
            alone_per_day=caps.get("alone_per_day", 1_000),
            records_per_day=caps.get("records_per_day"),
        )
        for one in made.boundaries.write
    )
    return replace(made, boundaries=replace(made.boundaries, write=write))


def meant_for(
    session: Session, agreed: Contract, contact: str, basis: Basis = Basis.AGENT
) -> EffectRow:
    case = a_case(session, agreed)
    intent = meant(case, basis)
    action = intent.action.model_copy(update={"target": f"contact/{contact}"})
    return intend(session, case, intent.model_copy(update={"action": action}), WHEN)


def passes(session: Session, effect: EffectRow, agreed: Contract, at: datetime) -> int | str:
    return pass_gate(
        session, effect, contract=agreed, noted=SEEN, now=at, lease=timedelta(seconds=15)
    )


def write(session: Session, agreed: Contract, contact: str, at: datetime) -> int | str:
    return passes(session, meant_for(session, agreed, contact), agreed, at)


@pytest.mark.parametrize(
    ("caps", "contacts", "after", "again"),
    [
        ({"alone_per_hour": 2}, "123", HOUR, "writes in an hour"),
        ({"alone_per_day": 2}, "123", DAY, "in a day"),
        ({"records_per_day": 2}, "11223", DAY, "other records in a day"),
    ],
    ids=["an hour", "a day", "records"],
)
def test_what_does_not_fit_waits_until_the_time_is_over(
    session: Session, caps: dict[str, int], contacts: str, after: timedelta, again: str
) -> None:
    agreed = with_budget(**caps)
    climb(session, agreed, Authority.LIMITED)
    found = [write(session, agreed, one, WHEN) for one in contacts]

    assert found[:-1] == [1] * (len(contacts) - 1)
    assert "and 2 are allowed" in str(found[-1])
    assert again in str(found[-1])
    assert isinstance(write(session, agreed, "3", WHEN + after - timedelta(seconds=1)), str)
    assert write(session, agreed, "3", WHEN + after) == 1


def test_what_people_decide_is_not_counted(session: Session) -> None:
    agreed = with_budget(alone_per_day=1)
    climb(session, agreed, Authority.LIMITED)
    effect = meant_for(session, agreed, "1", Basis.HANDOFF)
    assert passes(session, effect, agreed, WHEN) == 1
    assert write(session, agreed, "2", WHEN) == 1
    assert passes(session, meant_for(session, agreed, "3", Basis.HANDOFF), agreed, WHEN) == 1


def test_an_attempt_that_is_repeated_is_one_write(session: Session) -> None:
    agreed = with_budget(alone_per_day=1)
    climb(session, agreed, Authority.LIMITED)
    effect = meant_for(session, agreed, "1")
    assert passes(session, effect, agreed, WHEN) == 1
    session.refresh(effect)
    assert passes(session, effect, agreed, WHEN) == 2


def test_it_goes_to_a_person_and_nothing_rises_meanwhile(session: Session) -> None:
    agreed = with_budget(alone_per_day=1)
    climb(session, agreed, Authority.LIMITED)
    write(session, agreed, "1", WHEN)
    effect = meant_for(session, agreed, "2")
    passes(session, effect, agreed, WHEN)
    session.refresh(effect)

    assert effect.state == State.REFUSED
    (alarm,) = alarms(session, agreed, WHEN + HOUR)
    assert (alarm.severity, alarm.scope) == ("S3", f"action:{effect.action}")
    assert alarm.because.startswith(f"write budget: 1 times a day {effect.action} did not fit")
    fall(
        session,
        agreed,
        severity=alarm.severity,
        by="monitor",
        because=alarm.because,
        now=WHEN + HOUR,
        scope=alarm.scope,
    )
    assert "nobody said why" in latch(session, agreed.workflow, WHEN + HOUR)
    assert last_fall(session, agreed.workflow) is None  # what it has shown still counts
    assert current(session, agreed.workflow).authority is Authority.LIMITED
    assert alarms(session, agreed, WHEN + DAY) == []
    noted = select(Entry).where(Entry.workflow == agreed.workflow, Entry.kind == OVER)
    assert len(session.exec(noted).all()) == 1


def test_many_at_once_do_not_pass_it(database: str) -> None:
    del database
    agreed = with_budget(alone_per_hour=3)
    with transaction() as session:
        climb(session, agreed, Authority.LIMITED)
        cases = [a_case(session, agreed) for _ in range(12)]
        for case in cases:
            intend(session, case, meant(case), WHEN)

    def one(case: Case) -> int | str:
        with transaction() as session:
            return passes(session, standing(session, case, "owner"), agreed, WHEN)

    with ThreadPoolExecutor(12) as pool:
        found = [*pool.map(one, cases)]
    assert found.count(1) == 3
