"""Commands about rising: rollout request, requests, sign."""

import getpass
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson, Workflow
from flows.doors.cli.climb import Because, Release, Scope
from flows.doors.cli.rollout import (
    Branches,
    By,
    Segments,
    Teams,
    check_credentials,
    rollout,
)
from flows.doors.cli.words import show


@rollout.command()
def requests(*, as_json: AsJson = False) -> None:
    """List the requests to rise that wait for a signature, and whose is missing."""
    from dataclasses import asdict

    from flows.catalog import WORKFLOWS
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.rising import VALID, open_rises
    from rollout.signers import SIGNERS

    rows = []
    with transaction() as session:
        for one in WORKFLOWS:
            owners = asdict(one.contract.owners)
            rows += [
                {
                    "request": row.id,
                    "workflow": one.name,
                    "to": row.words,
                    "because": row.because,
                    "asked_by": row.asked_by,
                    "evidence": row.digest,
                    "signed_by": ", ".join(str(who["by"]) for who in row.signatures.values()),
                    "missing": ", ".join(
                        owners[role] for role in SIGNERS if role not in row.signatures
                    ),
                    "until": row.at + VALID,
                }
                for row in open_rises(session, one.name, now())
            ]
    show(rows, as_json=as_json, title="Requests to rise", nothing="No request waits.")


@rollout.command()
def request(  # noqa: PLR0913 # each option is one word of the request
    workflow: Workflow,
    *,
    because: Because,
    percent: Annotated[float | None, typer.Option(help="to limited: the share.")] = None,
    segment: Segments = None,
    team: Teams = None,
    branch: Branches = None,
    release: Release = "",
    scope: Scope = "",
    by: By = None,
) -> None:
    """Ask for the next level or share, or to lift a cap; refused with the reasons meanwhile."""
    from flows.catalog import workflow as find
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.authority import exposure_of
    from rollout.policy import policy_of
    from rollout.releases import named_release
    from rollout.rising import VALID, ask_to_rise

    named = (segment or [], team or [], branch or [])
    wanted = exposure_of(percent, *named) if percent is not None or any(named) else None
    contract = find(workflow).contract
    who = by or person_behind(getpass.getuser())
    with transaction() as session:
        row = ask_to_rise(
            session,
            contract,
            policy_of(contract),
            by=who,
            because=because,
            exposure=wanted,
            rival=named_release(session, workflow, release),
            scope=scope,
            now=now(),
        )
        to = row.words
    owners = contract.owners
    typer.echo(
        f"Request {row.id}: {workflow} to {to}, on the evidence {row.digest}. "
        f"{owners.business} and {owners.governance} sign it within {VALID.days} days:\n"
        f"taxiway rollout sign {workflow} {row.id} --as NAME"
    )


@rollout.command()
def sign(
    workflow: Workflow,
    number: Annotated[int, typer.Argument(help="The request.")],
    *,
    by: By = None,
) -> None:
    """Sign a request; the second signature applies it, if the evidence still stands."""
    from flows.catalog import workflow as find
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.answers import Proof
    from rollout.authority import Authority, Grant
    from rollout.people import read_directory
    from rollout.policy import policy_of
    from rollout.rising import sign as record

    contract = find(workflow).contract
    who = by or person_behind(getpass.getuser())
    with transaction() as session:
        stands = record(
            session,
            read_directory(session),
            contract,
            policy_of(contract),
            number,
            by=who,
            proof=Proof.DECLARED if by else Proof.HOST,
            now=now(),
        )
        if isinstance(stands, Grant):
            check_credentials(session, contract, Authority(stands.authority))
    if isinstance(stands, Grant):
        typer.echo(f"{workflow} is now {stands} (revision {stands.revision}).")
    else:
        typer.echo(f"Request {number} is signed by {who}; one more signature is missing.")
