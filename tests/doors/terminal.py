"""The command line as a person uses it, on a database of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from integrations import samples
from integrations.clock import now
from integrations.database import engine, prepare, transaction
from integrations.databases import ensure_database
from integrations.settings import settings
from rollout.people import let_count
from rollout.people_sheet import parse


def taxiway(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "flows.doors.cli", *words],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def database_of_its_own(database: str, name: str) -> Iterator[str]:
    """Let commands and this process use a fresh database, with the sample's people."""
    os.environ["TAXIWAY_DATABASE_URL"] = own = ensure_database(database, name)
    settings.cache_clear()
    prepare()
    with transaction() as session:
        people = parse(samples.sheet("people.toml").read_text())
        let_count(session, people, by="a test", now=now())
    yield own
    engine(own).dispose()
    os.environ["TAXIWAY_DATABASE_URL"] = database
    settings.cache_clear()
