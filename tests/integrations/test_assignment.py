"""The CRM's own assignment beside the agent: each leaves the other's share alone."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flows.doors.ports import any_free
from integrations.hubspot import HubSpot
from integrations.hubspot_writes import lane_patch
from integrations.sandbox.client import Sandbox
from tests.pilot import until
from tests.sandbox import TOKEN, answers

CONTACTS = [{"id": str(n), "properties": {"email": f"c{n}@x.example"}} for n in (51, 52, 53)]


@pytest.fixture
async def assigning(tmp_path: Path) -> AsyncIterator[tuple[Sandbox, HubSpot]]:
    """A CRM that hands out new contacts after 0.8 seconds to owners 1 and 2."""
    port = any_free()
    words = ["--port", str(port), "--store", str(tmp_path / "crm.sqlite")]
    rule = ["--assign-after", "0.8", "--assign-to", "1", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "integrations.sandbox", *words, *rule],
        env={**os.environ, "TAXIWAY_CRM_TOKEN": TOKEN},
    )
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(url), "the sandbox listens")
    crm = HubSpot.at(url, TOKEN)
    yield Sandbox(url), crm
    await crm.close()
    process.terminate()
    process.wait(5)


async def test_the_agents_lane_is_left_alone_and_people_keep_their_share(
    assigning: tuple[Sandbox, HubSpot],
) -> None:
    sandbox, crm = assigning
    owners = [{"id": n, "email": f"o{n}@x.example"} for n in ("1", "2", "3")]
    sandbox.seed({"owners": owners, "contacts": CONTACTS})
    await crm.send(*lane_patch("51", "agent"))
    await asyncio.to_thread(until, lambda: sandbox.owner_of("53"), "the others were handed out")

    assert await crm.read_owner_of("52") in {"1", "2"}
    assert [one.by_person for one in await crm.read_assigned("52")] == [False]
    assert await crm.read_owner_of("51") is None

    await crm.send(*lane_patch("51", ""))
    await asyncio.to_thread(until, lambda: sandbox.owner_of("51"), "what was given back is too")
