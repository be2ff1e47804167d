"""Measure, print a table, and give one JSON object last."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from flows.doors.samples import plant_if_empty
from flows.doors.up import running
from rollout.authority import Authority
from tests.bench import evidence, people, races, safety
from tests.bench.flights import Bench, serving
from tests.bench.rows import Row, row
from tests.conftest import SOURCES
from tests.pilot import Pilot

PARTS = ("evidence", "safety", "people", "races", "flights")
LANES = (1, 2, 4, 8)
COMMANDS = ("--help", "--version", "no-such-command", "cases --json", "reviews", "rollout status")


def main(
    what: Annotated[
        list[str] | None, typer.Argument(help="evidence, safety, people, races, flights.")
    ] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A few of each, in minutes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
) -> None:
    """Measure lead routing beside bare Prefect and `flow.serve()`, and what safety costs."""
    wanted = what or list(PARTS)
    if strange := sorted(set(wanted) - set(PARTS)):
        raise typer.BadParameter(f"{', '.join(strange)}: choose from {', '.join(PARTS)}")
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console.width = 120
    began = time.monotonic()
    rows: list[Row] = []
    if "evidence" in wanted:
        rows += evidence.measure(console, quick=quick)
    if "safety" in wanted:
        rows += safety.measure(console, safety.QUICK if quick else safety.FULL)
    if "people" in wanted:
        rows += people.measure(console)
    if "races" in wanted:
        rows += races.measure(console, quick=quick)
    if "flights" in wanted:
        rows += _flights(console, quick=quick)
    load = [round(one, 2) for one in os.getloadavg()]
    _print(console, rows, load)
    if as_json:
        seconds = round(time.monotonic() - began)
        typer.echo(json.dumps({"rows": rows, "load": load, "cores": os.cpu_count(), "s": seconds}))


def _flights(console: Console, *, quick: bool) -> list[Row]:
    many, few, burst = (10, 3, 24) if quick else (40, 10, 60)
    home = Path(tempfile.mkdtemp(prefix="tw-bench-", dir="/tmp"))  # a short path for a socket
    home.chmod(0o755)
    os.environ |= {**SOURCES, "TAXIWAY_CRM_PER_SECOND": "10000"}
    began = time.monotonic()
    try:
        with running(home, console.print) as system:
            ready = time.monotonic() - began
            plant_if_empty(system)
            bench = Bench(Pilot(system))
            bench.prepare()
            rows = _latencies(bench, many, few, console)
            rows += _throughput(bench, burst, console)
            rows += _commands(system.env(), few)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    rows.append({"what": "up is ready", "n": 1, "p50": round(ready, 1), "unit": "s"})
    return rows


def _latencies(bench: Bench, many: int, few: int, console: Console) -> list[Row]:
    """Measure one after another, a case and a bare run in turn."""
    bench.at(Authority.FULL)
    bench.case()
    bench.bare()
    cases, bares = [], []
    for _ in range(many):
        cases.append(bench.case())
        bares.append(bench.bare())
    console.print("one at a time: measured.")
    with serving(bench.pilot):
        served = [bench.served() for _ in range(few)]
    console.print("flow.serve(): measured.")
    bench.at(Authority.RECOMMEND)
    approvals = [bench.approval() for _ in range(many)]
    console.print("approvals: measured.")
    bench.at(Authority.FULL)
    base = statistics.median(bares)
    return [
        row("bare warm Prefect flow, 4 tasks", bares, base),
        row("webhook -> CRM written", cases, base),
        row("the same through flow.serve()", served, base),
        row("approval -> CRM written", approvals, base),
    ]


def _throughput(bench: Bench, burst: int, console: Console) -> list[Row]:
    rows = []
    for lanes in LANES:
        bench.with_lanes(lanes)
        pairs = [(bench.cases_at_once(burst), bench.bare_at_once(burst)) for _ in range(2)]
        ours, bare = (statistics.median(one) for one in zip(*pairs, strict=True))
        rows.append(
            {
                "what": f"cases in a second, {lanes} lanes (bare: {bare:.2f})",
                "n": 2 * burst,
                "p50": round(ours, 2),
                "ratio": round(ours / bare, 2),
                "unit": "1/s",
            }
        )
        console.print(f"{lanes} lanes: measured.")
    return rows


def _commands(env: dict[str, str], count: int) -> list[Row]:
    def took(words: str) -> float:
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "flows.doors.cli", *words.split()],
            env={**os.environ, **env},
            capture_output=True,
            check=False,
        )
        return time.monotonic() - began

    return [row(f"taxiway {one}", _timed(took, one, count), None) for one in COMMANDS]


def _timed(took: Callable[[str], float], words: str, count: int) -> list[float]:
    took(words)
    return [took(words) for _ in range(count)]


def _print(console: Console, rows: list[Row], load: list[float]) -> None:
    title = f"Measured on {os.cpu_count()} cores, load {load[0]} {load[1]} {load[2]}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("what", "n", "p50", "p95", "unit", "ratio to bare"):
        table.add_column(name, justify="left" if name in {"what", "unit"} else "right")
    for one in rows:
        cells = (one.get(name, "") for name in ("what", "n", "p50", "p95", "unit", "ratio"))
        table.add_row(*map(str, cells))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
