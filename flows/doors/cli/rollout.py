"""Commands about authority: rollout status, set, history."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from flows.doors.cli.cases import AsJson, Workflow
from flows.doors.cli.words import show

if TYPE_CHECKING:
    from sqlmodel import Session

    from rollout.authority import Authority, Grant
    from rollout.contract import Contract

By = Annotated[str | None, typer.Option("--as", help="Who; without it, this host's user.")]
Segments = Annotated[list[str] | None, typer.Option(help="limited: only this segment.")]
Teams = Annotated[list[str] | None, typer.Option(help="limited: only this team's cases.")]
Branches = Annotated[list[str] | None, typer.Option(help="limited: only this way in.")]
Scope = Annotated[str, typer.Argument(help="A workflow, or `all`.")]

rollout = typer.Typer(help="How far each agent may go, and who said so.", no_args_is_help=True)


@rollout.command()
def status(*, as_json: AsJson = False) -> None:
    """List what each workflow's agent may do now."""
    from flows.catalog import WORKFLOWS
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.falling import latch
    from rollout.grants import current
    from rollout.policy import policy_of
    from rollout.staying import lent_until

    rows = []
    with transaction() as session:
        for one in WORKFLOWS:
            grant = current(session, one.name)
            rows.append(
                {
                    "workflow": one.name,
                    "authority": grant.authority.value,
                    "may": str(grant),
                    "revision": grant.revision,
                    "ceiling": one.contract.plan[-1].value if one.contract.plan else "",
                    "lent_until": lent_until(session, one.name, policy_of(one.contract)),
                    "frozen": latch(session, one.name, now()),
                }
            )
    show(rows, as_json=as_json, title="Authority", nothing="There are no workflows.")


@rollout.command("set")
def change(  # noqa: PLR0913 # each option is one word of the change
    workflow: Workflow,
    level: Annotated[str, typer.Argument(help="off, shadow, recommend, limited or full.")],
    *,
    because: Annotated[str, typer.Option(help="The reason, for the record.")],
    percent: Annotated[float | None, typer.Option(help="limited: the share of cases.")] = None,
    segment: Segments = None,
    team: Teams = None,
    branch: Branches = None,
    blind: Annotated[
        float | None, typer.Option(help="Share that people decide before it is shown; default 10.")
    ] = None,
    planted: Annotated[
        float,
        typer.Option(help="Share that is shown an error first; it is never written."),
    ] = 0,
    without_evidence: Annotated[
        bool, typer.Option("--without-evidence", help="Rise on your word alone; it is recorded.")
    ] = False,
    by: By = None,
) -> None:
    """Change authority by hand: any number down; one level up only --without-evidence."""
    from flows.catalog import workflow as find
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.authority import Authority, authority_named, exposure_of
    from rollout.errors import Invalid
    from rollout.grants import change as record
    from rollout.grants import current
    from rollout.shadow import crown_latest

    contract, moment = find(workflow).contract, now()
    if (
        authority_named(level) is Authority.LIMITED
        and percent is None
        and not (segment or team or branch)
    ):
        raise Invalid("limited to what? --percent 10, or --segment, --team or --branch")
    with transaction() as session:
        _check_word(current(session, workflow), authority_named(level), by_hand=without_evidence)
        check_credentials(session, contract, authority_named(level))
        grant = record(
            session,
            contract,
            authority_named(level),
            exposure=exposure_of(percent, segment or [], team or [], branch or [], blind, planted),
            by=by or getpass.getuser(),
            because=f"without evidence: {because}" if without_evidence else because,
            now=moment,
        )
        if without_evidence:
            crown_latest(session, workflow, by=by or getpass.getuser(), because=because, now=moment)
    typer.echo(f"{workflow} is now {grant} (revision {grant.revision}).")


def _check_word(was: "Grant", to: "Authority", *, by_hand: bool) -> None:
    """Raise `Invalid` for a rise that rests on nothing, unless somebody says that it does."""
    from rollout.authority import Authority
    from rollout.errors import Invalid

    rises = to.height == was.authority.height + 1 and to.height > Authority.SHADOW.height
    if rises and not by_hand:
        raise Invalid(
            f"a rise rests on evidence: `taxiway rollout why-not {was.workflow}` says what is "
            f"missing, `taxiway rollout request {was.workflow}` asks for it. --without-evidence "
            "rises on your word alone, and is recorded as such"
        )


