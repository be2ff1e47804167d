"""
The whole installation as one process tree: PostgreSQL, Prefect, receiver, worker, sandbox CRM.

`running` starts it and stops it again; `taxiway up` waits in between, the demo and the tests use
it as it is. A part that dies is started again. What is given from outside (your own PostgreSQL,
Prefect or CRM) is used and left alone.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy.engine import make_url

import rollout.effects
import rollout.handoffs
import rollout.refusals  # noqa: F401 # like the two above: their tables are to be created
from flows.doors.processes import Part
from flows.doors.state import State, claim_home, write_state
from integrations import postgres
from integrations.database import prepare
from integrations.settings import settings
from rollout.errors import TaxiwayError

READY_WITHIN = 60.0  #: seconds
PREFERRED = {"prefect": 4200, "hooks": 8780, "crm": 8790}
Say = Callable[[str], None]


@dataclass
class Installation:
    """A running installation: its addresses and its parts."""

    home: Path
    state: State
    parts: dict[str, Part] = field(default_factory=dict)
    ui: str = ""

    def env(self) -> dict[str, str]:
        """Give the environment under which commands find this installation."""
        return {"TAXIWAY_HOME": str(self.home), "PREFECT_API_URL": self.state.prefect_api_url}


@contextmanager
def running(home: Path, say: Say, ports: dict[str, int] | None = None) -> Iterator[Installation]:
    """Start everything in a home; stop it at the end. Raises `TaxiwayError` in words."""
    home = home.absolute()
    os.environ["TAXIWAY_HOME"] = str(home)
    settings.cache_clear()
    given, wanted = settings(), _ports(ports or {})
    with ExitStack() as stack:
        state = claim_home(home)
        system = Installation(home=home, state=state)
        stack.callback(_forget, home, state)
        state.database_url, prefect_db = _database(home, given.database_url, stack, say)
        _know(system)
        prepare()
        _crm(system, given.crm_url, wanted["crm"])
        _prefect(system, given.prefect_api_url, wanted["prefect"], prefect_db)
        _receiver(system, wanted["hooks"])
        _worker(system)
        _know(system)
        stack.callback(_stop, system, say)
        _start(system, say)
        watching = threading.Event()
        stack.callback(watching.set)
        watcher = threading.Thread(target=_keep_alive, args=(system, watching, say), daemon=True)
        watcher.start()
        yield system


def _ports(given: dict[str, int]) -> dict[str, int]:
    ports = {}
    for name, preferred in PREFERRED.items():
        if name in given:
            if not _is_free(given[name]):
                raise TaxiwayError(f"port {given[name]} for {name} is taken: choose another one")
            ports[name] = given[name]
        else:
            ports[name] = preferred if _is_free(preferred) else _any_free()
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _database(home: Path, given: str, stack: ExitStack, say: Say) -> tuple[str, str]:
    """Give the addresses of our own database and of Prefect's."""
    if given and "TAXIWAY_DATABASE_URL" in os.environ:
        return given, postgres.ensure_database(given, "prefect")
    folder = home / "postgres"
    server = postgres.start(folder)
    stack.callback(postgres.stop, folder)
    say("PostgreSQL runs.")
    own = postgres.ensure_database(server, "taxiway")
    return own, postgres.ensure_database(server, "prefect")


def _know(system: Installation) -> None:
    """Write the state down, and let this process see it."""
    write_state(system.home, system.state)
    settings.cache_clear()


def _crm(system: Installation, given: str, port: int) -> None:
    if given and "TAXIWAY_CRM_URL" in os.environ:
        system.state.crm_url, system.state.crm_token = given, ""
        return
    url = f"http://127.0.0.1:{port}"
    system.state.crm_url = url
    store = ["--store", str(system.home / "crm.sqlite"), "--token", system.state.crm_token]
    _add(
        system,
        "crm",
        ["-m", "integrations.sandbox", "--port", str(port), *store],
        lambda: _answers(f"{url}/_sandbox/health"),
    )


def _prefect(system: Installation, given: str, port: int, database: str) -> None:
    if given and "PREFECT_API_URL" in os.environ:
        system.state.prefect_api_url, system.ui = given, given.removesuffix("/api")
        return
    system.ui = f"http://127.0.0.1:{port}"
    api = f"{system.ui}/api"
    system.state.prefect_api_url = api
    asynchronous = make_url(database).set(drivername="postgresql+asyncpg")
    _add(
        system,
        "prefect",
        ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        lambda: _answers(f"{api}/health"),
        PREFECT_HOME=str(system.home / "prefect"),
        PREFECT_API_DATABASE_CONNECTION_URL=asynchronous.render_as_string(hide_password=False),
        PREFECT_SERVER_UI_API_URL=api,
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_API_URL="",
    )


def _receiver(system: Installation, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    system.state.hooks_url = url
    _add(
        system,
        "receiver",
        ["-m", "flows.doors.webhooks", "--port", str(port)],
        lambda: _answers(f"{url}/health"),
    )


def _worker(system: Installation) -> None:
    ready = system.home / "worker.ready"
    ready.unlink(missing_ok=True)
    _add(
        system,
        "worker",
        ["-m", "flows.doors.worker"],
        ready.exists,
        PREFECT_API_URL=system.state.prefect_api_url,
        PREFECT_HOME=str(system.home / "prefect"),
        TAXIWAY_READY_FILE=str(ready),
    )
    system.parts["worker"].grace = 6.5


def _add(
    system: Installation, name: str, words: list[str], is_ready: Callable[[], bool], **env: str
) -> None:
    system.parts[name] = Part(
        name=name,
        command=[sys.executable, *words],
        log=system.home / "logs" / f"{name}.log",
        is_ready=is_ready,
        env={"TAXIWAY_HOME": str(system.home), **env},
    )


def _start(system: Installation, say: Say) -> None:
    deadline = time.monotonic() + READY_WITHIN
    for part in system.parts.values():
        part.start()
    for part in system.parts.values():
        part.wait_until_ready(deadline)
        say(f"{part.name} runs.")
    system.state.parts = {name: part.pid or 0 for name, part in system.parts.items()}
    _know(system)


def _keep_alive(system: Installation, ended: threading.Event, say: Say) -> None:
    while not ended.wait(0.3):
        for part in system.parts.values():
            if not ended.is_set() and part.revive():
                say(f"{part.name} had died and was started again.")
                system.state.parts[part.name] = part.pid or 0
                write_state(system.home, system.state)


def _stop(system: Installation, say: Say) -> None:
    say("Stopping.")
    for name in ("receiver", "worker"):
        if name in system.parts:
            system.parts[name].ask_to_stop()
    for name in ("receiver", "worker", "crm", "prefect"):
        if name in system.parts:
            system.parts[name].stop()


def _forget(home: Path, state: State) -> None:
    """Leave the secrets, and nothing that would look as if it ran."""
    write_state(home, State(crm_token=state.crm_token, hook_secrets=state.hook_secrets))


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False
