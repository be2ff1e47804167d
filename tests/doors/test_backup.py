"""A backup that is an hour old is put back: what it has forgotten is looked up, not done again."""

import json
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from flows.doors.backup import back_up
from flows.operations.lead_sweep import was_handed_off
from integrations.clock import now
from integrations.database import transaction
from integrations.heads import heads_file
from integrations.hubspot import HubSpot
from integrations.sandbox.client import Sandbox
from integrations.stripe import Stripe, refund_creation
from rollout.authority import Arm, Authority, Placement, Unit
from rollout.case import Action, Case, CaseRow, open_row
from rollout.effects import Basis, EffectRow, Intent, Request, intend
from rollout.effects import State as Effect
from rollout.errors import Invalid
from rollout.grants import current
from rollout.handoffs import Offered
from rollout.inbox import receive
from tasks.effects import Write, send
from tasks.handoffs import tell_receiver
from tasks.seals import seal_ledger, verify_ledger
from tests.doors.house import AGREED, REFUND, House, house
from tests.sandbox import TOKEN
from tests.tasks.test_effects import owner_write

__all__ = ["house"]  # a fixture

pytestmark = pytest.mark.system


@pytest.fixture
async def bank(sandbox_url: str) -> AsyncIterator[Stripe]:
    client = Stripe.at(sandbox_url, TOKEN)
    yield client
    await client.close()


def event() -> str:
    with transaction() as session:
        arrival, _ = receive(
            session,
            source="website",
            ext_id=uuid4().hex,
            workflow=AGREED.workflow,
            body=b"{}",
            now=now(),
        )
        return arrival.id


def case_of(inbox_id: str) -> Case:
    """Open the case of an event, or find it again."""
    with transaction() as session:
        row = open_row(
            session,
            prefix="L",
            workflow=AGREED.workflow,
            version=AGREED.version,
            dedupe=inbox_id,
            inbox_id=inbox_id,
            now=now(),
        )
    return Case(
        id=row.id,
        contract=AGREED,
        contract_version=AGREED.version,
        inbox_id=inbox_id,
        opened_at=row.opened_at,
        placement=Placement(authority=Authority.LIMITED, arm=Arm.EVERYONE, because="a trial"),
    )


def refund_write(bank: Stripe, case: Case, charge: str) -> Write:
    method, path, body = refund_creation(
        charge=charge, amount=40_00, reason="requested_by_customer", case_id=case.id
    )

    async def nothing() -> dict[str, str | None]:
        return {}

    return Write(
        intent=Intent(
            step="refund",
            action=Action(name=REFUND, target=f"charge/{charge}", arguments={}),
            request=Request(method=method, path=path, body=body),
            basis=Basis.AGENT,
        ),
        push=lambda request: bank.send(request.method, request.path, request.body, request.key),
        look=nothing,
    )


async def hand_over(case: Case, contact: str) -> Effect:
    offered = Offered(
        name="no-rep-available",
        to="sales-desk",
        decide="choose who takes it",
        because="all are away",
        otherwise="head-of-sales-ops",
        due_at=now() + timedelta(hours=1),
        only_watched=False,
    )
    return (await tell_receiver.fn(case, offered, Unit(kind="contact", id=contact))).state


def put_back(house: House, folder: Path, *words: str) -> dict[str, object]:
    house.close()
    done = house.taxiway("restore", str(folder), "--by", "kim", "--json", *words)
    assert done.returncode == 0, done.stderr
    house.open()
    told: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return told[0]


