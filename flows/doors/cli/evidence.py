"""Commands about evidence: rollout power, simulate and baseline, shadow import."""

from pathlib import Path
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson, Workflow
from flows.doors.cli.rollout import rollout
from flows.doors.cli.words import show


@rollout.command()
def power(  # noqa: PLR0913 # each option is one word of the plan
    workflow: Workflow,
    *,
    per_week: Annotated[float, typer.Option(help="How many cases come in a week.")],
    agreement: Annotated[float, typer.Option(help="How often it will agree, 0 to 1.")] = 0.9,
    constant: Annotated[float, typer.Option(help="How often one fixed answer would.")] = 0.5,
    harm: Annotated[float, typer.Option(help="Share of harmful differences.")] = 0.0,
    blind: Annotated[
        float, typer.Option(help="Share decided before it is shown, once it recommends.")
    ] = 0.1,
    acceptance: Annotated[float, typer.Option(help="How often what is shown is taken.")] = 0.95,
    bad: Annotated[float, typer.Option(help="Share of cases that turn out badly.")] = 0.05,
    as_json: AsJson = False,
) -> None:
    """Say before the start how long each gate takes, and plainly what cannot pass."""
    from dataclasses import asdict

    from flows.catalog import workflow as find
    from rollout.policy import policy_of
    from rollout.power import Plan
    from rollout.power import power as estimate

    bars = policy_of(find(workflow).contract)
    found = estimate(
        Plan(per_week, agreement, constant, harm, blind, acceptance=acceptance, bad=bad), bars
    )
    rows = [{**asdict(one), "within_a_quarter": one.within_a_quarter} for one in found]
    if not as_json:
        rows = [{name: row[name] for name in ("gate", "cases", "weeks", "says")} for row in rows]
    show(rows, as_json=as_json, title=f"{workflow}: how long each gate takes", nothing="")
    if not as_json and any(one.stands_in_the_way for one in found):
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


@rollout.command()
def baseline(workflow: Workflow, *, as_json: AsJson = False) -> None:
    """Say how people do the work by hand, as it was measured: minutes, and cycle time."""
    from dataclasses import asdict

    from flows.catalog import workflow as find
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.baseline import baseline as measure

    contract = find(workflow).contract
    with transaction() as session:
        found = measure(session, contract, now())
    measured = asdict(found)
    rows = [{"workflow": contract.workflow, **measured}]
    if not as_json:
        rows = [{"measured": name, "value": value} for name, value in measured.items()]
    show(rows, as_json=as_json, title=f"{workflow}: by hand", nothing="")


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
