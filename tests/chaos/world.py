"""The parts of a chaos run: a PostgreSQL, a sandbox CRM, the writes to be made, the counts."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from flows.doors.ports import any_free
from integrations import postgres
from integrations.clock import now
from integrations.database import prepare, transaction
from integrations.databases import ensure_database
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import open_row
from rollout.effects import FINAL, EffectRow, State
from rollout.grants import change
from rollout.handoffs import HandoffRow
from tests.chaos.disorder import Disorder
from tests.chaos.sender import OWNER, Job, contract

TOKEN = "token-of-a-trial"  # a sandbox's
#: Short, in the order of the defaults; the search sees a write 0.2 s later.
PATIENCE = {
    "TAXIWAY_LEASE_SECONDS": "0.4",
    "TAXIWAY_SEARCH_QUARANTINE_SECONDS": "1.2",
    "TAXIWAY_CRM_TOKEN": TOKEN,
}
CASE = re.compile(r"\[(X-[0-9]+)\]")
FAULTS = ("delay", "reset_before_apply", "reset_after_apply", "status_after_apply", "truncate")


#: The programme's own looks outlast a database that it has just killed.
_patient = retry(
    retry=retry_if_exception_type(OperationalError),
    stop=stop_after_delay(30),
    wait=wait_fixed(0.2),
    reraise=True,
)


@dataclass(frozen=True)
class World:
    """What the harness holds in its hands."""

    env: dict[str, str]
    crm: Sandbox
    workflow: str
    disorder: Disorder


@contextmanager
def world() -> Iterator[World]:
    """Start PostgreSQL and the sandbox in a folder of their own; end them afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tw-chaos-", dir="/tmp"))
    home.chmod(0o755)
    disorder = Disorder(home)
    port = any_free()
    url = f"http://127.0.0.1:{port}"
    words = ["--port", str(port), "--store", str(home / "crm.sqlite")]
    limits = ["--search-lag", "0.2", "--burst", "1000000"]
    crm = subprocess.Popen(
        [sys.executable, "-m", "integrations.sandbox", *words, *limits],
        env={**os.environ, "TAXIWAY_CRM_TOKEN": TOKEN},
    )
    try:
        database = ensure_database(postgres.start(disorder.database), "taxiway")
        env = {
            "TAXIWAY_HOME": str(home),
            "TAXIWAY_DATABASE_URL": database,
            "TAXIWAY_CRM_URL": url,
            **PATIENCE,
        }
        os.environ.update(env)
        settings.cache_clear()
        prepare()
        yield World(env, Sandbox(url), f"chaos-{uuid4().hex[:8]}", disorder)
    finally:
        crm.terminate()
        crm.wait(5)
        postgres.stop(disorder.database)
        disorder.end()
        shutil.rmtree(home, ignore_errors=True)


def plan(made: World, count: int, kinds: tuple[str, ...]) -> list[Job]:
    """Open as many cases as writes are wanted, each with a contact of its own."""
    agreed = contract(made.workflow)
    jobs = []
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
            change(session, agreed, level, by="chaos", because="a trial", now=now())
        for number in range(count):
            row = open_row(
                session,
                prefix="X",
                workflow=made.workflow,
                version=agreed.version,
                dedupe=str(number),
                inbox_id=str(number),
                now=now(),
            )
            jobs.append(Job(row.id, str(700_000 + number), kinds[number % len(kinds)]))
    contacts = [{"id": job.contact_id, "properties": {}} for job in jobs]
    charges = [{"id": f"ch_{job.contact_id}", "amount": 10_000} for job in jobs]
    owner = {"id": OWNER, "email": "o@x.example", "firstName": "O", "lastName": "X"}
    made.crm.seed({"owners": [owner], "contacts": contacts, "charges": charges})
    return jobs


def spoil(made: World, dice: random.Random) -> None:
    """Let the next write take its time as on a real network, and sometimes one go wrong."""
    path = "/(contacts/[0-9]+|tasks|refunds|upsert)$"
    for method in ("PATCH", "POST"):
        made.crm.fault(do="delay", method=method, path=path, seconds=dice.uniform(0.03, 0.12))
    if dice.random() < 0.5:
        return
    do = dice.choice(FAULTS)
    script: dict[str, object] = {"do": do, "method": dice.choice(["PATCH", "POST"])}
    script["path"] = path
    if do == "delay":
        script |= {"seconds": dice.uniform(0.01, 0.3), "times": dice.randint(1, 10)}
    if do == "status_after_apply":
        script["status"] = 500
    made.crm.fault(**script)


@_patient
def sent(workflow: str) -> int:
    """Count the writes that have left and have no answer noted."""
    with transaction() as session:
        rows = session.exec(
            select(EffectRow.key).where(
                EffectRow.workflow == workflow, EffectRow.state == State.SENT
            )
        ).all()
    return len(rows)


@_patient
def unfinished(workflow: str, jobs: list[Job]) -> list[Job]:
    """Give the writes that are neither done nor with a person."""
    with transaction() as session:
        rows = session.exec(select(EffectRow).where(EffectRow.workflow == workflow)).all()
        handed = _handed(session, workflow)
    over = {
        row.case_id
        for row in rows
        if row.is_final and (row.state == State.DONE or row.case_id in handed)
    }
    return [job for job in jobs if job.case_id not in over]


def counts(made: World, jobs: list[Job]) -> dict[str, int]:
    """Hold the ledger against what the outside systems have: what is lost, doubled, stuck."""
    with transaction() as session:
        rows = session.exec(select(EffectRow).where(EffectRow.workflow == made.workflow)).all()
        states = {row.case_id: State(row.state) for row in rows}
        handed = _handed(session, made.workflow)
    times = _effects(made.crm)
    found = Counter[str]()
    for job in jobs:
        state = states.get(job.case_id)
        found["lost"] += state is State.DONE and times[job.case_id] == 0
        found["doubled"] += times[job.case_id] > 1
        found["stuck"] += state is None or state not in FINAL
        found["failed"] += state in {State.FAILED, State.REFUSED}
        found["unknown"] += state is State.UNKNOWN
        found["unattended"] += state is State.UNKNOWN and job.case_id not in handed
    names = ("lost", "doubled", "stuck", "failed", "unknown", "unattended")
    return {name: found[name] for name in names}


def _handed(session: Session, workflow: str) -> set[str]:
    return set(
        session.exec(select(HandoffRow.case_id).where(HandoffRow.workflow == workflow)).all()
    )


def _effects(crm: Sandbox) -> Counter[str]:
    """Count by case: requests that took effect; but refunds and contacts that there are now."""
    times: Counter[str] = Counter()
    for one in crm.writes():
        if one["applied"] and not one["path"].endswith(("/refunds", "/upsert")):
            times[CASE.findall(json.dumps(one["content"]))[0]] += 1
    for refund in crm.refunds():
        times[CASE.findall(refund["metadata"]["taxiway_case"])[0]] += 1
    for contact in crm.objects("contacts"):
        times.update(CASE.findall(contact["properties"].get("taxiway_message", "")))
    return times
