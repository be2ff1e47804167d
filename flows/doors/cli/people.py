"""Commands about people and their working time: people, calendar due."""

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson
from flows.doors.cli.rollout import By
from flows.doors.cli.words import show

people = typer.Typer(help="Who works here, in which groups, and when.", invoke_without_command=True)
calendar = typer.Typer(help="Working time.", no_args_is_help=True)


@people.callback()
def listed(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the groups, who is in them, and when they work."""
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.people import read_directory

    if context.invoked_subcommand is not None:
        return
    with transaction() as session:
        directory = read_directory(session)
    today = now().date()
    rows = [
        {
            "group": group.name,
            "members": ", ".join(one.name for one in directory.who(group.name, today)),
            "hours": f"{group.calendar.opens:%H:%M}-{group.calendar.closes:%H:%M}",
            "weekdays": " ".join(group.calendar.weekdays),
            "time_zone": group.calendar.time_zone,
            "holidays": group.calendar.holidays,
        }
        for group in directory.groups.values()
    ]
    nothing = "Nobody is known yet: `taxiway people import FILE`."
    show(rows, as_json=as_json, title="Groups", nothing=nothing)


@people.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(help="TOML: [people.NAME] and [groups.NAME].")],
    *,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only say what is wrong and what would change.")
    ] = False,
    by: By = None,
) -> None:
    """Put a directory in the place of the one before; one with an error changes nothing."""
    from flows.catalog import WORKFLOWS
    from integrations.clock import now
    from integrations.database import transaction
    from integrations.errors import OutsideError
    from rollout.people import difference, let_count, read_directory
    from rollout.people_sheet import parse
    from rollout.roles import concerns

    try:
        content = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OutsideError(f"{file} cannot be read: {error}") from None
    directory = parse(content)
    with transaction() as session:
        changes = difference(read_directory(session), directory)
        if not preview:
            let_count(session, directory, by=by or getpass.getuser(), now=now())
    contracts = [one.contract for one in WORKFLOWS]
    for line in changes:
        typer.echo(f"- {line}")
    for line in concerns(directory, contracts, now().date()):
        typer.echo(f"! {line}")
    count = f"{len(directory.people)} people in {len(directory.groups)} groups"
    typer.echo(f"{count}: nothing was changed." if preview else f"{count} count from now on.")


@people.command("export")
def export_people() -> None:
    """Print the directory as it counts now, as TOML."""
    from integrations.database import transaction
    from rollout.people import read_directory
    from rollout.people_sheet import write

    with transaction() as session:
        typer.echo(write(read_directory(session)), nl=False)


@calendar.command("due")
def due_at(
    *,
    group: Annotated[str, typer.Option(help="A group or a person.")],
    start: Annotated[str, typer.Option("--from", help="ISO 8601 with a time zone.")],
    business_days: Annotated[int, typer.Option(min=0)] = 0,
    business_hours: Annotated[int, typer.Option(min=0)] = 0,
    business_minutes: Annotated[int, typer.Option(min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Say when something is due in a group's working time, and why then."""
    from integrations.database import transaction
    from rollout.business_time import Business, due
    from rollout.errors import Invalid, Unknown
    from rollout.people import read_directory

    within = Business(business_days, business_hours, business_minutes)
    if not within:
        raise Invalid("say how long: --business-days N, --business-hours N, --business-minutes N")
    try:
        begins = datetime.fromisoformat(start)
    except ValueError:
        raise Invalid(f"--from {start}: write it like 2026-11-06T16:55+01:00") from None
    with transaction() as session:
        directory = read_directory(session)
    if not directory.knows(group):
        raise Unknown(f"there is no group or person {group}. `taxiway people` lists them.")
    found = due(directory.calendar_of(group), begins, within)
    rows = [{"due": found.at.isoformat(), "reasoning": "; ".join(found.reasoning)}]
    if as_json:
        show(rows, as_json=True, title="", nothing="")
        return
    typer.echo(f"{found.at:%Y-%m-%dT%H:%M:%SZ}")
    for line in found.reasoning:
        typer.echo(f"  {line}")
