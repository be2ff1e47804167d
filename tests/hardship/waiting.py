"""
Everything is killed while cases wait for people, and comes back as it was.

`uv run poe waiting --cases 2000` sends leads that need a person's word, waits until each has its
question and its run sleeps, kills every process of the installation at once, starts it again,
counts, then decides them all. What waited before waits after; what is decided is written once; and
no process holds a waiting case in its memory.
"""

import csv
import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from typing import Annotated
from uuid import uuid4

import psutil
import typer
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL, temporary_settings
from rich.console import Console
from sqlmodel import col, func, select

from flows.contracts.lead_routing import CONTRACT
from flows.doors.sheets import bring, put_all_in_force
from flows.doors.state import read_state
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from rollout.answers import Answer, Proof, Verb
from rollout.authority import Authority, Exposure
from rollout.case import CaseRow
from rollout.effects import EffectRow
from rollout.grants import change
from rollout.people import let_count
from rollout.people_sheet import parse
from rollout.reviews import ReviewRow, Status
from rollout.territories import Kind
from tasks.decisions import take_answer
from tests.hardship.trial import Trial, answers, bodies_of, counts, end, prepare
from tests.pilot import until


def main(
    *,
    cases: Annotated[int, typer.Option(help="How many wait.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
) -> None:
    """Kill everything while cases wait, start it again, decide them, and count."""
    console = Console(stderr=as_json)
    trial = prepare(random.SystemRandom().randrange(10**6))
    began = time.monotonic()
    try:
        found = _wait_and_kill(trial, cases, console)
    finally:
        orphans = end(trial)
        shutil.rmtree(trial.home.parent, ignore_errors=True)
    summary = {**found, "orphans": orphans, "seconds": round(time.monotonic() - began)}
    console.print(", ".join(f"{name} {value}" for name, value in summary.items()))
    if as_json:
        typer.echo(json.dumps(summary))
    whole = found["before"] == found["after"] == found["ended"] == found["written"] == cases
    if not whole or found["lost"] or found["doubled"] or found["stuck"] or orphans:
        raise typer.Exit(1)


def _wait_and_kill(trial: Trial, cases: int, console: Console) -> dict[str, int]:
    trial.start()
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND):
            share = Exposure(blind=0)
            change(
                session,
                CONTRACT,
                level,
                exposure=share,
                by="waiting",
                because="a trial",
                now=now(),
            )
    _plant(trial)
    trial.waiting = [
        (uuid4().hex, body) for body in bodies_of(read_state(trial.home).crm_url, cases, "good")
    ]
    sent = time.monotonic()
    while trial.waiting:
        trial.send()
    patience = 60 + cases
    try:
        until(lambda: _open() == cases, "each case has its question", patience)
    except AssertionError:
        console.print(f"{_open()} of {cases} wait; ended: {_endings()}")
        raise
    try:
        until(lambda: _asleep(trial) == cases, "each run sleeps", patience)
    except AssertionError:
        console.print(f"{_asleep(trial)} of {cases} sleep, {_open()} wait")
        raise
    console.print(f"{cases} wait after {time.monotonic() - sent:.0f} s")
    before = _open()
    memory = _memory(trial)
    began = time.monotonic()
    _kill_everything(trial)
    trial.start()
    until(lambda: answers(trial), "it is back", 60)
    back = time.monotonic() - began
    after = _open()
    console.print(f"back after {back:.0f} s: {before} waited, {after} wait")
    decided = time.monotonic()
    _decide_all()
    until(lambda: _ended() == cases, "each decided one has ended", patience)
    seconds = time.monotonic() - decided
    return {
        **counts(trial),
        "before": before,
        "after": after,
        "ended": _ended(),
        "written": _written(),
        "worker_mib": memory,
        "back_seconds": round(back),
        "decided_seconds": round(seconds),
    }


def _plant(trial: Trial) -> None:
    """Put the sample world in, with nobody's day ever full."""
    crm, today = Sandbox(read_state(trial.home).crm_url), now().date()
    world = samples.crm()
    crm.seed(world)
    files = {kind: samples.sheet(f"{kind}.csv") for kind in Kind}
    roster = trial.home.parent / "roster.csv"
    with files[Kind.ROSTER].open() as old, roster.open("w", newline="") as new:
        rows = [{**row, "daily_cap": "100000"} for row in csv.DictReader(old)]
        sheet = csv.DictWriter(new, list(rows[0]))
        sheet.writeheader()
        sheet.writerows(rows)
    owners = frozenset(one["email"] for one in world["owners"] if not one["archived"])
    put_all_in_force(bring({**files, Kind.ROSTER: roster}, owners), valid_from=today, by="waiting")
    with transaction() as session:
        let_count(session, parse(samples.sheet("people.toml").read_text()), by="waiting", now=now())


def _kill_everything(trial: Trial) -> None:
    """End every process of the installation at once, `up` first, as a power cut does."""
    assert trial.up is not None
    trial.up.kill()
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            own = one.environ().get("TAXIWAY_HOME") == str(trial.home) and one.pid != os.getpid()
            if own or str(trial.home) in " ".join(one.cmdline()):
                one.send_signal(signal.SIGKILL)
    trial.up.wait()


def _open() -> int:
    with transaction() as session:
        return session.exec(
            select(func.count()).select_from(ReviewRow).where(ReviewRow.status == Status.OPEN)
        ).one()


def _ended() -> int:
    with transaction() as session:
        return session.exec(
            select(func.count()).select_from(CaseRow).where(col(CaseRow.ending).is_not(None))
        ).one()


def _endings() -> Counter[str]:
    with transaction() as session:
        rows = session.exec(select(CaseRow).where(col(CaseRow.ending).is_not(None))).all()
    return Counter(f"{row.ending}: {row.because}" for row in rows)


def _written() -> int:
    with transaction() as session:
        rows = session.exec(select(EffectRow).where(EffectRow.step == "owner")).all()
    return sum(Counter(row.case_id for row in rows if row.state == "done").values())


def _asleep(trial: Trial) -> int:
    """Count the paused runs, as Prefect sees them."""
    with (
        temporary_settings({PREFECT_API_URL: read_state(trial.home).prefect_api_url}),
        get_client(sync_client=True) as client,
    ):
        state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
        return client.count_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=["lead-routing"])),
            flow_run_filter=FlowRunFilter(state=state),
        )


def _memory(trial: Trial) -> int:
    """Give the worker's resident memory in MiB, while all of them wait."""
    pid = read_state(trial.home).parts.get("worker", 0)
    return round(psutil.Process(pid).memory_info().rss / 2**20) if pid else 0


def _decide_all() -> None:
    with transaction() as session:
        waiting = session.exec(select(ReviewRow.id).where(ReviewRow.status == Status.OPEN)).all()
    for review in waiting:
        yes = Answer(
            verb=Verb.APPROVE, by="karim", proof=Proof.HOST, channel="cli", comment="a trial"
        )
        take_answer(CONTRACT, review, yes)


if __name__ == "__main__":
    typer.run(main)
