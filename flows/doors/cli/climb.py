"""Commands about the climb: rollout gates, why-not, request, sign, fall, acknowledge."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.doors.cli.cases import AsJson, Workflow
from flows.doors.cli.rollout import By, check_credentials, rollout
from flows.doors.cli.words import show

if TYPE_CHECKING:
    from rollout.rising import Ahead

Because = Annotated[str, typer.Option(help="The reason, for the record.")]


@rollout.command()
def gates(workflow: Workflow, *, as_json: AsJson = False) -> None:
    """List the gates to the next level, each with its evidence."""
    ahead = _ahead(workflow)
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
        }
        for one in ahead.gates
    ]
    if not as_json:
        rows = [{name: row[name] for name in ("gate", "status", "because")} for row in rows]
    title = f"{workflow}: from {ahead.grant.authority} to {ahead.to or 'nothing higher'}"
    show(rows, as_json=as_json, title=title, nothing="There is no next level, or no gate to it.")


@rollout.command("why-not")
def why_not(workflow: Workflow, *, as_json: AsJson = False) -> None:
    """Say what stands between a workflow and its next level, and about how long it takes."""
    import json

    ahead = _ahead(workflow)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "workflow": workflow,
                    "authority": ahead.grant.authority.value,
                    "next": ahead.to.value if ahead.to else None,
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
        typer.echo(f"Every gate to {ahead.to} passes. Next: taxiway rollout request {workflow}")
        return
    typer.echo(f"{workflow} stays at {ahead.grant} and does not rise to {ahead.to}:")
    for why in ahead.because:
        typer.echo(f"- {why}")


@rollout.command()
def request(
    workflow: Workflow,
    *,
    because: Because,
    percent: Annotated[float | None, typer.Option(help="to limited: the share.")] = None,
    by: By = None,
) -> None:
    """Ask for the next level; refused with the reasons while a gate does not pass."""
    from flows.catalog import workflow as find
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.authority import exposure_of
    from rollout.policy import policy_of
    from rollout.rising import VALID, ask_to_rise

    contract = find(workflow).contract
    who = by or person_behind(getpass.getuser())
    with transaction() as session:
        row = ask_to_rise(
            session,
            contract,
            policy_of(contract),
            by=who,
            because=because,
            exposure=exposure_of(percent, []) if percent is not None else None,
            now=now(),
        )
    owners = contract.owners
    typer.echo(
        f"Request {row.id}: {workflow} to {row.to}, on the evidence {row.digest}. "
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
            now=now(),
        )
        if isinstance(stands, Grant):
            check_credentials(session, contract, Authority(stands.authority))
    if isinstance(stands, Grant):
        typer.echo(f"{workflow} is now {stands} (revision {stands.revision}).")
    else:
        typer.echo(f"Request {number} is signed by {who}; one more signature is missing.")


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
def power(
    workflow: Workflow,
    *,
    per_week: Annotated[float, typer.Option(help="How many cases come in a week.")],
    agreement: Annotated[float, typer.Option(help="How often it will agree, 0 to 1.")] = 0.9,
    constant: Annotated[float, typer.Option(help="How often one fixed answer would.")] = 0.5,
    harm: Annotated[float, typer.Option(help="Share of harmful differences.")] = 0.0,
    blind: Annotated[float, typer.Option(help="Share of cases that people decide blind.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Say before the start how long each gate takes, and plainly what cannot pass."""
    from dataclasses import asdict

    from flows.catalog import workflow as find
    from rollout.policy import policy_of
    from rollout.power import Plan
    from rollout.power import power as estimate

    bars = policy_of(find(workflow).contract)
    found = estimate(Plan(per_week, agreement, constant, harm, blind), bars)
    rows = [{**asdict(one), "within_a_quarter": one.within_a_quarter} for one in found]
    show(rows, as_json=as_json, title=f"{workflow}: how long each gate takes", nothing="")
    if not as_json and any(not one.within_a_quarter for one in found):
        typer.echo("\nRecommend as the ceiling is a respectable answer for this volume.")


@rollout.command()
def simulate(
    workflow: Workflow,
    *,
    policy: Annotated[str, typer.Option(help="A TOML file with other bars.")] = "",
    picture: Annotated[
        Path | None, typer.Option("--svg", help="Draw the agreement gate over time into a file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say when another policy would have let it rise, on what has happened. Nothing changes."""
    import json

    from flows.catalog import workflow as find
    from flows.doors.picture import spark, svg
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.course import simulate as run
    from rollout.policy import policy_from, policy_of
    from rollout.shadow import latest_release

    contract = find(workflow).contract
    bars = policy_from(policy) if policy else policy_of(contract)
    with transaction() as session:
        release = latest_release(session, contract.workflow) or ""
        found = run(session, contract, bars, release, now())
    if picture is not None:
        title = f"{workflow}, release {release[:12]}"
        picture.write_text(svg(found.points, title, bars.agreement, bars.alpha), encoding="utf-8")
    said = {
        "workflow": workflow,
        "release": release,
        "ready_at": found.ready.at.isoformat() if found.ready else None,
        "ready_after": found.ready.n if found.ready else None,
        "exposed": found.exposed,
        "wrong": found.wrong,
        "because": list(found.points[-1].because) if found.points and not found.ready else [],
    }
    if as_json:
        typer.echo(json.dumps(said))
        return
    if line := spark(found.points):
        typer.echo(line)
    if found.ready is not None:
        typer.echo(
            f"It would have been ready on {found.ready.at:%Y-%m-%d %H:%M} UTC, after "
            f"{found.ready.n} cases; {found.exposed} came after, {found.wrong} of them different "
            "from what people decided."
        )
    elif not found.points:
        typer.echo("Nothing was compared yet.")
    else:
        typer.echo("It would not have been ready:")
        for why in found.points[-1].because:
            typer.echo(f"- {why}")


shadow = typer.Typer(help="What people decided while an agent only watched.", no_args_is_help=True)


@shadow.command("import")
def import_(
    workflow: Workflow,
    file: Annotated[Path, typer.Argument(help="A CSV file.")],
    *,
    case: Annotated[str, typer.Option(help="The column with the case, or the record's number.")],
    human: Annotated[list[str], typer.Option(help="FIELD=COLUMN, like owner=decided_owner.")],
    at: Annotated[str, typer.Option(help="The column with when they decided.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take what people decided from a sheet, all of it or nothing, and compare it."""
    import json

    from flows.catalog import workflow as find
    from flows.doors.human_decisions import read_decisions
    from tasks.human_decisions import import_decisions

    contract = find(workflow).contract
    lines = read_decisions(file, case, human, at)
    verdicts, left = import_decisions(contract, lines, "csv")
    if as_json:
        typer.echo(json.dumps({"lines": len(lines), "verdicts": verdicts, "left_out": left}))
        return
    told = ", ".join(f"{name} {n}" for name, n in sorted(verdicts.items())) or "nothing compared"
    typer.echo(f"{len(lines)} lines: {told}.")
    for line in left[:20]:
        typer.echo(f"! {line}")
    typer.echo(f"Next: taxiway rollout why-not {workflow}")


def _ahead(workflow: str) -> "Ahead":
    from flows.catalog import workflow as find
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.policy import policy_of
    from rollout.rising import look_ahead

    contract = find(workflow).contract
    with transaction() as session:
        return look_ahead(session, contract, policy_of(contract), now())
