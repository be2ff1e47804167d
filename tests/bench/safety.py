"""
What safety costs: the receiver under load while Prefect is down, the gate of a write, the check of
the ledger. On a PostgreSQL and a receiver of its own, and no Prefect at all.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
from rich.console import Console
from sqlalchemy import text
from sqlmodel import func, select

from flows.doors.ports import any_free
from integrations import postgres
from integrations.clock import now
from integrations.database import engine, prepare, transaction
from integrations.databases import ensure_database
from integrations.settings import settings
from integrations.signatures import sign
from rollout.authority import Authority
from rollout.canonical import canonical
from rollout.case import Action
from rollout.effects import Basis, Intent, Request, intend
from rollout.gate import pass_gate
from rollout.grants import change
from rollout.inbox import Arrival
from rollout.seals import check, head, seal
from tasks.halts import heed_flags
from tests.bench.rows import Row, row, spread
from tests.conftest import SOURCES
from tests.pilot import WEBSITE_KEY, until
from tests.rollout.trial import a_case, contract

RATE = 50  #: requests in a second


@dataclass(frozen=True)
class Sizes:
    """How much of each is measured."""

    seconds: int  #: of load on the receiver
    gates: int
    ledger: int  #: rows


FULL = Sizes(seconds=60, gates=1_000, ledger=1_000_000)
QUICK = Sizes(seconds=10, gates=200, ledger=100_000)


def measure(console: Console, sizes: Sizes) -> list[Row]:
    """Measure all three."""
    with database() as url:
        rows = [_receiver(url, sizes.seconds)]
        console.print("the receiver: measured.")
        rows.append(_gate(sizes.gates))
        console.print("the gate: measured.")
        rows.append(_ledger(sizes.ledger))
        console.print("the ledger: measured.")
    return rows


@contextmanager
def database() -> Iterator[str]:
    """Start a PostgreSQL of its own, and let this process use it."""
    home = Path(tempfile.mkdtemp(prefix="tw-bench-", dir="/tmp"))
    home.chmod(0o755)
    kept = {name: os.environ.get(name) for name in ("TAXIWAY_HOME", "TAXIWAY_DATABASE_URL")}
    try:
        url = ensure_database(postgres.start(home / "postgres"), "taxiway")
        os.environ |= {"TAXIWAY_HOME": str(home), "TAXIWAY_DATABASE_URL": url, **SOURCES}
        settings.cache_clear()
        prepare()
        yield url
        engine(url).dispose()
        postgres.stop(home / "postgres")
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        settings.cache_clear()
        shutil.rmtree(home, ignore_errors=True)


def _receiver(url: str, seconds: int) -> Row:
    """Send events at a steady pace, late answers or not; count what was kept."""
    port = any_free()
    nowhere = {"PREFECT_API_URL": f"http://127.0.0.1:{any_free()}/api", "TAXIWAY_DATABASE_URL": url}
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.doors.webhooks", "--port", str(port)],
        env={**os.environ, **nowhere},
    )
    place = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(place), "the receiver answers")
        took = asyncio.run(_load(f"{place}/hooks/website", seconds))
    finally:
        process.terminate()
        process.wait(10)
    with transaction() as session:
        kept = session.exec(select(func.count()).select_from(Arrival)).one()
    if kept != len(took):
        raise AssertionError(f"{len(took)} events were accepted, and {kept} are there")
    p99 = sorted(took)[round(0.99 * len(took)) - 1]
    what = f"receiver, {RATE}/s for {seconds} s, Prefect down (p99 {p99:.3f} s, all kept)"
    return row(what, took, None)


async def _load(url: str, seconds: int) -> list[float]:
    async with httpx.AsyncClient(timeout=10) as client:
        began = time.monotonic()
        waiting = []
        for number in range(RATE * seconds):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            waiting.append(asyncio.create_task(_send(client, url, began + number / RATE)))
        return await asyncio.gather(*waiting)


async def _send(client: httpx.AsyncClient, url: str, due: float) -> float:
    """Send one event; give the seconds since it was due."""
    name = uuid4().hex
    moment = now()
    data = {
        "submission_id": name,
        "contact_id": "1",
        "email": f"{name}@x.example",
        "form_type": "demo",
        "submitted_at": moment.isoformat(),
    }
    body = canonical({"type": "lead.created", "timestamp": moment.isoformat(), "data": data})
    headers = sign(WEBSITE_KEY, name, moment, body)
    answer = await client.post(url, content=body, headers=headers)
    if answer.status_code != 202:
        raise AssertionError(f"{answer.status_code}: {answer.text[:200]}")
    return time.monotonic() - due


def _gate(count: int) -> Row:
    """Let writes pass the gate, one after another; nothing is sent."""
    agreed = contract()
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
            change(session, agreed, level, by="bench", because="a trial", now=now())
        case = a_case(session, agreed)
    took = []
    for number in range(count):
        intent = Intent(
            step=f"step-{number}",
            action=Action(name="crm.contact.owner", target=f"contact/{number}", arguments={}),
            request=Request(method="PATCH", path=f"/contacts/{number}", body=b"{}"),
            basis=Basis.AGENT,
            expected={"owner": None},
            changes={"owner": "3"},
        )
        with transaction() as session:
            effect = intend(session, case, intent, now())
        began = time.perf_counter()
        with transaction() as session:
            heed_flags(session)
            passed = pass_gate(
                session,
                effect,
                contract=agreed,
                noted={"owner": None},
                now=now(),
                lease=timedelta(seconds=15),
            )
        took.append(time.perf_counter() - began)
        assert isinstance(passed, int), passed
    return row("the gate of a write", took, None, digits=4)


def _ledger(count: int) -> Row:
    """Fill the ledger, seal it, and read it again."""
    with transaction() as session:
        session.execute(
            text(
                "insert into ledger (at, workflow, case_id, step, kind, actor, fields) "
                "select now(), 'w', 'C-' || n / 10, 'step-' || n, 'noted', 'bench', "
                "jsonb_build_object('n', n, 'action', 'crm.contact.owner', 'confidence', 0.9) "
                "from generate_series(1, :count) n"
            ),
            {"count": count},
        )
    while True:
        with transaction() as session:
            if not seal(session, now()):
                break
    with transaction() as session:
        began = time.perf_counter()
        verdict = check(session, [head(session)])
        seconds = time.perf_counter() - began
    if verdict.faults or verdict.sealed < count:
        raise AssertionError(str(verdict))
    return spread(
        f"audit verify, rows in a second ({verdict.sealed} rows)", 1, verdict.sealed / seconds
    )


def _answers(place: str) -> bool:
    try:
        return httpx.get(f"{place}/health", timeout=5).status_code < 500
    except httpx.HTTPError:
        return False
