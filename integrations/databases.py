"""The databases of a server: made, put aside, found."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import Connection, sql
from sqlalchemy.engine import make_url

from integrations.database import CONNECT_SECONDS, plain_url
from integrations.errors import OutsideError, Unavailable


def ensure_database(server: str, name: str) -> str:
    """
    Create a database on a server unless it is there; gives its address.

    `server` is the address of any database of that server. Raises `Unavailable`, or
    `OutsideError` where our user may not create one.
    """
    with _administering(server, f"create the database {name}") as connection:
        if not _has(connection, name):
            with suppress(psycopg.errors.DuplicateDatabase):  # somebody else was faster
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return beside(server, name)


def put_aside(server: str, name: str, aside: str) -> bool:
    """Rename a database, ending who is in it; False where there is none. Raises like the others."""
    with _administering(server, f"rename the database {name}") as connection:
        if not _has(connection, name):
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
    return True


def remove(server: str, name: str) -> None:
    """Drop a database, ending who is in it, if there is one. Raises like the others."""
    with _administering(server, f"drop the database {name}") as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )


def exists(url: str) -> bool:
    """Whether there is such a database, and we may enter it."""
    try:
        psycopg.connect(plain_url(url), connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True


def beside(url: str, name: str) -> str:
    """Give the address of another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def _administering(server: str, what: str) -> Iterator[Connection]:
    try:
        with psycopg.connect(
            plain_url(server), autocommit=True, connect_timeout=CONNECT_SECONDS
        ) as connection:
            yield connection
    except psycopg.errors.InsufficientPrivilege:
        raise OutsideError(
            f"PostgreSQL: our user may not {what}. Let its administrator do so, or give our user "
            "the right to: ALTER ROLE <our user> CREATEDB"
        ) from None
    except psycopg.OperationalError as error:
        raise Unavailable("PostgreSQL", str(error).strip()) from None


def _has(connection: Connection, name: str) -> bool:
    known = connection.execute("select 1 from pg_database where datname = %s", (name,))
    return known.fetchone() is not None
