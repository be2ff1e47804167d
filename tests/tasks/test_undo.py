"""What was written is taken back once, and never over what somebody has done since."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from flows.doors.cli.revert import revert
from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot import HubSpot
from integrations.hubspot_writes import owner_patch
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import Action, Case, Proposal
from rollout.effects import Basis, Intent, Request, State, standing
from rollout.errors import Invalid, Unknown
from rollout.fields import FieldRule
from rollout.grants import change
from rollout.halts import halt
from rollout.ledger import remember
from rollout.timeline import timeline
from rollout.undo import cases_written_by
from tasks.effects import send
from tasks.undo import Outcome, take_back
from tests.rollout.trial import action
from tests.sandbox import TOKEN
from tests.tasks.test_effects import case, owner_write, quickly, task_write

__all__ = ["case", "quickly"]  # fixtures


@pytest.fixture(autouse=True)
async def connected(
    crm: HubSpot, sandbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Let the product's own code find the test's CRM."""
    del crm
    monkeypatch.setenv("TAXIWAY_CRM_URL", sandbox_url)
    monkeypatch.setenv("TAXIWAY_CRM_TOKEN", TOKEN)
    settings.cache_clear()
    yield
    settings.cache_clear()


async def somebody_sets(crm: HubSpot, owner: str) -> None:
    await crm.send(*owner_patch("5", owner, "by hand"))


async def back(of: Case, because: str = "wrong owner") -> list[tuple[str, Outcome, str]]:
    taken = await take_back(of, by="ann", because=because)
    return [(one.action, one.outcome, one.because) for one in taken]


