"""Commands for people who take over: handoffs, handoff accept|done."""

import getpass
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson
from flows.doors.cli.reviews import By, Most, Overdue, Whose, names_behind
from flows.doors.cli.words import show


def handoffs(
    *,
    whose: Whose = None,
    overdue: Overdue = False,
    most: Most = 50,
    as_json: AsJson = False,
) -> None:
    """List what was handed to people and is not done, the earliest deadline first."""
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.handoffs import open_handoffs

    with transaction() as session:
        found = open_handoffs(
            session,
            receivers=names_behind(session, whose),
            due_before=now() if overdue else None,
            most=most,
        )
        rows = [
            {
                "handoff": f"{row.case_id}/{row.name}",
                "to": row.receiver,
                "decide": row.decide,
                "state": f"accepted by {row.accepted_by}" if row.accepted_by else row.state,
                "due": row.due_at,
                "otherwise": row.otherwise,
            }
            for row in found
        ]
    show(rows, as_json=as_json, title="Handoffs", nothing="Nothing is handed off.")
    if rows and not as_json:
        typer.echo("\nNext: taxiway handoff accept HANDOFF, and done when it is.")


handoff = typer.Typer(help="Take on what was handed to you, and say when it is done.")
WhichHandoff = Annotated[str, typer.Argument(help="The case, or CASE/EXCEPTION.")]


@handoff.command("accept")
def accept_handoff(which: WhichHandoff, *, by: By = None) -> None:
    """Take a handoff on; its deadline stays."""
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.handoffs import accept

    who = by or person_behind(getpass.getuser())
    with transaction() as session:
        row = accept(session, which, by=who, now=now())
    typer.echo(f"{row.case_id}/{row.name} is {row.accepted_by}'s. Due {row.due_at:%Y-%m-%d %H:%M}.")


@handoff.command("done")
def finish_handoff(which: WhichHandoff, *, by: By = None) -> None:
    """Say that what was asked for is done."""
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.handoffs import finish

    who = by or person_behind(getpass.getuser())
    with transaction() as session:
        row = finish(session, which, by=who, now=now())
    typer.echo(f"{row.case_id}/{row.name} is done.")
