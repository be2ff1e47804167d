"""`taxiway up` as a person runs it: in a terminal, with nothing but a folder."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flows.doors.state import read_state
from tests.pilot import until

pytestmark = pytest.mark.system

OWN = ("TAXIWAY_DATABASE_URL", "TAXIWAY_HOME", "PREFECT_API_URL")


def taxiway(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.doors.cli", *words],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OWN}
    return {**kept, "TAXIWAY_HOME": str(home)}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tw-up-", dir="/tmp", ignore_cleanup_errors=True) as x:
        Path(x).chmod(0o755)
        yield Path(x) / "home"


@pytest.fixture(scope="module")
def started(place: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.doors.cli", "up"],
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = iter(process.stdout.readline, "")
    assert any("Ctrl-C ends everything" in line for line in said)
    yield process
    if process.poll() is None:
        process.kill()
    process.stdout.close()
    process.wait(10)


def test_before_it_runs_a_command_says_what_to_do(place: Path) -> None:
    answer = taxiway(place, "reviews")

    assert answer.returncode == 1
    assert "start it with `taxiway up`" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_second_one_says_where_the_first_one_is(
    place: Path, started: subprocess.Popen[str]
) -> None:
    answer = taxiway(place, "up")

    assert answer.returncode == 1
    assert f"process {started.pid}" in answer.stderr


def test_a_taken_port_is_named(place: Path, started: subprocess.Popen[str]) -> None:
    del started
    port = read_state(place).hooks_url.rpartition(":")[2]
    answer = taxiway(place.parent / "other", "up", "--hooks-port", port)

    assert answer.returncode == 1
    assert f"port {port} for hooks is taken" in answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("cases", "--json"),
        ("reviews", "--json"),
        ("handoffs", "--json"),
        ("rollout", "status", "--json"),
        ("rollout", "history", "lead-routing", "--json"),
        ("explain", "lead-routing", "--json"),
        ("check", "--json"),
        ("territories", "list", "--json"),
    ],
    ids=" ".join,
)
def test_every_list_can_be_had_as_json(
    place: Path, started: subprocess.Popen[str], words: tuple[str, ...]
) -> None:
    del started
    answer = taxiway(place, *words)

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("[")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("timeline", "L-1"), "nothing is known of L-1"),
        (("review", "approve", "R-L-1-1"), "there is no review R-L-1-1"),
        (("review", "reject", "L-1", "--reason", "mood"), "mood is not a reason"),
        (("explain", "lead-rooting"), "did you mean lead-routing?"),
        (("rollout", "set", "lead-routing", "full", "--because", "x"), "the next level up is"),
        (("rollout", "set", "lead-routing", "boss", "--because", "x"), "boss is not a level"),
        (("territories", "import", "/nowhere.csv", "/no.csv"), "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    place: Path, started: subprocess.Popen[str], words: tuple[str, ...], said: str
) -> None:
    del started
    answer = taxiway(place, *words)

    assert answer.returncode == 1
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_first_screen_says_what_runs(place: Path, started: subprocess.Popen[str]) -> None:
    says = taxiway(place).stdout
    assert f"process {started.pid}" in says
    assert "nothing waits for a person" in says


def test_only_its_user_can_read_its_secrets(place: Path, started: subprocess.Popen[str]) -> None:
    del started
    assert (place / "state.json").stat().st_mode & 0o077 == 0


def test_ctrl_c_ends_everything_within_ten_seconds(
    place: Path, started: subprocess.Popen[str]
) -> None:
    state = read_state(place)
    postmaster = int((place / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    family = [*state.parts.values(), postmaster]
    assert all(psutil.pid_exists(pid) for pid in family)
    started.send_signal(signal.SIGINT)
    started.wait(10)

    assert started.returncode == 0
    until(lambda: not any(psutil.pid_exists(pid) for pid in family), "no process is left", 2)
