"""A write leaves once, whatever happens on the wire: the protocol against a real sandbox."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot import HubSpot
from integrations.hubspot_writes import owner_patch, task_creation
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import Action, Case
from rollout.contract import Contract, Safety
from rollout.effects import Basis, Intent, Request, State
from rollout.grants import change
from rollout.halts import lock
from tasks.effects import Write, send
from tests.rollout.trial import a_case, contract

DUE = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settle what is lost within a second: a lease, and a quarantine beyond the index's lag."""
    monkeypatch.setenv("TAXIWAY_LEASE_SECONDS", "0.3")
    monkeypatch.setenv("TAXIWAY_SEARCH_QUARANTINE_SECONDS", "1.2")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def case(database: str) -> Case:
    """A case that may act alone, in a workflow of its own."""
    del database
    agreed = contract()
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
            change(session, agreed, level, by="a test", because="here", now=now())
        return a_case(session, agreed)


def with_safety(case: Case, safety: Safety) -> Case:
    """The same case under a contract that makes every write safe another way."""
    rules = tuple(replace(rule, safety=safety) for rule in case.contract.boundaries.write)
    agreed: Contract = replace(
        case.contract, boundaries=replace(case.contract.boundaries, write=rules)
    )
    return replace(case, contract=agreed)


def owner_write(crm: HubSpot, owner: str, seen: str | None = None) -> Write:
    async def look() -> Mapping[str, str | None]:
        return {"owner": await crm.read_owner_of("5")}

    method, path, body = owner_patch("5", owner, "a test")
    return Write(
        intent=Intent(
            step="owner",
            action=Action(name="crm.contact.owner", target="contact/5", arguments={"owner": owner}),
            request=Request(method=method, path=path, body=body),
            basis=Basis.AGENT,
            expected={"owner": seen},
            changes={"owner": owner},
        ),
        push=lambda request: crm.send(request.method, request.path, request.body),
        look=look,
    )


def task_write(crm: HubSpot, subject: str) -> Write:
    async def nothing() -> Mapping[str, str | None]:
        return {}

    async def by_subject() -> str | None:
        return next(iter(await crm.find_tasks(subject)), None)

    method, path, body = task_creation(
        subject=subject, body="b", due=DUE, kind="contact", record="5"
    )
    return Write(
        intent=Intent(
            step="task",
            action=Action(name="crm.task", target="contact/5", arguments={"subject": subject}),
            request=Request(method=method, path=path, body=body),
            basis=Basis.HANDOFF,
        ),
        push=lambda request: crm.send(request.method, request.path, request.body),
        look=nothing,
        find=by_subject,
    )


def applied(sandbox: Sandbox, word: str) -> int:
    """Count the writes that took effect and hold a word."""
    return sum(one["applied"] and word in str(one["content"]) for one in sandbox.writes())


async def test_what_was_done_is_not_done_again(case: Case, crm: HubSpot, sandbox: Sandbox) -> None:
    before = len(sandbox.writes())
    first = await send(case, owner_write(crm, "3"))
    again = await send(case, owner_write(crm, "4"))

    assert first.state is State.DONE
    assert again == first
    assert len(sandbox.writes()) == before + 1


@pytest.mark.parametrize("do", ["reset_before_apply", "status", "status_after_apply", "truncate"])
async def test_a_value_is_set_once_whatever_became_of_the_answer(
    case: Case, crm: HubSpot, sandbox: Sandbox, do: str
) -> None:
    sandbox.fault(do=do, method="PATCH", path="/contacts/5$", status=500)
    before = len(sandbox.owned())
    sent = await send(case, owner_write(crm, "3"))

    assert sent.state is State.DONE
    assert await crm.read_owner_of("5") == "3"
    assert len(sandbox.owned()) == before + 1


@pytest.mark.parametrize("do", ["reset_before_apply", "reset_after_apply"])
async def test_a_task_whose_answer_got_lost_is_looked_up_and_made_once(
    case: Case, crm: HubSpot, sandbox: Sandbox, do: str
) -> None:
    subject = f"[{uuid4().hex}] decide"
    sandbox.fault(do=do, method="POST", path="/tasks$")
    sent = await send(case, task_write(crm, subject))

    assert sent.state is State.DONE
    assert applied(sandbox, subject) == 1


async def test_with_no_safe_way_an_unknown_write_is_a_persons_to_settle(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    subject = f"[{uuid4().hex}] decide"
    sandbox.fault(do="reset_after_apply", method="POST", path="/tasks$")
    sent = await send(with_safety(case, Safety.NONE), task_write(crm, subject))

    assert (sent.state, applied(sandbox, subject)) == (State.UNKNOWN, 1)
    assert "a person must look" in sent.because


async def test_a_demotion_between_two_attempts_stops_the_second(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    sandbox.fault(do="reset_before_apply", method="PATCH", path="/contacts/5$")
    write = owner_write(crm, "3")

    async def demoted(request: Request) -> str:
        try:
            return await crm.send(request.method, request.path, request.body)
        finally:
            with transaction() as session:
                change(session, case.contract, Authority.SHADOW, by="x", because="harm", now=now())

    sent = await send(case, replace(write, push=demoted))

    assert sent.state is State.REFUSED
    assert "the stage allows no write" in sent.because
    assert await crm.read_owner_of("5") is None


@pytest.mark.parametrize("do", ["reset_before_apply", "reset_after_apply"])
async def test_what_may_have_arrived_is_not_called_refused_when_it_may_not_be_sent_again(
    case: Case, crm: HubSpot, sandbox: Sandbox, do: str
) -> None:
    subject = f"[{uuid4().hex}] decide"
    sandbox.fault(do=do, method="POST", path="/tasks$")
    write = task_write(crm, subject)

    async def demoted(request: Request) -> str:
        try:
            return await crm.send(request.method, request.path, request.body)
        finally:
            with transaction() as session:
                change(session, case.contract, Authority.SHADOW, by="x", because="harm", now=now())

    sent = await send(with_safety(case, Safety.NATIVE_KEY), replace(write, push=demoted))

    assert (sent.state, sent.attempts) == (State.UNKNOWN, 1)
    assert "an earlier attempt may have arrived" in sent.because
    assert applied(sandbox, subject) == (do == "reset_after_apply")


async def test_a_no_for_good_is_kept_with_its_reason(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    sandbox.fault(do="status", method="PATCH", path="/contacts/5$", status=400)
    sent = await send(case, owner_write(crm, "3"))

    assert sent.state is State.FAILED
    assert "refused with 400" in sent.because


async def test_a_sender_that_slept_past_its_lease_does_not_send(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    subject = f"[{uuid4().hex}] decide"
    holds = threading.Event()

    def hold() -> None:
        with transaction() as session:
            lock(session, case.workflow)
            holds.set()
            time.sleep(0.6)  # twice the lease, while the sender waits at the gate

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(5)
    sent = await send(case, task_write(crm, subject))
    thread.join()

    assert (sent.state, sent.attempts, applied(sandbox, subject)) == (State.DONE, 2, 1)


async def test_an_answer_that_is_slower_than_the_lease_counts_as_lost(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    subject = f"[{uuid4().hex}] decide"
    sandbox.fault(do="delay", method="POST", path="/tasks$", seconds=0.5)
    sent = await send(case, task_write(crm, subject))

    assert (sent.state, sent.because) == (State.DONE, "found to have arrived")
    assert applied(sandbox, subject) == 1
