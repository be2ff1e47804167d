"""
Draft a revision: what the tables of `rollout` have and the revisions have not yet.

    uv run poe revision "who covers which territory"

It migrates an empty PostgreSQL of its own to the head, compares, and writes the file.
"""

import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from sqlmodel import create_engine

import rollout
from integrations import postgres
from integrations.database import driven
from integrations.databases import ensure_database
from integrations.migrations import draft, head, upgrade


def import_all_tables() -> None:
    """Import every module that has tables, so that none is overlooked."""
    import_module("integrations.pace")
    for one in iter_modules(rollout.__path__):
        import_module(f"rollout.{one.name}")


def main(message: str) -> None:
    """Write the file, and print its path."""
    import_all_tables()
    folder = Path(tempfile.mkdtemp(prefix="taxiway-", dir="/tmp"))  # a short path for its socket
    folder.chmod(0o755)
    try:
        url = ensure_database(postgres.start(folder / "postgres"), "revision")
        with create_engine(driven(url)).begin() as connection:
            upgrade(connection)
            print(*draft(connection, message, f"{int(head()) + 1:04}"))  # noqa: T201 # its output
    finally:
        postgres.stop(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "describe it")
