"""Commands about what a contract's owners have agreed to: contract status, agree."""

import getpass
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson, Workflow
from flows.doors.cli.words import show

contract = typer.Typer(help="What a contract's owners have agreed to.", no_args_is_help=True)
By = Annotated[str | None, typer.Option("--as", help="Who; without it, this host's user.")]


@contract.command()
def status(workflow: Workflow, *, as_json: AsJson = False) -> None:
    """List each part, whose word it takes, and whether it still stands."""
    from dataclasses import asdict

    from flows.catalog import workflow as find
    from integrations.database import transaction
    from rollout.agreements import OWNER, agreements, digest_of

    agreed = find(workflow).contract
    owners = asdict(agreed.owners)
    with transaction() as session:
        rows = [
            {
                "part": part.value,
                "owner": owners[OWNER[part]],
                "stands": row is not None and row.digest == digest_of(agreed, part),
                "by": row.by if row else "",
                "at": row.at if row else "",
                "because": row.because if row else "",
            }
            for part, row in agreements(session, agreed)
        ]
    show(rows, as_json=as_json, title=f"{agreed.workflow}: agreed to", nothing="")


@contract.command()
def agree(
    workflow: Workflow,
    part: Annotated[str, typer.Argument(help="money, scope or credentials.")],
    *,
    because: Annotated[str, typer.Option(help="The reason, for the record.")],
    by: By = None,
) -> None:
    """Give an owner's word for a part as it stands; a changed part stops new cases until then."""
    from flows.catalog import workflow as find
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.agreements import Part
    from rollout.agreements import agree as record
    from rollout.errors import Invalid
    from rollout.people import read_directory

    agreed = find(workflow).contract
    if part not in set(Part):
        raise Invalid(f"{part} is not a part; known: {', '.join(Part)}")
    who = by or person_behind(getpass.getuser())
    with transaction() as session:
        record(
            session,
            read_directory(session),
            agreed,
            Part(part),
            by=who,
            because=because,
            now=now(),
        )
    typer.echo(f"{agreed.workflow}: {part} is agreed to by {who}.")