def check_credentials(session: "Session", contract: "Contract", to: "Authority") -> None:
    """Raise `Invalid` where a real system would be written to, and nobody has looked at how."""
    from urllib.parse import urlsplit

    from integrations.settings import settings
    from rollout.agreements import Part, agreed
    from rollout.authority import Authority
    from rollout.errors import Invalid

    here = urlsplit(settings().crm_url).hostname in {None, "127.0.0.1", "localhost", "::1"}
    if here or to.height <= Authority.SHADOW.height:
        return
    if agreed(session, contract.workflow, Part.CREDENTIALS) is None:
        raise Invalid(
            f"{contract.workflow} would write to {urlsplit(settings().crm_url).hostname}, and no "
            f"security review of its credentials is on record. {contract.owners.governance} "
            f"records one: taxiway contract agree {contract.workflow} credentials --because TEXT"
        )


@rollout.command()
def cap(  # each option is one word of the change
    workflow: Workflow,
    scope: Annotated[str, typer.Argument(help="segment:, team:, branch: or action: and a name.")],
    level: Annotated[str, typer.Argument(help="No higher than this; full lifts the cap.")],
    *,
    because: Annotated[str, typer.Option(help="The reason, for the record.")],
    without_evidence: Annotated[
        bool, typer.Option("--without-evidence", help="Lift on your word alone; it is recorded.")
    ] = False,
    by: By = None,
) -> None:
    """Let an agent go no higher in a part of its work, whatever the workflow's level is."""
    from flows.catalog import workflow as find
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.authority import Authority, authority_named
    from rollout.errors import Invalid
    from rollout.grants import cap as record
    from rollout.grants import caps

    contract, to = find(workflow).contract, authority_named(level)
    with transaction() as session:
        was = caps(session, workflow).get(scope, Authority.FULL)
        if to.height > was.height and not without_evidence:
            raise Invalid(
                f"{scope} is capped at {was}: lifting it rests on evidence (taxiway rollout "
                f"request {workflow} --scope {scope}), or on your word alone: --without-evidence"
            )
        grant = record(
            session,
            contract,
            scope,
            to,
            by=by or getpass.getuser(),
            because=f"without evidence: {because}" if without_evidence else because,
            now=now(),
        )
    typer.echo(f"{workflow} is now {grant}.")


@rollout.command()
def kill(
    workflow: Scope,
    *,
    because: Annotated[str, typer.Option(help="The reason, for the record.")],
    by: By = None,
) -> None:
    """Stop an agent at once: no write leaves any more."""
    from sqlalchemy.exc import OperationalError

    from flows.catalog import workflow as find
    from integrations.database import transaction
    from integrations.settings import SettingsError
    from rollout.halts import EVERY
    from tasks.halts import heed_flags, stop

    if workflow != EVERY:
        find(workflow)
    stop(workflow, by=by or getpass.getuser(), because=because)
    typer.echo(f"{workflow}: halted. No write leaves; `taxiway rollout revive {workflow}` ends it.")
    try:
        with transaction() as session:
            heed_flags(session)
    except (OperationalError, SettingsError):
        typer.echo("The database is away: the stop holds by its file, and is recorded later.")


@rollout.command()
def revive(
    workflow: Scope,
    *,
    because: Annotated[str, typer.Option(help="The reason, for the record.")],
    by: By = None,
) -> None:
    """End a stop; what was above shadow starts at shadow."""
    from flows.catalog import WORKFLOWS
    from flows.catalog import workflow as find
    from rollout.halts import EVERY
    from tasks.halts import let_work

    if workflow != EVERY:
        find(workflow)
    contracts = [one.contract for one in WORKFLOWS]
    for grant in let_work(contracts, workflow, by=by or getpass.getuser(), because=because):
        typer.echo(f"{grant.workflow} is now {grant}.")


@rollout.command()
def history(workflow: Workflow, *, as_json: AsJson = False) -> None:
    """List every change of authority."""
    from flows.catalog import workflow as find
    from integrations.database import transaction
    from rollout.grants import history as read

    name = find(workflow).name
    with transaction() as session:
        rows = [
            {
                "revision": row.revision,
                "at": row.at,
                "scope": row.scope,
                "authority": row.authority,
                "by": row.by,
                "because": row.because,
            }
            for row in read(session, name)
        ]
    show(
        rows,
        as_json=as_json,
        title=f"{name}: changes",
        nothing="Its agent was never let do anything.",
    )
