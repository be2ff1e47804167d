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
import time
from contextlib import suppress
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console
from rich.progress import Progress

from flows.contracts.lead_routing import CONTRACT
from flows.doors.state import read_state
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority, Exposure
from rollout.grants import change
from tests.hardship.trial import (
    Trial,
    answers,
    bodies_of,
    counts,
    end,
    open_events,
    pid_of,
    prepare,
)
from tests.pilot import until

LEADS = [one for one in samples.leads() if one.branch in {"good", "incomplete", "enterprise"}]
PARTS = ("worker", "receiver", "prefect", "crm", "postgres", "up")
WEIGHTS = (6, 3, 2, 2, 2, 1)
TWICE = 0.2  #: how many events a sender sends again although they were accepted
CALM = 240.0  #: seconds for what is left when nobody is killed any more


def hit(trial: Trial) -> None:
    """Kill one part, or stop it for a while."""
    (name,) = trial.dice.choices(PARTS, WEIGHTS)
    trial.kills[name] += 1
    if name == "up":
        assert trial.up is not None
        trial.up.kill()
        trial.up.wait()
        trial.start()
        return
    pid = pid_of(trial.home, name)
    if not pid:
        return
    with suppress(ProcessLookupError):
        if name != "postgres" and trial.dice.random() < 0.2:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(trial.dice.uniform(0.5, 5))
            os.kill(pid, signal.SIGCONT)
            trial.kills[f"{name} stopped"] += 1
        else:
            os.kill(pid, signal.SIGKILL)


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
    trial = prepare(chosen)
    began = time.monotonic()
    try:
        found = _fly(trial, minutes * 60, leads, every, console)
    finally:
        orphans = end(trial)
        shutil.rmtree(trial.home.parent, ignore_errors=True)
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
            share = Exposure(blind=0)
            change(
                session,
                CONTRACT,
                level,
                exposure=share,
                by="hardship",
                because="a trial",
                now=now(),
            )
    bodies = bodies_of(read_state(trial.home).crm_url, leads)
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
                hit(trial)
                next_hit = time.monotonic() + trial.dice.uniform(0.5, 1.5) * every
            time.sleep(0.2)
        # A part that took long to come back may have held up the last ones.
        trial.waiting += [(uuid4().hex, body) for body in bodies[sent:]]
        calm = time.monotonic() + CALM
        while time.monotonic() < calm and (trial.waiting or open_events(trial)):
            trial.send()
            time.sleep(1)
    until(lambda: answers(trial), "everything that was killed last is back", 60)
    return counts(trial)


if __name__ == "__main__":
    typer.run(main)
