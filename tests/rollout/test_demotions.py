"""No send starts after a demotion or a stop was committed: five hundred random races."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority
from rollout.case import Case
from rollout.contract import Contract
from rollout.effects import State, intend, standing
from rollout.grants import change
from rollout.halts import halt
from tests.rollout.test_effects import climb, gate, meant
from tests.rollout.trial import a_case, contract

RACES = 500


def state_of(case: Case) -> str:
    with transaction() as session:
        return standing(session, case, "owner").state


def fall(agreed: Contract, how: str) -> None:
    with transaction() as session:
        if how == "stop":
            halt(session, agreed.workflow, by="ann", because="harm", now=now())
        else:
            change(session, agreed, Authority.SHADOW, by="ann", because="bad evidence", now=now())


def race(number: int) -> tuple[str, str]:
    """Let a gate and a fall meet at random; give the state at the fall's commit, and at the end."""
    dice, agreed = random.Random(number), contract()
    with transaction() as session:
        climb(session, agreed, Authority.LIMITED)
        case = a_case(session, agreed)
        effect = intend(session, case, meant(case), now())
    start, seen = threading.Barrier(2), []

    def send() -> None:
        start.wait()
        time.sleep(dice.uniform(0, 0.004))
        with transaction() as session:
            gate(session, effect, agreed)
            time.sleep(dice.uniform(0, 0.002))  # the gate's transaction takes its time

    def demote() -> None:
        start.wait()
        time.sleep(dice.uniform(0, 0.004))
        fall(agreed, dice.choice(["stop", "demotion"]))
        seen.append(state_of(case))

    threads = [threading.Thread(target=one) for one in (send, demote)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return seen[0], state_of(case)


@pytest.mark.system
def test_no_send_starts_after_a_fall_was_committed(database: str) -> None:
    del database
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(race, range(RACES)))
    late = [one for one in found if one == (State.READY, State.SENT)]

    assert late == []
    assert {end for _, end in found} == {State.SENT, State.REFUSED}, "both sides win sometimes"
