"""
What a running `taxiway up` writes down for the other commands: `state.json` in its home.

The secrets are made once and kept, so that senders need not be told new ones after a restart.
"""

import base64
import json
import os
import secrets
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from integrations.settings import STATE
from rollout.errors import TaxiwayError


@dataclass
class State:
    """Addresses, secrets and process ids of one installation."""

    pid: int = 0
    started: float = 0.0  #: when that process began, so that a reused pid is not taken for it
    database_url: str = ""
    prefect_api_url: str = ""
    hooks_url: str = ""
    crm_url: str = ""
    crm_token: str = ""
    hook_secrets: dict[str, list[str]] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether the process that wrote it still lives."""
        try:
            return self.pid > 0 and abs(psutil.Process(self.pid).create_time() - self.started) < 1
        except psutil.NoSuchProcess:
            return False


def read_state(home: Path) -> State:
    """Read what is written down; raises `TaxiwayError` when it is damaged or from a newer one."""
    file = home / STATE
    try:
        content: dict[str, Any] = json.loads(file.read_text())
        return State(**content)
    except FileNotFoundError:
        return State()
    except (ValueError, TypeError):
        raise TaxiwayError(
            f"{file} cannot be read by this version: move it away; `taxiway up` writes a new one"
        ) from None


def write_state(home: Path, state: State) -> None:
    """Write it down whole, for this user's eyes only."""
    file, fresh = home / STATE, home / f"{STATE}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(asdict(state), out, indent=1)
    fresh.replace(file)


def claim_home(home: Path) -> State:
    """Give this home's state with its secrets; raises `TaxiwayError` when one runs there."""
    home.mkdir(parents=True, exist_ok=True)
    state = read_state(home)
    if state.is_running:
        raise TaxiwayError(
            f"Taxiway runs here already (process {state.pid}, Prefect at {state.prefect_api_url}). "
            "`taxiway down` stops it; another home is chosen with TAXIWAY_HOME."
        )
    state.pid, state.started = os.getpid(), psutil.Process().create_time()
    state.parts = {}
    if not state.hook_secrets:
        key = base64.b64encode(secrets.token_bytes(24)).decode()
        state.hook_secrets = {"website": [f"whsec_{key}"]}
    if not state.crm_token:
        state.crm_token = secrets.token_urlsafe(24)
    write_state(home, state)
    return state


def stop_running(home: Path, patience: float = 15.0) -> bool:
    """Stop the installation of a home; False when none runs there."""
    state = read_state(home)
    if not state.is_running:
        return False
    os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while state.is_running:
        if time.monotonic() > deadline:
            raise TaxiwayError(f"process {state.pid} does not end; look at {home}/logs")
        time.sleep(0.1)
    return True