async def test_what_an_old_copy_has_forgotten_is_found_and_not_done_again(
    house: House, tmp_path: Path, crm: HubSpot, bank: Stripe, sandbox: Sandbox
) -> None:
    owned = len(sandbox.owned())
    first, second = event(), event()
    opened = case_of(first)
    with transaction() as session:  # intended before the backup, sent after it
        intend(session, opened, owner_write(crm, "3").intent, now())
    back_up(tmp_path / "copy")

    # The hour that the copy knows nothing of.
    lost = case_of(second)
    assert (await send(opened, owner_write(crm, "3"))).state is Effect.DONE
    assert (await send(opened, refund_write(bank, opened, house.charge))).state is Effect.DONE
    assert await hand_over(opened, "5") is Effect.DONE
    assert await hand_over(lost, "5") is Effect.DONE
    seal_ledger()
    ends = heads_file().read_text()
    numbers = {opened.id, lost.id}
    writes, tasks = len(sandbox.writes()), len(sandbox.objects("tasks"))

    told = put_back(house, tmp_path / "copy", "--keep-authority", "no stage was changed today")
    assert told["to_look_up"] == 1

    # The same events run again.
    again, anew = case_of(first), case_of(second)
    assert again.id == opened.id
    assert anew.id not in numbers
    assert int(anew.id[2:]) > 100_000
    assert (await send(again, owner_write(crm, "3"))).state is Effect.DONE
    assert (await send(again, refund_write(bank, again, house.charge))).state is Effect.DONE
    assert await hand_over(again, "5") is Effect.DONE
    assert await hand_over(anew, "5") is Effect.DONE
    assert await was_handed_off(crm, await crm.read_contact("5"))

    assert len(sandbox.objects("tasks")) == tasks
    assert len(sandbox.writes()) == writes + 1  # the refund under its key, which is known there
    assert len(await bank.refunds_of(house.charge)) == 1
    assert [one["owner"] for one in sandbox.owned()[owned:]] == ["3"]

    seal_ledger()
    verdict = verify_ledger()
    assert verdict.faults == ()
    assert "went back to row" in verdict.losses[0]
    assert ": 0 rows" not in verdict.losses[0]
    assert heads_file().read_text().startswith(ends)


async def test_without_a_persons_word_every_agent_is_stopped(
    house: House, tmp_path: Path, crm: HubSpot, sandbox: Sandbox
) -> None:
    case = case_of(event())
    back_up(tmp_path / "copy")
    told = put_back(house, tmp_path / "copy")
    before = len(sandbox.writes())
    sent = await send(case, owner_write(crm, "4"))

    assert told["halted"] is True
    assert sent.state is Effect.REFUSED
    assert len(sandbox.writes()) == before
    with transaction() as session:
        assert "what fell since is unknown" in str(current(session, AGREED.workflow))


def test_what_was_here_is_put_aside_and_a_bad_copy_changes_nothing(
    house: House, tmp_path: Path
) -> None:
    case = case_of(event())
    back_up(tmp_path / "copy")
    with pytest.raises(Invalid, match="a backup goes into a new folder"):
        back_up(tmp_path / "copy")
    broken = tmp_path / "broken"
    shutil.copytree(tmp_path / "copy", broken)
    (broken / "taxiway.dump").write_bytes(b"PGDMP is not what this is")
    house.close()
    for folder, says in (
        (broken, "pg_restore"),
        (tmp_path / "none", "holds no backup that is whole"),
    ):
        done = house.taxiway("restore", str(folder))
        assert (done.returncode, says in done.stderr) == (1, True), done.stderr
        assert "Traceback" not in done.stderr
    house.open()

    with transaction() as session:
        assert session.get(CaseRow, case.id) is not None
        session.delete(session.get_one(CaseRow, case.id))
    told = put_back(house, tmp_path / "copy")
    assert len(str(told["put_aside"]).split(", ")) == 2
    with transaction() as session:
        assert session.get(CaseRow, case.id) is not None
        assert session.get(EffectRow, "none") is None


def test_what_cannot_be_made_careful_does_not_take_its_place(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(tmp_path / "copy")
    case = case_of(event())
    house.close()
    monkeypatch.setenv("TAXIWAY_AUDIT_HEADS", str(tmp_path / "no" / "such" / "place"))
    done = house.taxiway("restore", str(tmp_path / "copy"))
    monkeypatch.delenv("TAXIWAY_AUDIT_HEADS")
    house.open()
    with transaction() as session:
        names = session.execute(text("select datname from pg_database")).scalars().all()

        assert session.get(CaseRow, case.id) is not None
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True), done.stderr
    assert [one for one in names if "_new_" in one or "_until_" in one] == []
