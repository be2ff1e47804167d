"""A ticket is made, given and commented once, in a real Request Tracker on a line that breaks."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from flows.doors.ports import any_free
from integrations.clock import now
from integrations.database import transaction
from integrations.errors import NotFound, Refused, Stale, Unavailable
from integrations.request_tracker import (
    PAGE,
    RequestTracker,
    comment,
    owner_change,
    ticket_creation,
)
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import Case
from rollout.contract import ActionRule, Safety
from rollout.effects import Basis, State
from rollout.fields import FieldRule
from rollout.grants import change
from tasks.effects import Write, send
from tasks.helpdesk import COMMENT, OWNER, TICKET, comment_on, give_ticket, make_ticket
from tests.helpdesk.server import PACKAGES, Helpdesk, helpdesk, is_here
from tests.optional import need
from tests.pilot import until
from tests.rollout.trial import a_case, contract

pytestmark = pytest.mark.system

RULES = (
    ActionRule(name=TICKET, safety=Safety.SEARCH, measure="tickets that nobody needed"),
    ActionRule(
        name=OWNER,
        safety=Safety.SET,
        fields=(FieldRule("owner"),),
        alone_per_day=100,
        measure="reassigned tickets",
    ),
    ActionRule(name=COMMENT, safety=Safety.SEARCH, measure="comments that misled"),
)
BREAKS = ["reset_before_apply", "reset_after_apply", "status_after_apply", "truncate"]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helpdesk]:
    need(is_here(), PACKAGES)
    with helpdesk(tmp_path_factory.mktemp("rt")) as desk:
        yield desk


@pytest.fixture(scope="module")
def line(there: Helpdesk) -> Iterator[str]:
    """The address of a line to the helpdesk that can be broken."""
    port = any_free()
    process = subprocess.Popen([sys.executable, "-m", "tests.helpdesk.proxy", str(port), there.url])
    url = f"http://127.0.0.1:{port}"
    until(lambda: passes(url), "the line stands")
    yield url
    process.terminate()
    process.wait(5)


@pytest.fixture
def faults(line: str) -> Iterator[Sandbox]:
    yield Sandbox(line)
    Sandbox(line).works_again()


@pytest.fixture
async def desk(line: str, there: Helpdesk) -> AsyncIterator[RequestTracker]:
    client = RequestTracker.at(line, there.token)
    yield client
    await client.close()


@pytest.fixture
def case(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    del database
    monkeypatch.setenv("TAXIWAY_LEASE_SECONDS", "1")
    monkeypatch.setenv("TAXIWAY_SEARCH_QUARANTINE_SECONDS", "1")
    settings.cache_clear()
    base = contract()
    agreed = replace(base, boundaries=replace(base.boundaries, write=RULES))
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
            change(session, agreed, level, by="a test", because="here", now=now())
        made = a_case(session, agreed)
    yield made
    settings.cache_clear()


def passes(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code < 500
    except httpx.HTTPError:
        return False


def new_ticket(desk: RequestTracker, case: Case, subject: str) -> Write:
    return make_ticket(
        desk,
        case,
        step="ticket",
        queue="General",
        subject=subject,
        requestor="sven@customer.example",
        content="The invoice is wrong.",
        basis=Basis.AGENT,
    )


async def a_ticket(desk: RequestTracker) -> str:
    return await desk.send(
        *ticket_creation(
            queue="General",
            subject="here already",
            requestor="sven@customer.example",
            content="Hello",
            key=uuid4().hex,
        )
    )


async def seen(there: Helpdesk, path: str, **words: str) -> list[dict[str, object]]:
    """Ask the helpdesk itself, past the line and past our client."""
    async with httpx.AsyncClient(base_url=there.url) as client:
        found = await client.get(
            f"/REST/2.0/{path}",
            params={"per_page": "100", **words},
            headers={"Authorization": f"token {there.token}"},
        )
    items: list[dict[str, object]] = found.json()["items"]
    return items


@pytest.mark.parametrize("do", BREAKS)
async def test_a_ticket_is_made_given_and_commented_once_whatever_breaks(
    case: Case, desk: RequestTracker, there: Helpdesk, faults: Sandbox, do: str
) -> None:
    subject = f"invoice {uuid4().hex}"
    for method, path in (("POST", "ticket$"), ("PUT", "ticket/"), ("POST", "comment$")):
        faults.fault(do=do, method=method, path=path, status=500)

    made = await send(case, new_ticket(desk, case, subject))
    (ticket,) = await seen(there, "tickets", query=f"Subject = '{subject}'")
    number = str(ticket["id"])
    given = await send(
        case,
        give_ticket(
            desk, step="owner", ticket_id=number, owner="ben", before=None, basis=Basis.AGENT
        ),
    )
    noted = await send(
        case,
        comment_on(
            desk, case, step="note", ticket_id=number, content="Looks right.", basis=Basis.AGENT
        ),
    )

    assert {made.state, given.state, noted.state} == {State.DONE}
    assert (await desk.read_ticket(number)).owner == "ben"
    history = await seen(there, f"ticket/{number}/history", fields="Type,Field,NewValue")
    kinds = [one["Type"] for one in history]
    assert (kinds.count("Comment"), kinds.count("SetWatcher")) == (1, 1)


async def test_a_change_over_an_older_version_is_refused_and_told(
    case: Case, desk: RequestTracker
) -> None:
    number = await a_ticket(desk)
    before = await desk.read_ticket(number)
    await desk.send(*comment(number, content="meanwhile", key="k"))
    with pytest.raises(Stale, match="412: Precondition Failed"):
        await desk.send(*owner_change(number, "ben"), before.version)

    write = give_ticket(
        desk, step="owner", ticket_id=number, owner="ben", before=None, basis=Basis.AGENT
    )
    looked = write.look

    async def and_then_somebody_writes() -> dict[str, str | None]:
        values = dict(await looked())
        await desk.send(*comment(number, content="just now", key="l"))
        return values

    sent = await send(case, replace(write, look=and_then_somebody_writes))
    assert (sent.state, "412" in sent.because) == (State.REFUSED, True)
    assert (await desk.read_ticket(number)).owner is None


async def test_a_human_owner_is_not_overwritten(case: Case, desk: RequestTracker) -> None:
    number = await a_ticket(desk)
    await desk.send(*owner_change(number, "ann"))
    write = give_ticket(
        desk, step="owner", ticket_id=number, owner="ben", before=None, basis=Basis.AGENT
    )
    sent = await send(case, write)

    assert (sent.state, (await desk.read_ticket(number)).owner) == (State.REFUSED, "ann")
    assert "changed by somebody else meanwhile: owner" in sent.because


async def test_a_refusal_that_answers_200_is_a_refusal(case: Case, desk: RequestTracker) -> None:
    number = await a_ticket(desk)
    write = give_ticket(
        desk, step="owner", ticket_id=number, owner="nobody-knows", before=None, basis=Basis.AGENT
    )
    sent = await send(case, write)

    assert sent.state is State.FAILED
    assert "That user does not exist" in sent.because


async def test_a_queue_that_may_not_be_used_is_named(desk: RequestTracker) -> None:
    with pytest.raises(Refused, match="403: No permission to create tickets in the queue 'Nope'"):
        await desk.send(
            *ticket_creation(queue="Nope", subject="s", requestor="a@x.example", content="c")
        )


async def test_the_key_of_a_comment_is_found_on_a_later_page(desk: RequestTracker) -> None:
    number = await a_ticket(desk)
    assert await desk.find_comment(number, "first") is None
    await desk.send(*comment(number, content="c", key="first"))
    for n in range(PAGE):
        await desk.send(*comment(number, content="c", key=f"later-{n}"))
    await desk.send(*comment(number, content="c", key="last"))

    found = {await desk.find_comment(number, key) for key in ("first", "last")}
    assert None not in found
    assert len(found) == 2


async def test_what_is_not_there_and_who_is_not_known(desk: RequestTracker, line: str) -> None:
    with pytest.raises(NotFound, match="404"):
        await desk.read_ticket("999999")
    stranger = RequestTracker.at(line, "1-1-nonsense")
    with pytest.raises(Refused, match="are the address and the token right"):
        await stranger.read_ticket("1")
    await stranger.close()


async def test_an_answer_that_is_cut_off_is_none(desk: RequestTracker, faults: Sandbox) -> None:
    number = await a_ticket(desk)
    faults.fault(do="truncate", method="GET", path="ticket/")
    with pytest.raises(Unavailable, match="cut off"):
        await desk.read_ticket(number)
