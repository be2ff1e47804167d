"""The embedded PostgreSQL, through what a machine does to it."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest

from integrations import postgres
from integrations.databases import ensure_database
from integrations.errors import Unavailable
from tests.pilot import until

pytestmark = pytest.mark.system

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="about what is done for root only")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder with a short path that its system user may enter."""
    with tempfile.TemporaryDirectory(prefix="tw-pg-", dir="/tmp", ignore_cleanup_errors=True) as x:
        Path(x).chmod(0o711)
        yield Path(x)


@pytest.fixture(scope="module")
def folder(place: Path) -> Iterator[Path]:
    yield place / "server"
    postgres.stop(place / "server")


def ask(url: str, question: LiteralString) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    return row[0] if row else None


def postmaster(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().splitlines()[0])


def test_it_starts_in_a_new_folder_and_a_second_start_finds_it_running(folder: Path) -> None:
    url = postgres.start(folder)
    first = postmaster(folder)

    assert postgres.start(folder) == url
    assert postmaster(folder) == first
    assert ask(url, "select 1") == 1


def test_it_keeps_what_is_stored_and_has_room_for_many(folder: Path) -> None:
    url = postgres.start(folder)

    assert ask(url, "show fsync") == "on"
    assert ask(url, "show max_connections") == "200"


def test_it_listens_on_no_port(folder: Path) -> None:
    url = postgres.start(folder)

    assert ask(url, "show listen_addresses") == ""


def test_a_database_is_made_once(folder: Path) -> None:
    server = postgres.start(folder)
    own = ensure_database(server, "own")

    assert ensure_database(server, "own") == own
    assert ask(own, "select current_database()") == "own"


def test_killed_it_starts_again_with_what_was_stored(folder: Path) -> None:
    url = ensure_database(postgres.start(folder), "kept")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table if not exists kept as select 7 as seven")
    os.kill(postmaster(folder), signal.SIGKILL)
    until(lambda: not postgres.is_running(folder), "it is dead")
    postgres.start(folder)

    assert ask(url, "select seven from kept") == 7


def test_a_process_id_that_is_a_strangers_by_now_is_no_server(folder: Path) -> None:
    postgres.start(folder)
    postgres.stop(folder)
    lines = [str(os.getppid()), str(folder), "0", "5432", str(folder), "", "0 0", "ready"]
    (folder / "postmaster.pid").write_text("\n".join(lines) + "\n")

    assert not postgres.is_running(folder)
    assert ask(postgres.start(folder), "select 1") == 1


def test_it_outlives_the_process_that_started_it_and_another_one_stops_it(folder: Path) -> None:
    postgres.start(folder)
    pid = postmaster(folder)
    code = (
        "import sys; from pathlib import Path; from integrations import postgres;"
        "postgres.stop(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, timeout=30)

    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert not postgres.is_running(folder)


def test_stopping_what_does_not_run_is_nothing(place: Path) -> None:
    postgres.stop(place / "nowhere")


@pytest.mark.parametrize(
    "name", ["x" * 120, "with, a comma", "it's `false` $HOME"], ids=["long", "comma", "quotes"]
)
def test_it_runs_in_a_folder_with_an_odd_name(place: Path, name: str) -> None:
    folder = place / name / "server"
    url = postgres.start(folder)
    try:
        assert ask(url, "select 1") == 1
    finally:
        postgres.stop(folder)
        shutil.rmtree(folder)


def test_nobody_else_may_reach_its_socket(place: Path) -> None:
    for name in ("short", "y" * 120):
        folder = place / name
        url = postgres.start(folder)
        socket = Path(str(ask(url, "show unix_socket_directories")))
        seen = socket.stat().st_mode
        postgres.stop(folder)

        assert stat.S_IMODE(seen) & 0o077 == 0
        assert socket == folder or not socket.exists()


def test_a_variable_of_the_users_own_postgresql_does_not_confuse_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "9999", "PGDATA": "/nowhere", "LC_ALL": "xx_XX"}.items():
        monkeypatch.setenv(name, value)
    folder = place / "confused"
    url = postgres.start(folder)
    try:
        assert ask(url, "select 1") == 1
    finally:
        postgres.stop(folder)


def test_a_folder_that_holds_something_else_is_told(place: Path) -> None:
    folder = place / "taken"
    folder.mkdir()
    (folder / "letters").write_text("not a database")

    with pytest.raises(Unavailable, match="not empty"):
        postgres.start(folder)


def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(Unavailable) as told:
        ensure_database("postgresql://me:very-private@127.0.0.1:1/x", "own")
    assert "very-private" not in str(told.value)


@AS_ROOT
def test_for_root_it_runs_as_its_own_user(folder: Path) -> None:
    postgres.start(folder)
    runs_as = psutil.Process(postmaster(folder)).uids().real

    assert runs_as == pwd.getpwnam(postgres.SYSTEM_USER).pw_uid


@AS_ROOT
def test_for_root_a_closed_folder_above_is_opened_for_passing_only_and_that_is_said(
    place: Path,
) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    told: list[str] = []
    url = postgres.start(closed / "server", told.append)
    try:
        assert ask(url, "select 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o701
        assert any(str(closed) in words for words in told)
    finally:
        postgres.stop(closed / "server")