async def test_the_owner_from_before_is_set_again_once(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    await crm.send(
        "PATCH", "/crm/v3/objects/contacts/5", b'{"properties":{"hubspot_owner_id":"2"}}'
    )
    await send(case, owner_write(crm, "3", seen="2"))
    writes = len(sandbox.writes())

    assert await back(case) == [("crm.contact.owner", Outcome.TAKEN_BACK, "accepted")]
    assert await crm.read_owner_of("5") == "2"
    assert await back(case) == []
    assert len(sandbox.writes()) == writes + 1


async def test_the_case_shows_the_write_the_order_and_the_undo(case: Case, crm: HubSpot) -> None:
    await send(case, owner_write(crm, "3"))
    await back(case)
    with transaction() as session:
        told = [(line.who, line.what, line.why) for line in timeline(session, case.id)]
        assert standing(session, case, "owner").state == State.REVERTED

    assert ("ann", "ordered 1 writes to be taken back", "wrong owner") in told
    assert any(what == "write crm.contact.owner on contact/5: done" for _, what, _ in told)
    assert any(what == "took back crm.contact.owner on contact/5: done" for _, what, _ in told)


async def test_what_somebody_has_changed_since_is_left_to_them(case: Case, crm: HubSpot) -> None:
    await send(case, owner_write(crm, "3"))
    await crm.send(
        "PATCH", "/crm/v3/objects/contacts/5", b'{"properties":{"hubspot_owner_id":"4"}}'
    )

    ((_, outcome, because),) = await back(case)
    assert (outcome, await crm.read_owner_of("5")) == (Outcome.REFUSED, "4")
    assert "changed by somebody else meanwhile: owner" in because


async def test_what_a_person_decided_is_left_when_only_the_agents_word_is_meant(
    case: Case, crm: HubSpot
) -> None:
    await send(case, owner_write(crm, "3"))
    with transaction() as session:
        effect = standing(session, case, "owner")
        effect.basis = Basis.DECISION
        session.add(effect)

    assert await take_back(case, by="ann", because="x", on_its_own_word=True) == []
    assert await crm.read_owner_of("5") == "3"


@pytest.mark.parametrize("do", ["reset_before_apply", "reset_after_apply", "status_after_apply"])
async def test_an_undo_whose_answer_got_lost_happens_once(
    case: Case, crm: HubSpot, sandbox: Sandbox, do: str
) -> None:
    await send(case, owner_write(crm, "3"))
    before = len(sandbox.owned())
    sandbox.fault(do=do, method="PATCH", path="/contacts/5$", status=500)

    assert [outcome for _, outcome, _ in await back(case)] == [Outcome.TAKEN_BACK]
    assert await crm.read_owner_of("5") is None
    assert len(sandbox.owned()) == before + 1


async def test_a_task_that_the_agent_made_is_put_away(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    del sandbox
    write = task_write(crm, f"[{uuid4().hex}] call")
    write = replace(write, intent=write.intent.model_copy(update={"basis": Basis.AGENT}))
    made = await send(case, write)
    assert made.remote_id
    assert await crm.has_task(made.remote_id)

    assert [outcome for _, outcome, _ in await back(case)] == [Outcome.TAKEN_BACK]
    assert not await crm.has_task(made.remote_id)


async def test_a_task_of_a_handoff_stays_with_its_person(case: Case, crm: HubSpot) -> None:
    made = await send(case, task_write(crm, f"[{uuid4().hex}] decide"))
    assert await back(case) == []
    assert await crm.has_task(made.remote_id or "")


async def test_what_was_so_before_is_left(case: Case, crm: HubSpot) -> None:
    await crm.send(
        "PATCH", "/crm/v3/objects/contacts/5", b'{"properties":{"hubspot_owner_id":"3"}}'
    )
    await send(case, owner_write(crm, "3", seen="3"))

    ((_, outcome, because),) = await back(case)
    assert (outcome, because) == (Outcome.LEFT, "it was so before: nothing was changed")


async def test_taking_back_needs_no_stage_and_passes_no_stop(case: Case, crm: HubSpot) -> None:
    await send(case, owner_write(crm, "3"))
    with transaction() as session:
        change(session, case.contract, Authority.OFF, by="x", because="harm", now=now())
    assert [outcome for _, outcome, _ in await back(case)] == [Outcome.TAKEN_BACK]

    with transaction() as session:
        halt(session, case.workflow, by="x", because="harm", now=now())
    write = owner_write(crm, "3")
    undo = replace(
        write, intent=write.intent.model_copy(update={"basis": Basis.UNDO, "step": "again"})
    )
    assert (await send(case, undo)).state is State.REFUSED


async def test_a_release_is_found_by_what_it_wrote_on_its_own_word(
    case: Case, crm: HubSpot
) -> None:
    release = uuid4().hex
    with transaction() as session:
        remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step="proposal-1",
            fact=Proposal(
                action=action(), reason="fits", confidence=0.9, data_confidence=1, release=release
            ),
            actor="agent",
            at=now(),
        )
    before = now()
    await send(case, owner_write(crm, "3"))
    with transaction() as session:
        assert cases_written_by(session, release[:8], before) == [case.id]
        assert cases_written_by(session, release, now() + timedelta(seconds=1)) == []
        assert cases_written_by(session, uuid4().hex, before) == []


order = partial(revert, because="harm")


@pytest.mark.parametrize(
    ("ordered", "error", "says"),
    [
        (order, Invalid, "say which cases"),
        (partial(order, ["L-1"], release="a" * 12), Invalid, "say which cases"),
        (partial(order, ["L-0"]), Unknown, "there is no case L-0"),
        (partial(order, release="a" * 12), Invalid, "from which moment on"),
        (partial(order, release="a" * 12, since="yesterday"), Invalid, "not a time"),
        (partial(order, release="abc", since="2026-11-30"), Invalid, "at least 8 digits"),
        (partial(order, release="f" * 12, since="2026-11-30"), Unknown, "no release"),
        (partial(order, ["L-1"], because=" "), Invalid, "needs a reason"),
    ],
)
def test_a_wrong_order_is_refused_in_words(
    database: str, ordered: Callable[[], None], error: type[Exception], says: str
) -> None:
    del database
    with pytest.raises(error, match=says):
        ordered()


OWNER = FieldRule("owner", transitions={"": frozenset({"3"}), "3": frozenset({"4"})})


@pytest.mark.parametrize(
    ("rules", "seen", "owner", "says"),
    [
        ((), None, "3", "does not let it set owner"),
        ((FieldRule("owner"),), "2", "", "owner is not to be emptied"),
        ((OWNER,), None, "4", "owner may not go from nothing to 4"),
    ],
)
async def test_a_change_that_no_field_rule_allows_stays_inside(
    case: Case,
    crm: HubSpot,
    sandbox: Sandbox,
    rules: tuple[FieldRule, ...],
    seen: str | None,
    owner: str,
    says: str,
) -> None:
    if seen:
        await somebody_sets(crm, seen)
    ruled = replace(
        case.contract,
        boundaries=replace(
            case.contract.boundaries,
            write=tuple(replace(one, fields=rules) for one in case.contract.boundaries.write),
        ),
    )
    writes = len(sandbox.writes())
    sent = await send(replace(case, contract=ruled), owner_write(crm, owner, seen=seen))

    assert (sent.state, len(sandbox.writes())) == (State.REFUSED, writes)
    assert says in sent.because


async def test_money_beyond_the_days_cap_does_not_move(
    case: Case, crm: HubSpot, sandbox: Sandbox
) -> None:
    capped = replace(
        case.contract,
        boundaries=replace(
            case.contract.boundaries,
            write=tuple(
                replace(one, cap_minor_per_day=100_00) for one in case.contract.boundaries.write
            ),
        ),
    )

    async def pay(step: str, amount: int) -> State:
        write = task_write(crm, f"[{uuid4().hex}] {step}")
        intent = Intent(
            step=step,
            action=Action(name="crm.task", target="contact/5", arguments={}),
            request=Request(
                method=write.intent.request.method,
                path=write.intent.request.path,
                body=write.intent.request.body,
            ),
            basis=Basis.AGENT,
            amount=amount,
        )
        return (await send(replace(case, contract=capped), replace(write, intent=intent))).state

    assert await pay("first", 60_00) is State.DONE
    assert await pay("second", 50_00) is State.REFUSED
    sandbox.fault(do="status", method="POST", path="/tasks$", status=400)
    assert await pay("third", 40_00) is State.FAILED  # a no for good gives its money back
    assert await pay("fourth", 40_00) is State.DONE
