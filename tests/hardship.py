"""
Hardship: a trickle of leads through a whole `taxiway up`, while its parts are killed at random.

`uv run poe hardship --minutes 10 --leads 500 --seed 7` sends signed webhooks at a steady pace,
kills the worker, the receiver, Prefect, PostgreSQL and the CRM with SIGKILL, stops and continues
some of them, and now and then kills `up` itself and starts it again. Senders try again as senders
do, and send every fifth event again after it was accepted. Afterwards every lead has its case,
every case its ending, the CRM each write once, and no process is left.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import psutil
import typer
from rich.console import Console
from rich.progress import Progress
from sqlmodel import col, select

from flows.contracts.lead_routing import CONTRACT
from flows.doors.state import read_state
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from integrations.signatures import sign
from rollout.authority import Authority
from rollout.case import CaseRow
from rollout.effects import FINAL, EffectRow, State
from rollout.grants import change
from rollout.inbox import Arrival
from tests.conftest import PATIENCE, SOURCES
from tests.pilot import WEBSITE_KEY, until

LEADS = [one for one in samples.leads() if one.branch in {"good", "incomplete", "enterprise"}]
PARTS = ("worker", "receiver", "prefect", "crm", "postgres", "up")
WEIGHTS = (6, 3, 2, 2, 2, 1)
TWICE = 0.2  #: how many events a sender sends again although they were accepted
CALM = 240.0  #: seconds for what is left when nobody is killed any more


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

    def hit(self) -> None:
        """Kill one part, or stop it for a while."""
        (name,) = self.dice.choices(PARTS, WEIGHTS)
        self.kills[name] += 1
        if name == "up":
            assert self.up is not None
            self.up.kill()
            self.up.wait()
            self.start()
            return
        pid = _pid(self.home, name)
        if not pid:
            return
        with suppress(ProcessLookupError):
            if name != "postgres" and self.dice.random() < 0.2:
                os.kill(pid, signal.SIGSTOP)
                time.sleep(self.dice.uniform(0.5, 5))
                os.kill(pid, signal.SIGCONT)
                self.kills[f"{name} stopped"] += 1
            else:
                os.kill(pid, signal.SIGKILL)


def _pid(home: Path, name: str) -> int:
    if name != "postgres":
        return read_state(home).parts.get(name, 0)
    try:
        file = next(home.glob("postgres/**/postmaster.pid"))
        return int(file.read_text().split()[0])
    except (StopIteration, OSError, IndexError, ValueError):
        return 0  # it is just coming back


def main(
    *,
    minutes: Annotated[float, typer.Option(help="How long parts are killed.")] = 10,
    leads: Annotated[int, typer.Option(help="How many leads come meanwhile.")] = 500,
    every: Annotated[float, typer.Option(help="Seconds between two kills, about.")] = 8,
    seed: Annotated[int | None, typer.Option(help="Repeats a run's choices.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
) -> None:
    """Kill the parts of an installation under a trickle of leads, and count what became of each."""
    chosen = random.SystemRandom().randrange(10**6) if seed is None else seed
    console = Console(stderr=as_json)
    folder = Path(tempfile.mkdtemp(prefix="tw-hard-", dir="/tmp"))  # a short path for a socket
    folder.chmod(0o755)
    for name in ("TAXIWAY_DATABASE_URL", "PREFECT_API_URL"):
        os.environ.pop(name, None)  # the installation brings its own
    os.environ |= {**PATIENCE, **SOURCES, "TAXIWAY_HOME": str(folder / "home")}
    settings.cache_clear()
    trial = Trial(folder / "home", random.Random(chosen))
    began = time.monotonic()
    try:
        found = _fly(trial, minutes * 60, leads, every, console)
    finally:
        orphans = _end(trial)
        shutil.rmtree(folder, ignore_errors=True)
    summary = {
        **found,
        "orphans": orphans,
        "kills": dict(trial.kills),
        "seed": chosen,
        "seconds": round(time.monotonic() - began),
    }
    console.print(", ".join(f"{name} {value}" for name, value in summary.items()))
    if as_json:
        typer.echo(json.dumps(summary))
    if found["ended"] != leads or any(found[one] for one in BAD) or orphans:
        raise typer.Exit(1)


BAD = ("lost", "doubled", "stuck")


def _fly(
    trial: Trial, seconds: float, leads: int, every: float, console: Console
) -> dict[str, int]:
    trial.start()
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED, Authority.FULL):
            change(session, CONTRACT, level, by="hardship", because="a trial", now=now())
    bodies = _bodies(read_state(trial.home).crm_url, leads)
    began, sent = time.monotonic(), 0
    next_hit = began + every
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("leads", total=leads)
        while (passed := time.monotonic() - began) < seconds:
            due = min(leads, int(leads * passed / (seconds * 0.95)) + 1)
            trial.waiting += [(uuid4().hex, body) for body in bodies[sent:due]]
            progress.update(bar, completed=due)
            sent = due
            trial.send()
            if time.monotonic() > next_hit:
                trial.hit()
                next_hit = time.monotonic() + trial.dice.uniform(0.5, 1.5) * every
            time.sleep(0.2)
        # A part that took long to come back may have held up the last ones.
        trial.waiting += [(uuid4().hex, body) for body in bodies[sent:]]
        calm = time.monotonic() + CALM
        while time.monotonic() < calm and (trial.waiting or _open(trial)):
            trial.send()
            time.sleep(1)
    until(lambda: _answers(trial), "everything that was killed last is back", 60)
    return _counts(trial)


def _answers(trial: Trial) -> bool:
    """Whether the database and the CRM can be asked what there is."""
    try:
        with transaction() as session:
            session.exec(select(Arrival.id).limit(1)).all()
        Sandbox(read_state(trial.home).crm_url).requests(10**9)
    except Exception:  # noqa: BLE001 # either may be coming back
        return False
    return True


def _bodies(crm: str, leads: int) -> list[bytes]:
    """Give each lead a contact of its own in the CRM."""
    contacts, bodies = [], []
    world = {one["id"]: one for one in samples.crm()["contacts"]}
    for number in range(leads):
        lead = LEADS[number % len(LEADS)]
        contact = str(800_000 + number)
        old = world[lead.form["contact_id"]]
        name = f"{lead.form['last_name']} {number}"
        new = {"lastname": name, "email": f"l{number}@hard.example"}
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


def _open(trial: Trial) -> int:
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


def _counts(trial: Trial) -> dict[str, int]:
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


def _end(trial: Trial) -> int:
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


if __name__ == "__main__":
    typer.run(main)
