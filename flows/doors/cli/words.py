"""How the command line speaks: tables for people, one JSON line for programs, errors in words."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import typer


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, title: str, nothing: str) -> None:
    """Print rows as a table, or as one JSON list on one line; say so when there are none."""
    if as_json:
        typer.echo(json.dumps(list(rows), default=str))
        return
    if not rows:
        typer.echo(nothing)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(said(value)) for value in row.values()))
    Console().print(table)


def said(value: object) -> str:
    """Say a value in a table's cell; text from outside loses what one cannot see."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    from rollout.brief import plain

    return plain(str(value))


def spoken(error: Exception) -> str | None:
    """Say an expected error in words; None for one that is a defect and needs its traceback."""
    from sqlalchemy.exc import OperationalError

    from integrations.errors import OutsideError
    from integrations.settings import SettingsError
    from rollout.errors import TaxiwayError

    if isinstance(error, TaxiwayError | OutsideError | SettingsError):
        return str(error)
    if isinstance(error, OperationalError):
        return (
            "the database does not answer. Is Taxiway running here? Start it with `taxiway up`, "
            "or check TAXIWAY_DATABASE_URL."
        )
    return None
