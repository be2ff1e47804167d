"""
What goes wrong around the senders: their clock is moved, the database is killed, its disk is full.

The clock is moved with libfaketime (Debian: faketime), which the senders load at their start, and
a disk that can be full is a small one of its own (tmpfs), which takes root. Where a machine lacks
one of them, a run says so and goes on without it.
"""

import multiprocessing
import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from pathlib import Path

import psycopg

from integrations import postgres
from integrations.database import plain_url
from tests.pilot import until

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
JUMPS = ("+0", "+3600", "-3600", "+45", "-45")  #: seconds
DISK = "512m"  #: a fresh PostgreSQL takes 40 of them, and a run some more
SHARES = {"clock": 0.1, "database": 0.03, "disk": 0.02}  #: how many kills come with one of them


class Disorder:
    """Moves the clock, kills the database, fills its disk; counts how often it did."""

    def __init__(self, home: Path) -> None:
        self.done = Counter[str]()
        self._home = home
        self._clock = home / "clock"
        self._disk = home / "disk"
        self._clock.write_text("+0")
        self._disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "taxiway", str(self._disk)],
            capture_output=True,
            check=False,
        )
        self._is_small = mounted.returncode == 0

    @property
    def missing(self) -> list[str]:
        """Name what this machine cannot do."""
        return ["clock"] * (not LIBRARIES) + ["disk"] * (not self._is_small)

    @property
    def database(self) -> Path:
        """The folder for the database."""
        return self._disk / "postgres"

    def senders(self, preload: str) -> ForkServerContext:
        """Give a server of processes whose clock is ours to move."""
        made = multiprocessing.get_context("forkserver")
        made.set_forkserver_preload([preload])
        before = dict(os.environ)
        if LIBRARIES:
            os.environ |= {
                "LD_PRELOAD": str(LIBRARIES[0]),
                "FAKETIME_TIMESTAMP_FILE": str(self._clock),
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        made.Process(target=os.getpid).start()  # the server starts with the first one
        os.environ.clear()
        os.environ |= before
        return made

    def strike(self, dice: random.Random) -> None:
        """Let something go wrong, now and then."""
        for what, share in SHARES.items():
            if dice.random() < share and what not in self.missing:
                {"clock": self._move, "database": self._kill, "disk": self._fill}[what](dice)
                self.done[what] += 1

    def calm(self) -> None:
        """Let the clock be right again."""
        self._clock.write_text("+0")

    def end(self) -> None:
        """Give the disk back."""
        if self._is_small:
            subprocess.run(["umount", "-l", str(self._disk)], check=False)

    def _move(self, dice: random.Random) -> None:
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(dice.choice(JUMPS))
        fresh.replace(self._clock)

    def _kill(self, dice: random.Random) -> None:
        """Kill the database, leave it dead for a moment, and start it."""
        pid = int((self.database / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGKILL)
        time.sleep(dice.uniform(0.0, 0.5))
        self._revive()

    def _fill(self, dice: random.Random) -> None:
        """Leave no room on the disk for a while; PostgreSQL may die of it."""
        ballast = self._disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 1_048_576)
        time.sleep(dice.uniform(0.5, 2.0))
        ballast.unlink()
        self._revive()

    def _revive(self) -> None:
        url = postgres.start(self.database)
        until(lambda: _answers(url), "PostgreSQL answers")


def _answers(url: str) -> bool:
    try:
        psycopg.connect(plain_url(url), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
