"""Real parts for all tests: one PostgreSQL, and one whole installation for those that need it."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.doors.samples import plant_if_empty
from flows.doors.up import running
from integrations import postgres
from integrations.database import engine, prepare
from integrations.databases import ensure_database
from integrations.settings import settings
from tests.pilot import CRM_KEY, WEBSITE_KEY, Pilot

pytest_plugins = ("tests.sandbox",)

#: Shorter than the defaults, in the same order, so that a lost answer is settled within seconds.
PATIENCE = {
    "TAXIWAY_HTTP_TIMEOUT_SECONDS": "2",
    "TAXIWAY_LEASE_SECONDS": "3",
    "TAXIWAY_RERUN_SECONDS": "1",
    "TAXIWAY_SEARCH_QUARANTINE_SECONDS": "4",
}
#: Two sources: the form, and the CRM with its own way to sign.
SOURCES = {
    "TAXIWAY_HOOK_SECRETS": json.dumps({"website": [WEBSITE_KEY], "crm": [CRM_KEY]}),
    "TAXIWAY_HOOK_STYLES": json.dumps({"crm": "hubspot-v3"}),
}


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A folder with a short path that PostgreSQL's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="taxiway-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database(home: Path) -> Iterator[str]:
    """A PostgreSQL with Taxiway's tables, for the whole session."""
    folder = home / "postgres"
    url = ensure_database(postgres.start(folder), "taxiway")
    os.environ["TAXIWAY_HOME"] = str(home)
    os.environ["TAXIWAY_DATABASE_URL"] = url
    os.environ |= {**PATIENCE, **SOURCES}
    settings.cache_clear()
    prepare()
    yield url
    engine(url).dispose()
    postgres.stop(folder)


@pytest.fixture(scope="session")
def pilot(database: str, home: Path) -> Iterator[Pilot]:
    """A whole installation on that PostgreSQL, with the sample world, and hands to fly it."""
    del database
    with running(home, print) as system:
        plant_if_empty(system)
        yield Pilot(system)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the process pool go first: its worker gets slow on a Prefect that knows many runs."""
    items.sort(key=lambda item: item.path.name != "test_process_worker.py")
