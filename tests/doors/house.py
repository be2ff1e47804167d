"""An installation without its processes: a database, a home, systems outside."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from flows.contracts.lead_routing import CONTRACT
from flows.doors.backup import LEDGER, PREFECT
from flows.doors.state import POSTGRES, State, write_state
from integrations import postgres
from integrations.clock import now
from integrations.database import engine, prepare, transaction
from integrations.databases import ensure_database
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.authority import Authority
from rollout.contract import ActionRule, Safety
from rollout.grants import change
from tests.sandbox import READ_TOKEN, TOKEN

REFUND = "payment.refund"
AGREED = replace(
    CONTRACT,
    boundaries=replace(
        CONTRACT.boundaries,
        write=(
            *CONTRACT.boundaries.write,
            ActionRule(name=REFUND, safety=Safety.NATIVE_KEY, measure="refunds taken back"),
        ),
    ),
)


@dataclass
class House:
    """Its parts, in a test's hands."""

    home: Path
    charge: str

    def taxiway(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {k: v for k, v in os.environ.items() if k != "TAXIWAY_DATABASE_URL"}
        return subprocess.run(
            [sys.executable, "-m", "flows.doors.cli", *words],
            env={**env, "TAXIWAY_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def open(self) -> None:
        """Start its database, and let this process find it."""
        server = postgres.start(self.home / POSTGRES)
        state = State(database_url=ensure_database(server, LEDGER))
        write_state(self.home, state)
        settings.cache_clear()

    def close(self) -> None:
        engine(settings().database_url).dispose()
        postgres.stop(self.home / POSTGRES)


@pytest.fixture
def house(sandbox: Sandbox, sandbox_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    home = Path(tempfile.mkdtemp(prefix="tw-back-", dir="/tmp"))
    home.chmod(0o755)
    charge = f"ch_{uuid4().hex}"
    sandbox.seed({"charges": [{"id": charge, "amount": 100_00, "currency": "eur"}]})
    monkeypatch.setenv("TAXIWAY_HOME", str(home))
    monkeypatch.delenv("TAXIWAY_DATABASE_URL", raising=False)
    for name, value in {
        "CRM_URL": sandbox_url,
        "CRM_TOKEN": TOKEN,
        "CRM_READ_TOKEN": READ_TOKEN,
        "LEASE_SECONDS": "0.5",
        "SEARCH_QUARANTINE_SECONDS": "1",
    }.items():
        monkeypatch.setenv(f"TAXIWAY_{name}", value)
    here = House(home, charge)
    here.open()
    ensure_database(settings().database_url, PREFECT)
    prepare()
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
            change(session, AGREED, level, by="a test", because="here", now=now())
    yield here
    here.close()
    settings.cache_clear()
    shutil.rmtree(home, ignore_errors=True)
