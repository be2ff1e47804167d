"""The command line as a person uses it, on a database of its own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from subprocess import CompletedProcess

from flows.doors.cli import main
from integrations import samples
from integrations.clock import now
from integrations.database import engine, prepare, transaction
from integrations.databases import ensure_database
from integrations.settings import settings
from rollout.people import let_count
from rollout.people_sheet import parse


def taxiway(*words: str) -> CompletedProcess[str]:
    """Run a command by its entry point, in this process: starting another takes seconds."""
    out, told, before, code = StringIO(), StringIO(), sys.argv, 0
    sys.argv = ["taxiway", *words]
    settings.cache_clear()
    try:
        with redirect_stdout(out), redirect_stderr(told):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
        settings.cache_clear()
    return CompletedProcess(words, code, out.getvalue(), told.getvalue())


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
