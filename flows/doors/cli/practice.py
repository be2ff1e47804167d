"""Commands about what is practised before it counts: rollout drill, rehearse."""

import getpass
from typing import Annotated

import typer

from flows.doors.cli.cases import Workflow
from flows.doors.cli.rollout import By, rollout


@rollout.command()
def drill(workflow: Workflow, *, by: By = None) -> None:
    """Practise the stop: it is raised on file, the gate must refuse, and work goes on after it."""
    from flows.catalog import workflow as find
    from flows.doors.decisions import person_behind
    from tasks.drill import drill as practise

    seconds = practise(find(workflow).contract, by or person_behind(getpass.getuser()))
    typer.echo(f"{workflow}: stopped and refused within {seconds:.2f} s; no real work stood still.")


@rollout.command()
def rehearse(
    workflow: Workflow,
    exceptions: Annotated[list[str], typer.Argument(help="Exceptions of its contract.")],
    *,
    because: Annotated[str, typer.Option(help="How it was rehearsed: who decided what.")],
    by: By = None,
) -> None:
    """Put on record that those who receive an exception have walked through it."""
    from flows.catalog import workflow as find
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.rehearsals import rehearse as record
    from rollout.rehearsals import unmet

    contract, moment = find(workflow).contract, now()
    who = by or person_behind(getpass.getuser())
    with transaction() as session:
        record(session, contract, exceptions, by=who, because=because, now=moment)
        left = unmet(session, contract, moment)
    more = f"not met yet: {', '.join(left)}" if left else "every kind was met or rehearsed"
    typer.echo(f"{workflow}: on record for half a year; {more}.")
