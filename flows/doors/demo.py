"""
The demo: sample leads through the real system, as signed webhooks, at three levels in turn.

It uses the product's own doors only: HTTP for the leads, `decide` for the person, transitions for
the authority, the ledger for the table. At the end it checks that everything is explained.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from flows.contracts.lead_routing import CONTRACT
from flows.doors.decisions import decide_from_terminal
from flows.doors.evidence import Told, told, unexplained
from flows.doors.samples import plant_if_empty
from flows.doors.state import read_state, stop_running
from flows.doors.up import Installation, running
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.samples import SampleLead
from integrations.settings import home
from integrations.signatures import sign
from rollout.authority import Authority, Exposure
from rollout.brief import plain
from rollout.case import Ending
from rollout.errors import TaxiwayError
from rollout.grants import change
from rollout.reviews import open_reviews

PERCENT = 40
PATIENCE = 60.0  #: seconds for one phase
REVIEWER = "karim"  #: one of the sample people

Say = Callable[[str], None]


@dataclass
class Flight:
    """What the demo has sent, and what became of it."""

    system: Installation
    say: Say
    sent: dict[str, SampleLead] = field(default_factory=dict)  #: by inbox id
    refused: list[str] = field(default_factory=list)
    edited: str = ""

    def send(self, lead: SampleLead, *, event: str, form: dict[str, Any] | None = None) -> int:
        """Send one signed webhook; gives the status of its answer."""
        content = {
            "type": "lead.created",
            "timestamp": lead.form["submitted_at"],
            "data": form or lead.form,
        }
        body = json.dumps(content, sort_keys=True).encode()
        return self.post(lead, event, body, sign(self._secret(), event, now(), body))

    def post(self, lead: SampleLead, event: str, body: bytes, headers: dict[str, str]) -> int:
        """Post bytes to the receiver, and note what it said."""
        answer = httpx.post(
            f"{self.system.state.hooks_url}/hooks/website", content=body, headers=headers
        )
        content = answer.json()
        if answer.status_code == 202:
            self.sent[content["id"]] = lead
        elif answer.status_code != 200:
            self.refused.append(f"{lead.key} {event}: {answer.status_code} {content['error']}")
        return answer.status_code

    def _secret(self) -> str:
        return self.system.state.hook_secrets["website"][0]


def fly(*, stay: bool, as_json: bool) -> int:
    """Fly the demo; gives the exit status: 0 when every case is explained."""
    console = _console(as_json=as_json)
    for name in NOT_HERE:
        os.environ.pop(name, None)
    folder = _folder()
    started = time.monotonic()

    def say(words: str) -> None:
        console.print(Text(f"{time.monotonic() - started:5.1f} s  {words}"))

    with running(folder, say) as system:
        if not plant_if_empty(system):
            raise TaxiwayError(
                f"{folder} has been used before: remove it, or choose another with TAXIWAY_HOME"
            )
        flight = Flight(system, say)
        _take_off(console, flight)
        rows = told(flight.sent)
        seconds = time.monotonic() - started
        loose = unexplained(system, rows, len(flight.sent))
        _show(console, flight, rows)
        console.print(_closing(system, flight, rows, loose, seconds))
        if stay:
            _stay(console, folder)
    if as_json:
        typer.echo(_summary(rows, flight, loose, seconds))
    return 0 if not loose else 1


def _folder() -> Path:
    """Give the demo's folder: the one that is asked for, else its own, emptied."""
    if "TAXIWAY_HOME" in os.environ:
        return home()
    folder = home() / "demo"
    if folder.exists() and not read_state(folder).is_running:
        stop_running(folder)
        shutil.rmtree(folder)
    return folder


def _take_off(console: Console, flight: Flight) -> None:
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("leads", total=len(samples.leads()))
        for sent in _phases(flight):
            progress.update(bar, advance=sent)


def _console(*, as_json: bool) -> Console:
    """Give the voice; into a file it is as wide as the table, since nobody can widen that."""
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console.width = 140
    return console


def _phases(flight: Flight) -> Iterator[int]:
    by_phase = {name: [one for one in samples.leads() if one.phase == name] for name in PHASES}
    for name, leads in by_phase.items():
        level, share = PHASES[name]
        _promote(flight, level, share)
        for lead in leads:
            yield from _send(flight, lead)
        _until_quiet(flight, decide=level is not Authority.SHADOW)
        flight.say(f"{name}: {len(leads)} leads have flown.")


#: The demo is a world of its own: it neither calls your systems nor signs with your keys.
NOT_HERE = (
    *("TAXIWAY_CRM_URL", "TAXIWAY_CRM_TOKEN", "TAXIWAY_CRM_READ_TOKEN", "TAXIWAY_HEARTBEAT_URL"),
    *("TAXIWAY_HOOK_SECRETS", "TAXIWAY_HOOK_STYLES", "TAXIWAY_HOOKS_PUBLIC_URL"),
)
SEEN = Exposure(blind=0)  #: the demo's reviewer says yes to what it is shown
PHASES = {
    "shadow": (Authority.SHADOW, None),
    "recommend": (Authority.RECOMMEND, SEEN),
    "limited": (Authority.LIMITED, SEEN.model_copy(update={"basis_points": PERCENT * 100})),
}


