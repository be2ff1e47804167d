"""Commands about the ledger as evidence: audit verify, audit seal."""

from pathlib import Path
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson
from flows.doors.cli.words import show

audit = typer.Typer(help="Whether the ledger is still what it was.", no_args_is_help=True)


@audit.command()
def verify(
    *,
    heads: Annotated[
        Path | None, typer.Option(help="The published heads; default: this installation's file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the whole chain again; fails on any change, gap or cut."""
    from integrations.errors import OutsideError
    from tasks.seals import verify_ledger

    if heads is not None and not heads.exists():
        raise OutsideError(f"{heads}: there is no such file")
    verdict = verify_ledger(heads)
    rows = [
        {
            "rows": verdict.rows,
            "sealed": verdict.sealed,
            "unsealed": verdict.unsealed,
            "faults": list(verdict.faults) if as_json else len(verdict.faults),
            "losses": list(verdict.losses) if as_json else len(verdict.losses),
        }
    ]
    show(rows, as_json=as_json, title="The ledger", nothing="")
    if not as_json:
        for line in (*verdict.faults, *verdict.losses):
            typer.echo(f"- {line}")
    if verdict.faults:
        raise typer.Exit(1)


@audit.command("seal")
def seal_now() -> None:
    """Seal what was committed since the last time, and publish the end."""
    from tasks.seals import seal_ledger

    typer.echo(f"{seal_ledger()} rows were sealed.")
