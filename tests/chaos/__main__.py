"""The harness: starts senders, kills them, counts. See the package's own words."""

import json
import os
import random
import signal
import time
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from tests.chaos.sender import KINDS, Job, run
from tests.chaos.world import World, counts, plan, sent, spoil, unfinished, world
from tests.pilot import until
from tests.sandbox import answers

STOPPED = 0.08  #: how many senders are stopped past their lease before they are killed
PATIENCE = 120.0  #: seconds for what is left when nobody is killed any more


def main(
    *,
    kills: Annotated[int, typer.Option(min=1, help="How often a sender is killed.")] = 100,
    seed: Annotated[int | None, typer.Option(help="Repeats a run's choices.")] = None,
    kinds: Annotated[str, typer.Option(help="How the writes are made safe.")] = ",".join(KINDS),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
) -> None:
    """Kill senders in the middle of their writes, and count what reached the CRM."""
    chosen = random.SystemRandom().randrange(10**6) if seed is None else seed
    console = Console(stderr=as_json)
    with world() as made, Progress(console=console, transient=True) as progress:
        until(lambda: answers(made.env["TAXIWAY_CRM_URL"]), "the sandbox listens")
        forks = made.disorder.senders("tests.chaos.sender")
        jobs = plan(made, kills * 5, _known(kinds))
        bar = progress.add_task("kills", total=kills)
        began = time.monotonic()
        in_gap = 0
        dice = random.Random(chosen)
        for _ in range(kills):
            in_gap += _kill_one(made, forks, jobs, dice)
            progress.update(bar, advance=1)
        _finish(made, forks, jobs, dice)
        found = counts(made, jobs)
        seconds = time.monotonic() - began
    summary = {
        "kills": kills,
        "in_gap": in_gap,
        "effects": len(jobs),
        **found,
        "clock": made.disorder.done["clock"],
        "database": made.disorder.done["database"],
        "disk": made.disorder.done["disk"],
        "seconds": round(seconds, 1),
        "seed": chosen,
    }
    for what in made.disorder.missing:
        console.print(f"{what}: not on this machine, see tests/chaos/disorder.py")
    console.print(", ".join(f"{name} {value}" for name, value in summary.items()))
    if as_json:
        typer.echo(json.dumps(summary))
    if any(found[name] for name in ("lost", "doubled", "stuck", "failed", "unattended")):
        raise typer.Exit(1)


def _known(kinds: str) -> tuple[str, ...]:
    chosen = tuple(kinds.split(","))
    if unknown := sorted(set(chosen) - set(KINDS)):
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(KINDS)}")
    return chosen


def _kill_one(made: World, forks: ForkServerContext, jobs: list[Job], dice: random.Random) -> bool:
    """Start a sender and kill it; gives whether a write was under way without an answer."""
    before = sent(made.workflow)
    spoil(made, dice)
    sender = _start(made, forks, jobs, dice.randrange(10**9))
    made.disorder.strike(dice)
    deadline = time.monotonic() + 5
    if dice.random() < 0.9:  # wait for the gap; the others die anywhere
        while sent(made.workflow) <= before and sender.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
    else:
        time.sleep(dice.uniform(0, 0.4))
    if dice.random() < STOPPED:
        _outlast(made, forks, jobs, dice, sender)
    sender.kill()
    sender.join()
    return sent(made.workflow) > before


def _outlast(
    made: World,
    forks: ForkServerContext,
    jobs: list[Job],
    dice: random.Random,
    sender: BaseProcess,
) -> None:
    """Stop a sender past its lease, let another one take over meanwhile, and wake it."""
    if sender.pid is None or not sender.is_alive():
        return
    os.kill(sender.pid, signal.SIGSTOP)
    other = _start(made, forks, jobs, dice.randrange(10**9))
    time.sleep(dice.uniform(0.6, 1.2))  # the lease is 0.4
    os.kill(sender.pid, signal.SIGCONT)
    time.sleep(0.2)
    other.kill()
    other.join()


def _start(made: World, forks: ForkServerContext, jobs: list[Job], seed: int) -> BaseProcess:
    left = unfinished(made.workflow, jobs)
    sender = forks.Process(target=run, args=(left, made.workflow, made.env, seed), daemon=True)
    sender.start()
    return sender


def _finish(made: World, forks: ForkServerContext, jobs: list[Job], dice: random.Random) -> None:
    """Let senders work undisturbed until nothing is left to do."""
    made.crm.works_again()
    made.disorder.calm()
    deadline = time.monotonic() + PATIENCE
    while unfinished(made.workflow, jobs) and time.monotonic() < deadline:
        senders = [_start(made, forks, jobs, dice.randrange(10**9)) for _ in range(2)]
        for sender in senders:
            sender.join(max(0.0, deadline - time.monotonic()))
            sender.kill()
            sender.join()


if __name__ == "__main__":
    typer.run(main)