def _promote(flight: Flight, level: Authority, share: Exposure | None) -> None:
    with transaction() as session:
        grant = change(
            session,
            CONTRACT,
            level,
            exposure=share,
            by="demo",
            because="the demo climbs by hand; evidence comes from your own cases",
            now=now(),
        )
    flight.say(f"authority: {grant}")


def _send(flight: Flight, lead: SampleLead) -> Iterator[int]:
    event = f"evt-{lead.key}"
    if lead.special == "bad-signature":
        flight.post(lead, event, b"{}", {"webhook-id": event, "webhook-timestamp": "1"})
        yield 1
        return
    flight.send(lead, event=event)
    if lead.special == "redelivered":
        flight.send(lead, event=event)
    if lead.special == "changed-body":
        flight.send(lead, event=event, form={**lead.form, "job_title": "Somebody else"})
    if lead.special == "twice":
        again = {**lead.form, "submission_id": f"{lead.form['submission_id']}-again"}
        flight.send(lead, event=f"{event}-again", form=again)
    yield 1


def _until_quiet(flight: Flight, *, decide: bool) -> None:
    """Wait until every case has ended; meanwhile play the reviewer."""
    deadline = time.monotonic() + PATIENCE
    while any(row.ending == "open" for row in told(flight.sent)):
        if time.monotonic() > deadline:
            flight.say("some cases have not ended in time; they are listed as open")
            return
        if decide:
            _answer(flight)
        time.sleep(0.2)


def _answer(flight: Flight) -> None:
    with transaction() as session:
        waiting = open_reviews(session)
    for review in waiting:
        owners: list[str] = review.choices["owner"]
        if flight.edited or len(owners) < 2:
            _decide(review.id, "approve", {}, None)
            continue
        current = next(row.owner for row in told(flight.sent) if row.case == review.case_id)
        other = next(owner for owner in owners if owner != current)
        _decide(review.id, "edit", {"owner": other}, "customer_context")
        flight.edited = review.case_id
        flight.say(f"{review.case_id} waited for a person, who chose {other} instead")


def _decide(review: str, verb: str, edit: dict[str, str], reason: str | None) -> None:
    decide_from_terminal(
        review, verb, by=REVIEWER, user="demo", edit=edit, reason=reason, comment=""
    )


def _show(console: Console, flight: Flight, rows: list[Told]) -> None:
    table = Table(
        title="What happened to each lead", title_justify="left", box=None, pad_edge=False
    )
    for name in ("lead", "case", "lane", "ruling"):
        table.add_column(name, no_wrap=True)
    table.add_column("because", overflow="fold")
    table.add_column("ending", no_wrap=True)
    table.add_column("s", no_wrap=True, justify="right")
    table.add_column("human", no_wrap=True)
    for row in rows:
        seconds = f"{row.seconds:.1f}" if row.seconds is not None else ""
        cells = (row.lead, row.case, row.lane, row.ruling, plain(row.because, 66), row.ending)
        table.add_row(*(Text(cell) for cell in (*cells, seconds, row.compared)))
    console.print(table)
    for line in flight.refused:
        console.print(Text(f"refused at the door: {line}"))


def _closing(
    system: Installation, flight: Flight, rows: list[Told], loose: list[str], seconds: float
) -> Text:
    same = Counter(row.compared for row in rows if row.lane.startswith("shadow"))
    watched = f"{same['same']} of {same['same'] + same['other']}"
    lines = [
        f"\nIn shadow the agent chose as people did in {watched} cases, and wrote nothing.",
        f"{flight.edited} was edited by a person, and the edit is what the CRM has.",
        f"Unexplained: {len(loose)}." + "".join(f"\n  {one}" for one in loose),
        f"{len(_cases(rows))} cases in {seconds:.0f} s.",
        "",
        f"In the Prefect UI ({system.ui} while it is up): Runs, each by its case's name;",
        "Deployments > lead-routing, its description, its form, its schedules.",
        "`taxiway demo --stay` leaves it up to look around.",
    ]
    return Text("\n".join(lines))


def _summary(rows: list[Told], flight: Flight, loose: list[str], seconds: float) -> str:
    return json.dumps(
        {
            "cases": len(_cases(rows)),
            "endings": dict(Counter(row.ending for row in _cases(rows))),
            "joined": len(rows) - len(_cases(rows)),
            "seconds": round(seconds, 1),
            "unexplained": len(loose),
            "refused": len(flight.refused),
            "edited": flight.edited,
        }
    )


def _cases(rows: list[Told]) -> list[Told]:
    """Leave out the events that joined the case of another one."""
    return [row for row in rows if row.ending != Ending.JOINED]


def _stay(console: Console, folder: Path) -> None:
    console.print(
        Text(
            f"It stays up. In another terminal: TAXIWAY_HOME={folder} taxiway cases\n"
            "Ctrl-C ends everything."
        )
    )
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        return
