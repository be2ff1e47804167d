"""Commands about the sheets: territories import, list, export."""

import getpass
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.doors.cli.cases import AsJson
from flows.doors.cli.rollout import By
from flows.doors.cli.words import show

if TYPE_CHECKING:
    from flows.doors.sheets import Brought
    from rollout.territories import Kind

territories = typer.Typer(
    help="Who serves whom: territories, roster, named accounts.", no_args_is_help=True
)
MOST_FINDINGS = 20
Sheet = Annotated[str, typer.Argument(help="territories, roster or accounts.")]
On = Annotated[str | None, typer.Option("--on", help="As in force on this day; default: today.")]


@territories.command("import")
def import_sheets(
    sheet: Annotated[
        Path | None, typer.Argument(help="CSV: territory, country, segment, team, ...")
    ] = None,
    roster: Annotated[Path | None, typer.Argument(help="CSV: team, owner_email, ...")] = None,
    *,
    accounts: Annotated[Path | None, typer.Option(help="CSV: domain, kind, owner_email.")] = None,
    valid_from: Annotated[
        str | None, typer.Option("--from", help="The first day it counts; default: today.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only say what is wrong and what would move.")
    ] = False,
    by: By = None,
) -> None:
    """Check sheets and put them in force from a day on; a sheet with an error changes nothing."""
    import asyncio

    from flows.doors.sheets import active_owners, bring, put_all_in_force
    from integrations.clock import now
    from rollout.errors import Invalid
    from rollout.territories import Kind

    named = {Kind.TERRITORIES: sheet, Kind.ROSTER: roster, Kind.ACCOUNTS: accounts}
    files = {kind: file for kind, file in named.items() if file is not None}
    if not files:
        raise Invalid("name at least one sheet: TERRITORIES, ROSTER or --accounts FILE")
    day = _day(valid_from, "--from") or now().date()
    brought = bring(files, asyncio.run(active_owners()))
    _tell(brought)
    if preview:
        _tell_moves(brought)
    else:
        put_all_in_force(brought, valid_from=day, by=by or getpass.getuser())
        sizes = ", ".join(f"{kind} ({len(one.rows)} rows)" for kind, one in brought.sheets.items())
        typer.echo(f"In force from {day}: {sizes}.")
    if brought.errors:
        raise typer.Exit(1)


@territories.command("list")
def list_territories(
    sheet: Sheet = "territories", *, on: On = None, as_json: AsJson = False
) -> None:
    """List a sheet as it is in force on a day."""
    show(
        _rows(sheet, on),
        as_json=as_json,
        title=sheet.capitalize(),
        nothing="There is none: `taxiway territories import TERRITORIES ROSTER`.",
    )


@territories.command()
def export(sheet: Sheet, *, on: On = None) -> None:
    """Print a sheet as CSV, as it can be imported again."""
    import csv

    from rollout.territories import NEEDED, OPTIONAL

    kind = _kind(sheet)
    columns = (*NEEDED[kind], *OPTIONAL[kind])
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: "" if value is None else value for name, value in row.items()}
        for row in _rows(sheet, on)
    )


def _rows(sheet: str, on: str | None) -> list[dict[str, object]]:
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.territories import NEEDED, OPTIONAL, all_rows

    kind = _kind(sheet)
    day = _day(on, "--on") or now().date()
    columns = (*NEEDED[kind], *OPTIONAL[kind])
    with transaction() as session:
        rows = all_rows(session, kind, day)
        return [{name: getattr(row, name) for name in columns} for row in rows]


def _kind(sheet: str) -> "Kind":
    from rollout.errors import Invalid
    from rollout.territories import Kind

    try:
        return Kind(sheet)
    except ValueError:
        raise Invalid(f"there is no sheet {sheet}; known: {', '.join(Kind)}") from None


def _day(words: str | None, option: str) -> date | None:
    from rollout.errors import Invalid

    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        raise Invalid(f"{option} {words}: not a day, write 2026-12-01") from None


def _tell(brought: "Brought") -> None:
    for note in brought.notes:
        typer.echo(f"note: {note}", err=True)
    for finding in brought.findings[:MOST_FINDINGS]:
        typer.echo(f"{'error' if finding.is_error else 'warning'}: {finding}", err=True)
    if (more := len(brought.findings) - MOST_FINDINGS) > 0:
        typer.echo(f"... and {more} more", err=True)


def _tell_moves(brought: "Brought") -> None:
    from flows.doors.sheets import what_would_move

    found = what_would_move(brought)
    if found is None:
        typer.echo("No new territories, so no lead would move. Nothing was stored.")
        return
    rows = [
        {"case": one.case_id, "lead": one.label, "before": one.before, "after": one.after}
        for one in found.moves
    ]
    title = f"{len(rows)} of the last 30 days' {found.leads} leads would move; nothing was stored"
    show(rows, as_json=False, title=title, nothing=title.capitalize() + ".")
