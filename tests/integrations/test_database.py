"""The database: what is committed, what is heard, and who holds a lock."""

import asyncio
import os
import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from integrations.database import (
    Claim,
    announce,
    engine,
    listening,
    plain_url,
    transaction,
)
from integrations.databases import ensure_database
from integrations.settings import database_url

pytestmark = pytest.mark.system

PREPARE = """
import rollout.effects
from integrations.database import prepare
print("ready", flush=True)
input()
prepare()
prepare()
"""

HOLD = """
import sys
from integrations.database import Claim
claim = Claim(sys.argv[1])
print(claim.take(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module", autouse=True)
def notes(database: str) -> None:
    """A table for these tests alone."""
    with psycopg.connect(plain_url(database), autocommit=True) as connection:
        connection.execute("create table if not exists test_note (words text primary key)")


def known(words: str) -> bool:
    with transaction() as session:
        return bool(
            session.execute(
                text("select count(*) from test_note where words = :words"), {"words": words}
            ).scalar_one()
        )


def write(words: str) -> None:
    with transaction() as session:
        session.execute(text("insert into test_note values (:words)"), {"words": words})


def test_what_was_done_is_there_afterwards() -> None:
    write("done")

    assert known("done")


def test_an_error_takes_back_all_of_it() -> None:
    with pytest.raises(ZeroDivisionError):
        half()

    assert not known("half")


def half() -> None:
    with transaction() as session:
        session.execute(text("insert into test_note values ('half')"))
        _ = 1 / 0


def test_what_is_stored_does_not_end_up_in_an_errors_message() -> None:
    write("very-private")

    with pytest.raises(Exception, match="duplicate key") as told:
        write("very-private")
    assert "[parameters" not in str(told.value)


def test_tables_can_be_made_by_many_at_once(database: str) -> None:
    empty = ensure_database(database, f"empty_{uuid4().hex}")
    many = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE],
            env={**os.environ, "TAXIWAY_DATABASE_URL": empty},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for one in many:
        assert one.stdout is not None
        one.stdout.readline()
    for one in many:
        assert one.stdin is not None
        one.stdin.write("now\n")
        one.stdin.flush()
    for one in many:
        one.communicate(timeout=30)

    assert [one.returncode for one in many] == [0] * 4


@pytest.mark.parametrize("begin", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_an_address_may_begin_in_any_usual_way(database: str, begin: str) -> None:
    url = begin + database.partition("://")[2]

    with engine(url).connect() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1
    engine(url).dispose()


def test_a_connection_that_was_cut_is_replaced_unseen() -> None:
    write("before the cut")
    with transaction() as session:
        mine = session.execute(text("select pg_backend_pid()")).scalar_one()
    cut(mine)

    assert known("before the cut")


def cut(*pids: int) -> None:
    with psycopg.connect(plain_url(database_url()), autocommit=True) as connection:
        for pid in pids:
            connection.execute("select pg_terminate_backend(%s)", (pid,))


async def test_what_is_announced_is_heard() -> None:
    async with listening("test_quiet", "test_news") as heard:
        await asyncio.wait_for(heard.wait(), 5)  # that it listens now
        heard.clear()
        await asyncio.to_thread(announce, "test_news")

        await asyncio.wait_for(heard.wait(), 5)


async def test_other_channels_are_not_heard() -> None:
    async with listening("test_quiet") as heard:
        await asyncio.wait_for(heard.wait(), 5)
        heard.clear()
        await asyncio.to_thread(announce, "test_news")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(heard.wait(), 0.3)


async def test_a_listener_whose_connection_is_cut_listens_again() -> None:
    async with listening("test_again") as heard:
        await asyncio.wait_for(heard.wait(), 5)
        heard.clear()
        await asyncio.to_thread(lambda: cut(*listeners("test_again")))
        await asyncio.wait_for(heard.wait(), 5)  # something may have been missed
        await asyncio.wait_for(_listens_again("test_again"), 5)
        heard.clear()
        await asyncio.to_thread(announce, "test_again")

        await asyncio.wait_for(heard.wait(), 5)


def listeners(channel: str) -> list[int]:
    with transaction() as session:
        rows = session.execute(
            text("select pid from pg_stat_activity where query = :listen"),
            {"listen": f'LISTEN "{channel}"'},
        )
        return [row[0] for row in rows]


async def _listens_again(channel: str) -> None:
    while not await asyncio.to_thread(listeners, channel):
        await asyncio.sleep(0.05)


def test_a_lock_has_one_holder_and_is_free_when_the_holder_is_killed() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, "test-lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    with Claim("test-lock") as mine:
        assert not mine.take()
        holder.kill()
        holder.communicate()
        assert any(mine.take() for _ in range(2000))
