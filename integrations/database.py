"""The database: transactions, announcements, and locks that live as long as their holder."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Self

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL, make_url
from sqlmodel import Session, create_engine

from integrations.settings import database_url

CONNECT_SECONDS = 5  #: how long a database may take to pick up


@cache
def engine(url: str) -> Engine:
    """Give the engine for a database; connections are checked before use."""
    return create_engine(
        driven(url),
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=20,
        pool_timeout=10,
        connect_args={"connect_timeout": CONNECT_SECONDS},
        hide_parameters=True,  # what is stored is about people, and errors end up in logs
    )


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a session; what it did is committed at the end, or not at all."""
    with Session(engine(database_url()), expire_on_commit=False) as session:
        yield session
        session.commit()


def prepare(url: str | None = None) -> None:
    """
    Bring the schema to what this version needs; safe side by side, whole or not at all.

    `url` is another database than this installation's.
    """
    from integrations.migrations import upgrade  # noqa: PLC0415 # heavy, and most commands need it not

    with engine(url or database_url()).begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(hashtext('taxiway:prepare'))"))
        upgrade(connection)


def driven(url: str) -> URL:
    """Give a database's address with our driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


def plain_url(url: str) -> str:
    """Give a database's address as libpq understands it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def listening(*channels: str) -> AsyncIterator[asyncio.Event]:
    """
    Give an event that is set whenever one of the channels is notified.

    A lost connection is opened again, and counts as a notification: something may have been
    missed meanwhile.
    """
    heard = asyncio.Event()
    listener = asyncio.create_task(_listen(channels, heard))
    try:
        yield heard
    finally:
        listener.cancel()


async def _listen(channels: tuple[str, ...], heard: asyncio.Event) -> None:
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                plain_url(database_url()), autocommit=True, connect_timeout=CONNECT_SECONDS
            ) as connection:
                for channel in channels:
                    await connection.execute(
                        psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
                    )
                heard.set()
                async for _ in connection.notifies():
                    heard.set()
        except psycopg.OperationalError:
            await asyncio.sleep(1)
            heard.set()


class Claim:
    """A lock on a name that lasts as long as this process holds its connection."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._connection = psycopg.connect(
            plain_url(database_url()), autocommit=True, connect_timeout=CONNECT_SECONDS
        )

    def take(self) -> bool:
        """Take the lock; False when another process has it."""
        row = self._connection.execute(
            "select pg_try_advisory_lock(hashtext(%s))", (self._name,)
        ).fetchone()
        return bool(row and row[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def announce(channel: str) -> None:
    """Notify whoever listens on a channel."""
    with transaction() as session:
        session.execute(text("select pg_notify(:channel, '')"), {"channel": channel})
