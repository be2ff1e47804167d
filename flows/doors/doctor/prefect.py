"""Prefect: its server, its version, its pool and worker, the deployments, the last watch."""

from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import httpx

from flows.catalog import OPERATIONS, WORKFLOWS
from flows.doors.doctor.finding import Answer, Question, broken, look, well
from integrations.clock import now
from integrations.settings import SettingsError, settings

HERE = frozenset({"127.0.0.1", "localhost", "::1"})
QUIET = timedelta(seconds=90)  #: a worker shows itself every 20 seconds
WATCHED = timedelta(minutes=5)
START = "start `taxiway up`, or see to the Prefect server that PREFECT_API_URL names"


def _ask(method: str, path: str, content: object = None) -> Any:
    api = settings().prefect_api_url
    if not api:
        raise SettingsError("no Prefect is known here: start `taxiway up`")
    try:
        answer = httpx.request(method, f"{api}{path}", json=content, timeout=5)
    except httpx.HTTPError as error:
        raise SettingsError(f"{api} does not answer ({type(error).__name__}): {START}") from None
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    answer.raise_for_status()
    return answer.json()


def _server() -> Answer:
    theirs, ours = _ask("GET", "/admin/version"), version("prefect")
    if theirs != ours:
        return broken(
            f"the server is {theirs}, the client {ours}", "run the same version on both sides"
        )
    return well(f"{theirs} at {settings().prefect_api_url}")


def _reach() -> Answer:
    where = urlsplit(settings().prefect_api_url)
    if not where.hostname:
        raise SettingsError("no Prefect is known here: start `taxiway up`")
    if where.hostname in HERE:
        return well("only this machine reaches it directly")
    _ask("GET", "/admin/version")  # without any credential
    return look(
        f"{where.hostname} answers whoever reaches it, and so lets them resume runs",
        "put a proxy with sign-in and TLS before it, and set PREFECT_SERVER_API_AUTH_STRING",
    )


def _worker() -> Answer:
    pool = settings().work_pool
    if _ask("GET", f"/work_pools/{pool}") is None:
        return broken(f"there is no work pool {pool}", "start the worker: it makes its pool")
    workers = _ask("POST", f"/work_pools/{pool}/workers/filter", {"limit": 20}) or []
    seen = max(
        (datetime.fromisoformat(one["last_heartbeat_time"]) for one in workers), default=None
    )
    if seen is None or now() - seen > QUIET:
        since = f"since {seen:%H:%M:%S} UTC" if seen else "ever"
        return broken(f"no worker has shown itself in {pool} {since}", "start `taxiway up`")
    return well(f"seen {(now() - seen).total_seconds():.0f} s ago in {pool}")


def _deployments() -> Answer:
    known = {one.full_name: one.name for one in WORKFLOWS}
    known |= {one.full_name: one.name for one in OPERATIONS}
    missing = [
        name for full, name in known.items() if _ask("GET", f"/deployments/name/{full}") is None
    ]
    if missing:
        return broken(f"missing: {', '.join(missing)}", "start the worker: it applies them")
    return well(", ".join(known.values()))


def _watch() -> Answer:
    wanted = {
        "flows": {"name": {"any_": ["watch"]}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
        "sort": "END_TIME_DESC",
        "limit": 1,
    }
    runs = _ask("POST", "/flow_runs/filter", wanted) or []
    ended = datetime.fromisoformat(runs[0]["end_time"]) if runs else None
    if ended is None or now() - ended > WATCHED:
        since = f"since {ended:%Y-%m-%d %H:%M} UTC" if ended else "yet"
        return look(
            f"no watch has gone well {since}",
            "look at Deployments > watch: is its schedule active, and does a worker run?",
        )
    return well(f"went well {(now() - ended).total_seconds():.0f} s ago")


PREFECT: tuple[tuple[str, Question], ...] = (
    ("prefect", _server),
    ("prefect's reach", _reach),
    ("worker", _worker),
    ("deployments", _deployments),
    ("watch", _watch),
)
