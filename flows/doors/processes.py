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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it; its output goes to its log. It lives no longer than the calling thread."""
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
                umask=0o077,
                preexec_fn=die_with_parent,  # noqa: PLW1509 # it calls prctl and takes no lock
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

    def last_words(self, lines: int = 15) -> str:
        """Give the end of its log."""
        if not self.log.exists():
            return "(it wrote nothing)"
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in text[-lines:]) + f"\n  (log: {self.log})"


def stop_all(parts: Sequence[Part], grace: float) -> None:
    """End processes side by side: by asking, and after `grace` seconds by force."""
    processes = [part.process for part in parts if part.process is not None]
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + grace
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError, PermissionError):  # nobody is left in its session
            os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
