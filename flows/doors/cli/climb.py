"""Commands about the climb: rollout gates, why-not, fall, acknowledge, releases."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from flows.doors.cli.cases import AsJson, Workflow
from flows.doors.cli.rollout import By, rollout
from flows.doors.cli.words import show

if TYPE_CHECKING:
    from rollout.ahead import Ahead

Release = Annotated[str, typer.Option(help="Another release, to take the champion's place.")]
Scope = Annotated[str, typer.Option(help="A capped part, like segment:SMB: what lifts its cap.")]
Because = Annotated[str, typer.Option(help="The reason, for the record.")]


@rollout.command()
def gates(
    workflow: Workflow, *, release: Release = "", scope: Scope = "", as_json: AsJson = False
) -> None:
    """List the gates to the next level, each with its evidence."""
    ahead = _ahead(workflow, release, scope)
    rows = [
        {
            "gate": one.gate,
            "status": one.status.value,
            "because": one.because,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "log_e": one.log_e,
            "needs": one.needs,
            "only_says": one.is_dry,
        }
        for one in ahead.gates
    ]
    if not as_json:
        rows = [
            {
                "gate": one.gate,
                "status": f"({one.status}, only says)" if one.is_dry else one.status.value,
                "because": one.because,
            }
            for one in ahead.gates
        ]
    target = ahead.target if ahead.to else "nothing higher"
    title = f"{workflow}: from {ahead.grant.authority} to {target}"
    show(rows, as_json=as_json, title=title, nothing="There is no next level, or no gate to it.")


@rollout.command("why-not")
def why_not(
    workflow: Workflow, *, release: Release = "", scope: Scope = "", as_json: AsJson = False
) -> None:
    """Say what stands between a workflow and its next level, and about how long it takes."""
    import json

    ahead = _ahead(workflow, release, scope)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "workflow": workflow,
                    "authority": ahead.grant.authority.value,
                    "next": ahead.to.value if ahead.to else None,
                    "target": ahead.target if ahead.to else None,
                    "status": ahead.status.value,
                    "because": ahead.because,
                    "digest": ahead.digest,
                    "release": ahead.release,
                }
            )
        )
        return
    if ahead.to is None:
        typer.echo(f"{workflow} is at {ahead.grant}: that is its ceiling, by its contract.")
        return
    if not ahead.because:
        typer.echo(f"Every gate to {ahead.target} passes. Next: taxiway rollout request {workflow}")
        return
    typer.echo(f"{workflow} stays at {ahead.grant} and does not rise to {ahead.target}:")
    for why in ahead.because:
        typer.echo(f"- {why}")


@rollout.command("fall")
def fall_(
    workflow: Workflow,
    *,
    because: Because,
    severity: Annotated[str, typer.Option(help="S1: off. S2: one level. S3: only no rise.")] = "S2",
    by: By = None,
) -> None:
    """Lower a workflow at once, and shut the way up until somebody says why it fell."""
    from flows.catalog import workflow as find
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.falling import fall, latch

    contract = find(workflow).contract
    with transaction() as session:
        grant = fall(
            session,
            contract,
            severity=severity,
            by=by or getpass.getuser(),
            because=because,
            now=now(),
        )
        shut = latch(session, workflow, now())
    typer.echo(f"{workflow} is now {grant}. {shut}.")


@rollout.command()
def acknowledge(
    workflow: Workflow,
    *,
    cause: Annotated[str, typer.Option(help="What it was.")],
    by: By = None,
) -> None:
    """Say why a workflow fell; the way up opens again when its time is over."""
    from flows.catalog import workflow as find
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.falling import acknowledge as record
    from rollout.falling import latch

    contract = find(workflow).contract
    with transaction() as session:
        record(session, contract, by=by or getpass.getuser(), cause=cause, now=now())
        shut = latch(session, workflow, now())
    typer.echo(f"{workflow}: on record. {shut or 'The way up is open'}.")


@rollout.command()
def releases(workflow: Workflow, *, as_json: AsJson = False) -> None:
    """List what has answered here, the latest first: what changed, and whose the level is."""
    from flows.catalog import workflow as find
    from integrations.database import transaction
    from rollout.releases import champion
    from rollout.releases import releases as read

    name = find(workflow).name
    with transaction() as session:
        holds = champion(session, name)
        rows = [
            {
                "release": row.id[:12],
                "name": row.manifest.get("name", ""),
                "version": row.manifest.get("version", ""),
                "model": row.manifest.get("model", ""),
                "changed": row.change,
                "since": row.parent[:12],
                "seen_at": row.seen_at,
                "champion": row.id == holds,
            }
            for row in read(session, name)
        ]
    nothing = "No agent has answered yet."
    show(rows, as_json=as_json, title=f"{name}: releases", nothing=nothing)


def _ahead(workflow: str, release: str, scope: str) -> "Ahead":
    from flows.catalog import workflow as find
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.ahead import look_ahead
    from rollout.policy import policy_of
    from rollout.releases import named_release

    contract = find(workflow).contract
    with transaction() as session:
        rival = named_release(session, workflow, release)
        return look_ahead(session, contract, policy_of(contract), now(), rival, scope)
