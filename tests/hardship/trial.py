"""A whole installation for a trial: started, fed by senders that try again, and counted."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlmodel import col, select

from flows.doors.state import read_state
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from integrations.signatures import sign
from rollout.case import CaseRow
from rollout.effects import FINAL, EffectRow, State
from rollout.inbox import Arrival
from tests.conftest import PATIENCE, SOURCES
from tests.pilot import WEBSITE_KEY, until

LEADS = [one for one in samples.leads() if one.branch in {"good", "incomplete", "enterprise"}]
TWICE = 0.2  #: how many events a sender sends again although they were accepted


@dataclass
class Trial:
    """An installation under hardship, and what was sent to it."""

    home: Path
    dice: random.Random
    up: subprocess.Popen[bytes] | None = None
    waiting: list[tuple[str, bytes]] = field(default_factory=list)  #: not yet accepted
    accepted: dict[str, str] = field(default_factory=dict)  #: inbox id by event
    kills: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        """Start `taxiway up`, and wait until it is ready."""
        with (self.home.parent / "up.log").open("ab") as log:
            began = log.tell()
            self.up = subprocess.Popen(
                [sys.executable, "-m", "flows.doors.cli", "up"],
                env={**os.environ, "TAXIWAY_HOME": str(self.home), "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        said = self.home.parent / "up.log"
        until(lambda: b"Ready." in said.read_bytes()[began:], "`taxiway up` is ready", 120)
        settings.cache_clear()

    def send(self) -> None:
        """Send what has not been accepted, as a sender does: again and again."""
        still = []
        for event, body in self.waiting:
            try:
                answer = httpx.post(
                    f"{read_state(self.home).hooks_url}/hooks/website",
                    content=body,
                    headers=sign(WEBSITE_KEY, event, now(), body),
                    timeout=5,
                )
            except (httpx.HTTPError, ValueError):
                still.append((event, body))
                continue
            if answer.status_code in {200, 202}:
                self.accepted[event] = answer.json()["id"]
                if self.dice.random() < TWICE:
                    still.append((event, body))
            else:
                still.append((event, body))
        self.waiting = still


def prepare(seed: int) -> Trial:
    """Give a trial of its own home, and let this process know of nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="tw-hard-", dir="/tmp"))  # a short path for a socket
    folder.chmod(0o755)
    for name in ("TAXIWAY_DATABASE_URL", "PREFECT_API_URL"):
        os.environ.pop(name, None)  # the installation brings its own
    os.environ |= {**PATIENCE, **SOURCES, "TAXIWAY_HOME": str(folder / "home")}
    settings.cache_clear()
    return Trial(folder / "home", random.Random(seed))


def pid_of(home: Path, name: str) -> int:
    """Give the process of a part; 0 where it is just coming back."""
    if name != "postgres":
        return read_state(home).parts.get(name, 0)
    try:
        file = next(home.glob("postgres/**/postmaster.pid"))
        return int(file.read_text().split()[0])
    except (StopIteration, OSError, IndexError, ValueError):
        return 0  # it is just coming back


def answers(trial: Trial) -> bool:
    """Whether the database and the CRM can be asked what there is."""
    try:
        with transaction() as session:
            session.exec(select(Arrival.id).limit(1)).all()
        Sandbox(read_state(trial.home).crm_url).requests(10**9)
    except Exception:  # noqa: BLE001 # either may be coming back
        return False
    return True


def bodies_of(crm: str, leads: int, only: str = "") -> list[bytes]:
    """Give each lead a contact of its own in the CRM."""
    contacts, bodies = [], []
    fitting = [one for one in LEADS if only in {"", one.branch} and not one.special]
    world = {one["id"]: one for one in samples.crm()["contacts"]}
    for number in range(leads):
        lead = fitting[number % len(fitting)]
        contact = str(800_000 + number)
        old = world[lead.form["contact_id"]]
        name = f"{lead.form['last_name']} {number}"
        domain = lead.form.get("email", "@hard.example").split("@")[1]
        new = {"lastname": name, "email": f"l{number}@{domain}"}
        if "email" not in lead.form:
            del new["email"]
        properties = {**old["properties"], **new}
        contacts.append({**old, "id": contact, "properties": properties})
        form: dict[str, Any] = {
            **lead.form,
            "contact_id": contact,
            "submission_id": f"hard-{number}",
            "last_name": name,
        }
        if "email" in form:
            form["email"] = new["email"]
        bodies.append(json.dumps({"type": "lead.created", "data": form}).encode())
    Sandbox(crm).seed({"contacts": contacts})
    return bodies


def open_events(trial: Trial) -> int:
    """Count the accepted events whose case has not ended."""
    try:
        with transaction() as session:
            ended = session.exec(
                select(Arrival.id)
                .join(CaseRow, col(CaseRow.id) == col(Arrival.case_id))
                .where(col(CaseRow.ending).is_not(None))
            ).all()
    except Exception:  # noqa: BLE001 # the database may be coming back
        return len(trial.accepted)
    return len(set(trial.accepted.values()) - set(ended))


def counts(trial: Trial) -> dict[str, int]:
    """Hold the ledger against the CRM's own log."""
    with transaction() as session:
        cases = session.exec(select(CaseRow)).all()
        effects = session.exec(select(EffectRow)).all()
    times: Counter[tuple[str, str]] = Counter()
    for one in Sandbox(read_state(trial.home).crm_url).writes():
        if one["applied"]:
            times[one["path"], json.dumps(one["content"], sort_keys=True)] += 1
    done = [one for one in effects if State(one.state) in {State.DONE, State.REVERTED}]
    by_bytes = {(one.path, _same(one.body)) for one in done if one.attempt}
    return {
        "leads": len(trial.accepted) + len(trial.waiting),
        "ended": sum(1 for case in cases if case.ending),
        "effects": len(effects),
        "lost": len(by_bytes - set(times)),
        "doubled": sum(1 for count in times.values() if count > 1),
        "stuck": sum(1 for one in effects if State(one.state) not in FINAL) + len(trial.waiting),
    }


def _same(body: bytes) -> str:
    return json.dumps(json.loads(body or b"null"), sort_keys=True)


def end(trial: Trial) -> int:
    """Stop everything; give how many processes of the installation are left."""
    if trial.up is not None and trial.up.poll() is None:
        trial.up.send_signal(signal.SIGTERM)
        try:
            trial.up.wait(20)
        except subprocess.TimeoutExpired:
            trial.up.kill()
    left = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if one.environ().get("TAXIWAY_HOME") == str(trial.home) and one.pid != os.getpid():
                left.append(one)
    for one in left:
        with suppress(psutil.Error):
            one.kill()
    return len(left)
