"""`taxiway up` under a heavy hand: killed, interrupted while it starts, and its parts killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from flows.doors.state import read_state
from integrations import postgres
from integrations.database import plain_url
from tests.pilot import until

pytestmark = pytest.mark.system

OWN = ("TAXIWAY_DATABASE_URL", "TAXIWAY_HOME", "PREFECT_API_URL")


class Up:
    """A `taxiway up` of its own, with what it says."""

    def __init__(self, home: Path) -> None:
        self.home, self.log = home, home.parent / "said"
        kept = {name: value for name, value in os.environ.items() if name not in OWN}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.doors.cli", "up"],
                env={**kept, "TAXIWAY_HOME": str(home), "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def says(self, words: str, patience: float = 60) -> None:
        until(lambda: words in self.log.read_text() or self.process.poll(), words, patience)
        assert words in self.log.read_text(), self.log.read_text()

    def ends(self, number: int) -> tuple[float, int]:
        """Send a signal; give the seconds until the end, and the exit status."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(15) * 0 + time.monotonic() - began, self.process.returncode


@pytest.fixture
def home() -> Iterator[Path]:
    """A home in a folder with a short path; whatever is left in it is ended."""
    with tempfile.TemporaryDirectory(
        prefix="tw-hard-", dir="/tmp", ignore_cleanup_errors=True
    ) as x:
        Path(x).chmod(0o711)
        yield Path(x) / "home"
        for one in people_of(Path(x) / "home"):
            one.kill()


def people_of(home: Path) -> list[psutil.Process]:
    """Find every process that works for a home, PostgreSQL among them."""
    found = []
    for one in psutil.process_iter():
        try:
            mine = one.environ().get("TAXIWAY_HOME") == str(home) or home in Path(one.cwd()).parents
            alive = one.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            continue
        if mine and alive:
            found.append(one)
    return found


def nobody_is_left(home: Path) -> None:
    until(lambda: not people_of(home), "nobody is left", 3)


def works(home: Path) -> bool:
    """Whether every part answers."""
    state = read_state(home)
    try:
        with psycopg.connect(plain_url(state.database_url)) as connection:
            connection.execute("select 1")
        heard = [
            httpx.get(f"{state.prefect_api_url}/health"),
            httpx.post(f"{state.prefect_api_url}/flow_runs/filter", json={"limit": 1}),
            httpx.get(f"{state.hooks_url}/health"),
            httpx.get(f"{state.crm_url}/_sandbox/health"),
        ]
    except (psycopg.Error, httpx.HTTPError):
        return False
    return all(one.is_success for one in heard)


def test_broken_off_while_it_starts_it_leaves_nobody(home: Path) -> None:
    up = Up(home)
    up.says("crm runs")
    seconds, status = up.ends(signal.SIGINT)

    assert seconds < 10
    assert status == 130
    assert "Traceback" not in up.log.read_text()
    nobody_is_left(home)


def test_killed_without_a_warning_its_successor_takes_over(home: Path) -> None:
    first = Up(home)
    first.says("Ready.")
    database = psutil.Process(int((home / "postgres/postmaster.pid").read_text().splitlines()[0]))
    first.process.kill()
    first.process.wait()
    second = Up(home)
    second.says("Ready.")

    assert database.is_running(), "the PostgreSQL that was left is adopted"
    assert works(home)
    seconds, status = second.ends(signal.SIGTERM)
    assert seconds < 10
    assert status == 0
    nobody_is_left(home)


def test_down_ends_what_a_killed_one_has_left(home: Path) -> None:
    up = Up(home)
    up.says("crm runs")
    up.process.kill()
    up.process.wait()
    down: Any = subprocess.run(
        [sys.executable, "-m", "flows.doors.cli", "down"],
        env={**os.environ, "TAXIWAY_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert down.stdout == "Stopped.\n"
    nobody_is_left(home)


def test_every_part_that_is_killed_comes_back_and_two_signals_end_it_all(home: Path) -> None:
    up = Up(home)
    up.says("Ready.")
    before = read_state(home).parts
    (home / "worker.ready").unlink()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    os.kill(int((home / "postgres/postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)

    until((home / "worker.ready").exists, "the worker is ready again", 40)
    until(lambda: works(home), "everything works", 20)
    assert not set(before.values()) & set(read_state(home).parts.values())

    up.process.send_signal(signal.SIGINT)
    up.says("Stopping.")
    seconds, status = up.ends(signal.SIGINT)
    assert seconds < 10
    assert status == 0
    assert not postgres.is_running(home / "postgres")
    nobody_is_left(home)
