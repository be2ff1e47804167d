"""Commands about backups: backup, restore."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from flows.doors.cli.words import show

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON line.")]


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for it.")], *, as_json: AsJson = False
) -> None:
    """Write the ledger, Prefect's history and the webhook keys into a folder; runs go on."""
    from flows.doors.backup import back_up

    made = back_up(folder)
    rows = [
        {
            "folder": str(folder),
            "taken_at": made.taken_at,
            "databases": ", ".join(made.databases),
            "sealed": made.sealed,
        }
    ]
    show(rows, as_json=as_json, title="Backup", nothing="")
    if not as_json:
        typer.echo(
            "It holds personal data and keys: keep it as safe as the database. Keep the file of "
            "published heads elsewhere; it is not in here."
        )


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `taxiway backup` has written.")],
    *,
    keep_authority: Annotated[
        str | None,
        typer.Option(
            help="Your word, with the reason, that no agent was lowered or stopped since the "
            "backup; without it all are stopped."
        ),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Your name; default: who is logged in.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of what is here; what is newer is looked up, not sent again."""
    from flows.doors.backup import restore as put_back

    done = put_back(
        folder,
        by=by or getpass.getuser(),
        vouched=keep_authority,
        tell=lambda words: typer.echo(words, err=True),
    )
    rows = [
        {
            "taken_at": done.taken_at,
            "databases": ", ".join(done.databases),
            "put_aside": ", ".join(done.aside),
            "to_look_up": done.to_look_up,
            "halted": done.halted,
        }
    ]
    show(rows, as_json=as_json, title="Restored", nothing="")
    if as_json:
        return
    typer.echo("`taxiway up` starts it.")
    if done.halted:
        typer.echo(
            "Every agent is stopped: whether one was lowered since the backup is unknown. "
            "`taxiway rollout revive all --because ...` lets them start at shadow."
        )
    if done.aside:
        typer.echo(f"What was here before: {', '.join(done.aside)}; drop it when all is well.")
