"""A part of the installation: what happens when it dies, hangs, or does not start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from flows.doors.processes import Part, PartFailed, stop_all
from tests.pilot import until

READY = "from pathlib import Path; Path('ready').touch(); "
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
WAIT = "import time; time.sleep(60)"

Make = Callable[[str], Part]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a part out of a line of Python."""
    made: list[Part] = []

    def of(code: str) -> Part:
        ready = tmp_path / f"ready-{len(made)}"
        code = code.replace("'ready'", repr(str(ready)))
        log = tmp_path / "logs" / "part.log"
        made.append(Part("part", [sys.executable, "-c", code], log, ready.exists))
        return made[-1]

    yield of
    stop_all(made, 0)


def started(part: Part) -> Part:
    part.start()
    part.wait_until_ready(time.monotonic() + 10)
    return part


def test_a_part_that_stops_while_it_starts_is_told_with_its_last_words(make: Make) -> None:
    part = make("raise SystemExit('no room on the runway')")
    part.start()

    with pytest.raises(PartFailed, match=r"stopped while it started:\n.*no room on the runway"):
        part.wait_until_ready(time.monotonic() + 10)


def test_a_part_that_never_gets_ready_is_told(make: Make) -> None:
    part = make(WAIT)
    part.start()

    with pytest.raises(PartFailed, match="did not become ready"):
        part.wait_until_ready(time.monotonic() + 0.2)


def test_a_part_that_lives_is_not_started_again(make: Make) -> None:
    assert not started(make(READY + WAIT)).revive()


def test_a_part_that_was_killed_is_started_again_at_once(make: Make) -> None:
    part = started(make(READY + WAIT))
    first = part.pid or 0
    os.kill(first, signal.SIGKILL)
    until(lambda: not part.is_alive, "it is dead", 5)

    assert part.revive()
    assert part.is_alive
    assert part.pid != first


def test_a_part_that_dies_again_is_given_time(make: Make) -> None:
    part = make("pass")
    part.start()
    until(lambda: not part.is_alive, "it has ended", 5)
    assert part.revive()
    until(lambda: not part.is_alive, "it has ended again", 5)

    assert not part.revive()


def test_asked_to_stop_it_stops(make: Make) -> None:
    part = started(make(READY + WAIT))
    stop_all([part], 5)

    assert not part.is_alive


def test_what_does_not_listen_is_ended_by_force_and_so_are_its_children(make: Make) -> None:
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WAIT!r}]); "
    part = started(make(STUBBORN + child + READY + WAIT))
    family = psutil.Process(part.pid).children()
    began = time.monotonic()
    stop_all([part], 0.3)

    assert time.monotonic() - began < 3
    until(lambda: not any(lives(one) for one in family), "its child is gone", 5)


def test_several_that_hang_are_waited_for_together(make: Make) -> None:
    parts = [started(make(STUBBORN + READY + WAIT)) for _ in range(4)]
    began = time.monotonic()
    stop_all(parts, 0.5)

    assert time.monotonic() - began < 1.5
    assert not any(part.is_alive for part in parts)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word for it is Linux's")
def test_a_part_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from flows.doors.processes import Part;"
        f"part = Part('part', [sys.executable, '-c', {WAIT!r}], Path(sys.argv[1]), bool);"
        "part.start(); print(part.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()

    until(lambda: not lives(child), "the part is gone", 5)


def test_others_cannot_read_what_a_part_writes(make: Make, tmp_path: Path) -> None:
    started(make(READY + WAIT))

    assert (tmp_path / "ready-0").stat().st_mode & 0o077 == 0


def lives(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
