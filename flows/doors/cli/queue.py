"""Commands about the work that waits for people, and what they made of it."""

from datetime import date, datetime, time
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson, Workflow
from flows.doors.cli.words import show


def backlog(*, as_json: AsJson = False) -> None:
    """Forecast for each group of reviewers when what waits is decided, and what will be late."""
    from dataclasses import asdict

    from flows.catalog import WORKFLOWS
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.backlog import backlog_of
    from rollout.people import read_directory

    with transaction() as session:
        directory = read_directory(session)
        groups = dict.fromkeys(
            name
            for one in WORKFLOWS
            for name in (
                one.contract.owners.reviewer,
                *(leg.to for leg in one.contract.review_then),
            )
        )
        found = [backlog_of(session, directory, group, now()) for group in groups]
    rows = [
        {
            **asdict(one),
            "arrive_per_hour": round(one.arrive_per_hour, 2),
            "decide_per_hour": round(one.decide_per_hour, 2),
        }
        for one in found
    ]
    show(rows, as_json=as_json, title="Backlog", nothing="There are no reviewers.")
    if not as_json and any(not one.is_measured for one in found):
        typer.echo("is_measured no: nothing was decided lately, so the pace is a guess.")


def feedback(
    workflow: Workflow,
    *,
    since: Annotated[str, typer.Option(help="The first day, like 2026-11-01.")] = "",
    cases: Annotated[
        bool, typer.Option("--cases", help="Every decision as a line of JSON.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what people made of the proposals: accepted, edited, rejected, and whose error it was."""
    from dataclasses import asdict

    from flows.catalog import workflow as find
    from integrations.database import transaction
    from rollout.canonical import canonical
    from rollout.feedback import evaluation_cases, summary

    name = find(workflow).name
    with transaction() as session:
        found = list(evaluation_cases(session, name, _start(since)))
    if cases:
        for one in found:
            typer.echo(canonical(asdict(one)).decode())
        return
    row = asdict(summary(iter(found)))
    row["faults"] = ", ".join(f"{name} {n}" for name, n in sorted(row["faults"].items()))
    show([row], as_json=as_json, title=f"{name}: decisions", nothing="")


def notices(*, as_json: AsJson = False) -> None:
    """List what people are still to be told, and who is told of which event."""
    from integrations.database import transaction
    from rollout.notices import TABLE, waiting

    with transaction() as session:
        rows = [
            {"made": one.made_at, "event": one.event, "to": one.to, "subject": one.subject}
            for one in waiting(session)
        ]
    show(rows, as_json=as_json, title="Not told yet", nothing="Everybody was told.")
    if not as_json:
        table = [
            {"event": event.value, "role": tell.role, "channels": " ".join(tell.channels)}
            for event, tells in TABLE.items()
            for tell in tells
        ]
        show(table, as_json=False, title="Who is told", nothing="")


def _start(day: str) -> datetime | None:
    from datetime import UTC

    from rollout.errors import Invalid

    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC)
    except ValueError:
        raise Invalid(f"{day!r} is not a day; one is for example 2026-11-01") from None
