"""Fixtures: a sandbox CRM of its own, a real process with an empty store, and a client of it."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from flows.doors.ports import any_free
from integrations.hubspot import HubSpot
from integrations.sandbox.client import Sandbox
from integrations.slack import Slack
from tests.pilot import until

TOKEN = "-token-of-a-test"  # a sandbox's; tokens are random, and may begin with a dash
READ_TOKEN = "token-that-reads"  # like it


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = any_free()
    store: Path = tmp_path_factory.mktemp("crm") / "crm.sqlite"
    words = ["--port", str(port), "--store", str(store), "--search-lag", "0.4"]
    words += ["--burst", "100000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "integrations.sandbox", *words],
        env={**os.environ, "TAXIWAY_CRM_TOKEN": TOKEN, "TAXIWAY_CRM_READ_TOKEN": READ_TOKEN},
    )
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(url), "the sandbox listens")
    yield url
    process.terminate()
    process.wait(5)


@pytest.fixture
def sandbox(sandbox_url: str) -> Iterator[Sandbox]:
    crm = Sandbox(sandbox_url)
    crm.seed(
        {
            "owners": [
                {"id": str(n), "email": f"o{n}@x.example", "firstName": "O", "lastName": str(n)}
                for n in range(1, 6)
            ],
            "companies": [{"id": "9", "properties": {"name": "Nine", "numberofemployees": "120"}}],
            "contacts": [
                {"id": "5", "company_id": "9", "properties": {"email": "five@nine.example"}}
            ],
        }
    )
    yield crm
    crm.works_again()


@pytest.fixture
async def crm(sandbox: Sandbox, sandbox_url: str) -> AsyncIterator[HubSpot]:
    del sandbox
    client = HubSpot.at(sandbox_url, TOKEN)
    yield client
    await client.close()


@pytest.fixture
async def channel(sandbox: Sandbox, sandbox_url: str) -> AsyncIterator[Slack]:
    """A channel of its messenger."""
    del sandbox
    client = Slack.at(f"{sandbox_url}/services/T1/B1/secret", timeout=2)
    yield client
    await client.close()


def answers(url: str) -> bool:
    """Whether the sandbox listens."""
    try:
        return httpx.get(f"{url}/_sandbox/health").is_success
    except httpx.HTTPError:
        return False
