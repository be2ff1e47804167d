"""
A database in a file and back, by PostgreSQL's own programs, the embedded ones.

They work with every server that is not newer than they are.
"""

import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from integrations.database import CONNECT_SECONDS, plain_url
from integrations.errors import OutsideError, Unavailable
from integrations.postgres import programs

PATIENCE = 6 * 3600  #: seconds; a large database takes its time


def dump(url: str, file: Path) -> None:
    """Write one moment of a database into a file."""
    _run("pg_dump", ["--format=custom", "--no-owner", f"--file={file}", plain_url(url)])


def load(url: str, file: Path) -> None:
    """Read a file into an empty database, whole or not at all."""
    words = ["--no-owner", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", [*words, f"--dbname={plain_url(url)}", str(file)])


def put_aside(server: str, name: str, aside: str) -> bool:
    """
    Rename a database, ending who is in it; False where there is none.

    `server` is the address of another database of the same server.
    """
    try:
        with psycopg.connect(
            plain_url(server), autocommit=True, connect_timeout=CONNECT_SECONDS
        ) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", (name,))
            if known.fetchone() is None:
                return False
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = %s and pid <> pg_backend_pid()",
                (name,),
            )
            connection.execute(
                sql.SQL("alter database {} rename to {}").format(
                    sql.Identifier(name), sql.Identifier(aside)
                )
            )
    except psycopg.errors.InsufficientPrivilege:
        raise OutsideError(
            f"PostgreSQL: our user may not rename the database {name}. Let its administrator run: "
            f"ALTER DATABASE {name} RENAME TO {aside}"
        ) from None
    except psycopg.OperationalError as error:
        raise Unavailable("PostgreSQL", str(error).strip()) from None
    return True


def exists(url: str) -> bool:
    """Whether there is such a database, and we may enter it."""
    try:
        psycopg.connect(plain_url(url), connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True


def _run(program: str, words: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 # the package's own programs
        [str(programs() / program), *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise OutsideError(f"{program}: {done.stderr.strip()[-500:]}")
