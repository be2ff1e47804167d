"""
The database's schema, step by step: each revision is a file in `versions`, applied in order.

Revisions are plain Alembic operations and import no table, so that an old one still says what
it said when the tables have moved on. That all of them together give exactly the tables of
`rollout` is what a test says.
"""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect
from sqlmodel import SQLModel

from integrations.errors import OutsideError


class SchemaTooNew(OutsideError):
    """The database was used by a newer Taxiway; nothing was changed."""


def upgrade(connection: Connection, to: str = "head") -> None:
    """
    Bring the schema to a revision, in the connection's own transaction.

    A database from before there were revisions is taken over by the first one as it is. Raises
    `SchemaTooNew` for a revision that this version does not know.
    """
    at = revision_of(connection)
    if at is not None:
        _check_known(at)
    command.upgrade(_config(connection), to)


def revision_of(connection: Connection) -> str | None:
    """Give the revision of a database; None before the first one."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Give the newest revision that this version knows."""
    return str(_scripts().get_current_head())


def is_known(revision: str) -> bool:
    """Whether this version has the file of a revision."""
    try:
        return _scripts().get_revision(revision) is not None
    except CommandError:
        return False


def differences(connection: Connection) -> list[object]:
    """Name what a database has and the imported tables have not, or the other way round."""
    found: list[object] = list(
        compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    )
    wanted = set(SQLModel.metadata._sequences)  # Alembic does not compare sequences
    made = set(inspect(connection).get_sequence_names())
    return found + [f"sequence {name} is missing" for name in sorted(wanted - made)]


def draft(connection: Connection, message: str, number: str) -> list[str]:
    """Write a new revision from what `differences` finds; gives its file, to be read over."""
    made = command.revision(_config(connection), message, autogenerate=True, rev_id=number)
    scripts = made if isinstance(made, list) else [made]
    return [one.path for one in scripts if one is not None]


def _check_known(revision: str) -> None:
    if not is_known(revision):
        raise SchemaTooNew(
            f"the database is at revision {revision}, and this version knows only up to {head()}: "
            "a newer Taxiway has used it. Install that version again, or restore the backup from "
            "before the upgrade. Nothing was changed."
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
