"""
One child process of `taxiway up`: started, watched, started again, stopped.

Each child has a session of its own, so that Ctrl-C reaches only the parent, and is told by the
kernel when the parent dies, so that none is left behind.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rollout.errors import TaxiwayError

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class PartFailed(TaxiwayError):
    """A part of the installation does not start; the message has its last words."""


@dataclass
class Part:
    """A process that the installation is made of."""

    name: str
    command: list[str]
    log: Path
    is_ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    grace: float = 3.0  #: seconds to end by itself when asked
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it; its output goes to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        parent = os.getpid()

        def die_with_parent() -> None:
            if LIBC is not None:
                LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 # our own commands
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 # only calls prctl, and no thread forks
            )

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self.process.pid if self.process else None

    def wait_until_ready(self, deadline: float) -> None:
        """Wait for its first sign of life; raises `PartFailed` with the end of its log."""
        while not self.is_ready():
            if not self.is_alive:
                raise PartFailed(f"{self.name} stopped while it started:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise PartFailed(f"{self.name} did not become ready:\n{self.last_words()}")
            time.sleep(0.05)

    def revive(self) -> bool:
        """Start it again if it died, later each time it dies within a minute; True if so."""
        if self.is_alive:
            return False
        moment = time.monotonic()
        self.deaths = [one for one in self.deaths if moment - one < 60]
        if self.deaths and moment - self.deaths[-1] < min(30, 2 ** (len(self.deaths) - 1)):
            return False
        self.deaths.append(moment)
        self.start()
        return True

    def ask_to_stop(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.is_alive:
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it: by asking, and after its grace by force."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.grace)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(2)

    def last_words(self, lines: int = 15) -> str:
        """Give the end of its log."""
        if not self.log.exists():
            return "(it wrote nothing)"
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in text[-lines:]) + f"\n  (log: {self.log})"
