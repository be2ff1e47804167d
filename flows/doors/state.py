"""
What a running `taxiway up` writes down for the other commands: `state.json` in its home.

The secrets are made once and kept, so that senders need not be told new ones after a restart.
"""

import base64
import fcntl
import json
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, field
from importlib.metadata import version
from pathlib import Path

import psutil
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from integrations import postgres
from integrations.settings import STATE
from rollout.errors import TaxiwayError

LOCK = "up.lock"
POSTGRES = "postgres"  #: the folder of the embedded PostgreSQL


@dataclass(config=ConfigDict(extra="forbid"))
class State:
    """Addresses, secrets and process ids of one installation."""

    version: str = ""  #: of Taxiway, that wrote it
    pid: int = 0
    started: float = 0.0  #: when that process began, so that a reused pid is not taken for it
    database_url: str = ""
    prefect_api_url: str = ""
    hooks_url: str = ""
    crm_url: str = ""
    crm_token: str = ""
    crm_read_token: str = ""
    link_key: str = ""
    hook_secrets: dict[str, list[str]] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether the process that wrote it still lives."""
        try:
            process = psutil.Process(self.pid)
            is_it = abs(process.create_time() - self.started) < 1
            return self.pid > 0 and is_it and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, ValueError):
            return False


def read_state(home: Path) -> State:
    """Read what is written down; raises `TaxiwayError` when it is damaged or from a newer one."""
    file = home / STATE
    try:
        content = json.loads(file.read_text())
        _check_version(file, content)
        return State(**content)
    except FileNotFoundError:
        return State()
    except (ValueError, TypeError):
        raise TaxiwayError(
            f"{file} cannot be read by this version: move it away; `taxiway up` writes a new one, "
            "with new webhook keys"
        ) from None
    except OSError as error:
        raise TaxiwayError(f"{file} cannot be read: {error.strerror}") from None


def _check_version(file: Path, content: object) -> None:
    """Leave a newer version's state alone: it may hold what we would lose."""
    wrote = content.get("version") if isinstance(content, dict) else None
    if isinstance(wrote, str) and _numbers(wrote) > _numbers(version("taxiway")):
        raise TaxiwayError(
            f"{file} was written by Taxiway {wrote}, and this is {version('taxiway')}: install "
            "that version again, or use another home (TAXIWAY_HOME). Nothing was changed."
        )


def _numbers(words: str) -> tuple[int, ...]:
    """Read the leading numbers of a version, for comparison."""
    found = re.match(r"\d+(\.\d+)*", words)
    return tuple(int(one) for one in found[0].split(".")) if found else ()


def write_state(home: Path, state: State) -> None:
    """Write it down whole, for this user's eyes only."""
    file, fresh = home / STATE, home / f"{STATE}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(asdict(state), out, indent=1)
        out.flush()
        os.fsync(out)
    fresh.replace(file)


@contextmanager
def claimed(home: Path) -> Iterator[State]:
    """
    Hold a home for this process alone; gives its state, with its secrets.

    Raises `TaxiwayError` when another one runs there, or when it cannot be written to. What
    a killed one has left running is ended first. Afterwards only the secrets stay on file.
    """
    try:
        # PostgreSQL has a system user of its own when we are root: it must pass.
        home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        lock = (home / LOCK).open("a")
    except OSError as error:
        raise TaxiwayError(
            f"{home} cannot be used ({error.strerror}): choose another one with TAXIWAY_HOME"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TaxiwayError(_runs_already(home, read_state(home))) from None
        before = read_state(home)
        _end_leftovers(home, before)
        state = _fresh(before)
        write_state(home, state)
        try:
            yield state
        finally:
            kept = State(
                version=state.version,
                crm_token=state.crm_token,
                crm_read_token=state.crm_read_token,
                link_key=state.link_key,
                hook_secrets=state.hook_secrets,
            )
            write_state(home, kept)


def stop_running(home: Path, patience: float = 15.0) -> bool:
    """Stop the installation of a home and what a killed one left; False when nothing runs."""
    state = read_state(home)
    if not state.is_running:
        left = _end_leftovers(home, state)
        if postgres.is_running(home / POSTGRES):
            postgres.stop(home / POSTGRES)
            left = True
        return left
    try:
        os.kill(state.pid, signal.SIGTERM)
    except PermissionError:
        raise TaxiwayError(f"process {state.pid} belongs to another user: ask them") from None
    deadline = time.monotonic() + patience
    while state.is_running:
        if time.monotonic() > deadline:
            raise TaxiwayError(f"process {state.pid} does not end; look at {home}/logs")
        time.sleep(0.1)
    return True


def _runs_already(home: Path, state: State) -> str:
    where = f", Prefect at {state.prefect_api_url}" if state.prefect_api_url else ""
    return (
        f"Taxiway runs here already (process {state.pid}{where}; home {home}). "
        "`taxiway down` stops it; another home is chosen with TAXIWAY_HOME."
    )


def _fresh(before: State) -> State:
    """Make the state of this process; the secrets stay."""
    key = base64.b64encode(secrets.token_bytes(24)).decode()
    return State(
        version=version("taxiway"),
        pid=os.getpid(),
        started=psutil.Process().create_time(),
        crm_token=before.crm_token or secrets.token_urlsafe(24),
        crm_read_token=before.crm_read_token or secrets.token_urlsafe(24),
        link_key=before.link_key or secrets.token_urlsafe(32),
        hook_secrets=before.hook_secrets or {"website": [f"whsec_{key}"]},
    )


def _end_leftovers(home: Path, state: State) -> bool:
    """End the parts of an installation whose parent was killed; True if there were any."""
    left = []
    for pid in state.parts.values():
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.environ().get("TAXIWAY_HOME") == str(home):  # or the id is a stranger's
                process.terminate()
                left.append(process)
    _, stubborn = psutil.wait_procs(left, timeout=6)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    return bool(left)
