"""The stop that is set while the database is away holds when it is back."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot import HubSpot
from integrations.sandbox.client import Sandbox
from rollout.authority import Authority
from rollout.case import Case
from rollout.deciding import decide
from rollout.effects import Basis, State
from rollout.grants import change, current
from tasks.effects import Write, send
from tests.doors.house import AGREED, House, house
from tests.rollout.trial import a_case, a_review, action, answer, proposal
from tests.tasks.test_effects import task_write

__all__ = ["house"]  # a fixture

pytestmark = pytest.mark.system

RECOMMEND = Authority.RECOMMEND


def approved(crm: HubSpot, count: int) -> list[tuple[Case, Write]]:
    """Give writes that a person has approved, each of a case of its own."""
    made = []
    for _ in range(count):
        with transaction() as session:
            case = a_case(session, AGREED, RECOMMEND)
            review = a_review(session, case)
            decide(session, AGREED, review.id, answer(), proposal(), now())
        write = task_write(crm, f"[{uuid4().hex}] decide")
        words = {"basis": Basis.DECISION, "nth": 1, "action": action()}
        made.append((case, replace(write, intent=write.intent.model_copy(update=words))))
    return made


@pytest.mark.ugly(30)
async def test_fifty_approved_writes_stay_here_once_it_is_set_while_the_database_is_away(
    house: House, crm: HubSpot, sandbox: Sandbox
) -> None:
    before = len(sandbox.writes())
    ready = approved(crm, 51)
    assert (await send(*ready.pop())).state is State.DONE  # so would the others be

    house.close()
    stopped = house.taxiway("rollout", "kill", AGREED.workflow, "--because", "it harms")
    house.open()
    ends = await asyncio.gather(*(send(case, write) for case, write in ready))

    assert (stopped.returncode, "The database is away" in stopped.stdout) == (0, True)
    assert {(one.state, "halted" in one.because) for one in ends} == {(State.REFUSED, True)}
    assert len(sandbox.writes()) == before + 1

    revived = house.taxiway("rollout", "revive", AGREED.workflow, "--because", "mended")
    assert revived.returncode == 0, revived.stderr
    with transaction() as session:
        assert current(session, AGREED.workflow).authority is Authority.SHADOW
        change(session, AGREED, RECOMMEND, by="a test", because="again", now=now())
    assert [(await send(case, write)).state for case, write in ready[:3]] == [State.REFUSED] * 3
    (fresh,) = approved(crm, 1)
    assert (await send(*fresh)).state is State.DONE
    assert len(sandbox.writes()) == before + 2
