"""
The whole installation as one process tree: PostgreSQL, Prefect, receiver, worker, sandbox CRM.

`running` starts it and stops it again; `taxiway up` waits in between, the demo and the tests use
it as it is. A part that dies is started again, PostgreSQL included. What is given from outside
(your own PostgreSQL, Prefect or CRM) is used and left alone.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy.engine import make_url

from flows.doors.ports import choose_ports
from flows.doors.processes import Part, stop_all
from flows.doors.signals import Signals
from flows.doors.state import POSTGRES, State, claimed, write_state
from integrations import postgres
from integrations.database import prepare
from integrations.databases import ensure_database
from integrations.errors import OutsideError
from integrations.settings import settings

READY_WITHIN = 60.0  #: seconds
#: Who is stopped when, and within how many seconds; the worker lets its cases go on until then.
STOPS = ((("receiver", "worker"), 5.8), (("crm", "prefect"), 1.5))
POSTGRES_STOPS_WITHIN = 1.5  #: seconds, then by force; all in all, less than ten
Say = Callable[[str], None]


@dataclass
class Installation:
    """A running installation: its addresses and its parts."""

    home: Path
    state: State
    parts: dict[str, Part] = field(default_factory=dict)
    ui: str = ""
    postgres: Path | None = None  #: the folder of the embedded one

    def env(self) -> dict[str, str]:
        """Give the environment under which commands find this installation."""
        return {"TAXIWAY_HOME": str(self.home), "PREFECT_API_URL": self.state.prefect_api_url}


@contextmanager
def running(home: Path, say: Say, ports: dict[str, int] | None = None) -> Iterator[Installation]:
    """
    Start everything in a home; stop it at the end, and when a signal to end comes.

    `ports` may give those of `prefect`, `hooks` and `crm`. Raises `TaxiwayError` or
    `OutsideError` in words.
    """
    home = home.absolute()
    os.environ["TAXIWAY_HOME"] = str(home)
    settings.cache_clear()
    wanted, say = choose_ports(ports or {}), _without_fail(say)
    with Signals() as signals, claimed(home) as state, ExitStack() as stack:
        signals.break_off()
        stack.callback(settings.cache_clear)
        try:
            system = Installation(home=home, state=state)
            _build(system, wanted, stack, say)
            _start(system, say)
            stack.enter_context(_kept_alive(system, say))
            signals.as_before()
            yield system
        finally:
            signals.hold()


def _build(system: Installation, wanted: dict[str, int], stack: ExitStack, say: Say) -> None:
    """Start the database, and say what the parts are."""
    given = settings()
    prefect_db = _database(system, given.database_url, stack, say)
    _know(system)
    prepare()
    stack.callback(_stop, system, say)
    _crm(system, given.crm_url, wanted["crm"])
    _prefect(system, given.prefect_api_url, wanted["prefect"], prefect_db)
    _receiver(system, wanted["hooks"])
    _worker(system)
    _know(system)


def _database(system: Installation, given: str, stack: ExitStack, say: Say) -> str:
    """Start our own PostgreSQL unless one is given; gives the address of Prefect's database."""
    if given and "TAXIWAY_DATABASE_URL" in os.environ:
        system.state.database_url = given
        return ensure_database(given, "prefect")
    system.postgres = system.home / POSTGRES
    stack.callback(postgres.stop, system.postgres, POSTGRES_STOPS_WITHIN)
    server = postgres.start(system.postgres, say)
    say("PostgreSQL runs.")
    system.state.database_url = ensure_database(server, "taxiway")
    return ensure_database(server, "prefect")


def _know(system: Installation) -> None:
    """Write the state down, and let this process see it."""
    write_state(system.home, system.state)
    settings.cache_clear()


def _crm(system: Installation, given: str, port: int) -> None:
    if given and "TAXIWAY_CRM_URL" in os.environ:
        system.state.crm_url = given
        system.state.crm_token = system.state.crm_read_token = ""
        return
    url = f"http://127.0.0.1:{port}"
    system.state.crm_url = url
    store = ["--store", str(system.home / "crm.sqlite")]
    _add(
        system,
        "crm",
        ["-m", "integrations.sandbox", "--port", str(port), *store],
        lambda: _answers(f"{url}/_sandbox/health"),
        TAXIWAY_CRM_TOKEN=system.state.crm_token,
        TAXIWAY_CRM_READ_TOKEN=system.state.crm_read_token,
    )


def _prefect(system: Installation, given: str, port: int, database: str) -> None:
    if given and "PREFECT_API_URL" in os.environ:
        system.state.prefect_api_url, system.ui = given, given.removesuffix("/api")
        return
    system.ui = f"http://127.0.0.1:{port}"
    api = f"{system.ui}/api"
    system.state.prefect_api_url = api
    _add(
        system,
        "prefect",
        ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        lambda: _answers(f"{api}/health"),
        PREFECT_HOME=str(system.home / "prefect"),
        PREFECT_API_DATABASE_CONNECTION_URL=_for_prefect(database),
        PREFECT_SERVER_UI_API_URL=api,
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_API_URL="",
    )


def _for_prefect(database: str) -> str:
    """Give a database's address as Prefect's driver understands it, which is not libpq."""
    url = make_url(database).set(drivername="postgresql+asyncpg")
    kept = {name: value for name, value in url.query.items() if name in {"host", "port"}}
    if "sslmode" in url.query:
        kept["ssl"] = url.query["sslmode"]
    return url.set(query=kept).render_as_string(hide_password=False)


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
    _note_parts(system)
    for part in system.parts.values():
        part.wait_until_ready(deadline)
        say(f"{part.name} runs.")


def _note_parts(system: Installation) -> None:
    system.state.parts = {name: part.pid or 0 for name, part in system.parts.items()}
    write_state(system.home, system.state)


@contextmanager
def _kept_alive(system: Installation, say: Say) -> Iterator[None]:
    """
    Start again what dies meanwhile.

    The thread outlives the parts that it has started: their kernel ends them with it.
    """
    ended, stopped, reviving = threading.Event(), threading.Event(), threading.Lock()

    def watch() -> None:
        while not ended.wait(0.3):
            with reviving:
                if not ended.is_set():
                    _revive(system, say)
        stopped.wait()

    threading.Thread(target=watch, name="keeps parts alive", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        with reviving:
            _stop(system, say)
        stopped.set()


def _revive(system: Installation, say: Say) -> None:
    try:
        if system.postgres and not postgres.is_running(system.postgres):
            say("PostgreSQL had died and is started again.")
            postgres.start(system.postgres, say)
        for part in system.parts.values():
            if part.revive():
                say(f"{part.name} had died and was started again.")
                _note_parts(system)
    except (OSError, OutsideError) as error:
        say(f"Something that died cannot be started, and is tried again: {error}")
        time.sleep(1)


def _stop(system: Installation, say: Say) -> None:
    alive = [part for part in system.parts.values() if part.is_alive]
    if alive:
        say("Stopping.")
    for names, grace in STOPS:
        stop_all([part for part in alive if part.name in names], grace)


def _without_fail(say: Say) -> Say:
    """Give a voice that goes silent when its terminal is gone, and stops nothing by that."""

    def said(words: str) -> None:
        with suppress(OSError, ValueError):
            say(words)

    return said


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False
