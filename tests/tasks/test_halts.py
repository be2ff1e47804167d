"""The stop on file holds for every write, with a database or without."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from integrations.clock import now
from integrations.database import transaction
from integrations.flag import Stop, flag, raise_flag, stops
from integrations.hubspot import HubSpot
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import Case
from rollout.effects import EffectRow, State
from rollout.grants import change, current
from rollout.halts import halt
from tasks.effects import send
from tasks.halts import let_work, stop
from tests.rollout.trial import a_case, contract
from tests.tasks.test_effects import applied, owner_write, task_write


@pytest.fixture
def case(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """A case that may act alone, in a home of its own."""
    del database
    agreed = contract()
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
            change(session, agreed, level, by="a test", because="here", now=now())
        opened = a_case(session, agreed)
    monkeypatch.setenv("TAXIWAY_HOME", str(tmp_path))
    settings.cache_clear()
    yield opened
    settings.cache_clear()


def stopped(case: Case) -> None:
    stop(case.workflow, by="kim", because="it harms")


async def test_a_stop_on_file_is_heeded_by_the_next_write(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    before = len(sandbox.writes())
    stopped(case)
    sent = await send(case, owner_write(crm, "3"))

    assert sent.state is State.REFUSED
    assert "halted (kim: it harms)" in sent.because
    assert len(sandbox.writes()) == before


def test_a_stop_needs_no_database(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    settings.cache_clear()
    stopped(case)

    assert [one.because for one in stops()] == ["it harms"]


async def test_what_was_refused_stays_unsent_after_the_revival(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    before = len(sandbox.writes())
    stopped(case)
    await send(case, owner_write(crm, "3"))
    grants = let_work([case.contract], case.workflow, by="lee", because="mended")
    again = await send(case, owner_write(crm, "3"))

    assert [one.authority for one in grants] == [Authority.SHADOW]
    assert not flag().exists()
    assert again.state is State.REFUSED
    assert len(sandbox.writes()) == before


def test_a_file_that_cannot_be_read_stops_everything(case: Case) -> None:
    raise_flag(Stop(case.workflow, "kim", "x", ""))
    flag().write_text("{")

    assert [one.workflow for one in stops()] == ["all"]


async def test_no_write_starts_after_a_stop_was_committed(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    """Twelve writes race one stop: each is either in the CRM and before it, or in neither."""
    with transaction() as session:
        cases = [a_case(session, case.contract) for _ in range(12)]
    committed = threading.Event()

    def halting() -> None:
        with transaction() as session:
            halt(session, case.workflow, by="kim", because="it harms", now=now())
        committed.set()

    async def one(number: int) -> State:
        await asyncio.sleep(number * 0.01)
        return (await send(cases[number], task_write(crm, f"[{cases[number].id}] x"))).state

    thread = threading.Timer(0.06, halting)
    thread.start()
    states = await asyncio.gather(*(one(number) for number in range(12)))
    thread.join()
    with transaction() as session:
        wanted = select(EffectRow).where(EffectRow.workflow == case.workflow)
        rows = session.exec(wanted).all()
        assert current(session, case.workflow).halted

    assert committed.is_set()
    done = [row for row in rows if row.state == State.DONE]
    assert len(done) == states.count(State.DONE)
    assert {row.attempt for row in rows if row.state == State.REFUSED} <= {0}
    assert sum(applied(sandbox, f"[{one.id}]") for one in cases) == len(done)
