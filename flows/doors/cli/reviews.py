"""Commands for people who decide: reviews, handoffs, review show|approve|edit|reject."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from flows.doors.cli.cases import AsJson
from flows.doors.cli.words import show

if TYPE_CHECKING:
    from sqlmodel import Session

Which = Annotated[str, typer.Argument(help="The review (R-L-1042-1) or its case (L-1042).")]
By = Annotated[str | None, typer.Option("--as", help="Who decides; without it, this host's user.")]
Why = Annotated[
    str | None, typer.Option("--reason", help="A reason code; needed to edit or reject.")
]
Comment = Annotated[str, typer.Option("--comment", help="For the record.")]


Whose = Annotated[
    str | None,
    typer.Option("--for", help="A group's or a person's, with their groups'; `me` for yours."),
]
Overdue = Annotated[bool, typer.Option("--overdue", help="Only what is past its deadline.")]
Most = Annotated[int, typer.Option("--limit", min=1, max=10_000)]


def reviews(
    *,
    whose: Whose = None,
    overdue: Overdue = False,
    most: Most = 50,
    as_json: AsJson = False,
) -> None:
    """List what waits for a decision, the earliest deadline first."""
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.reviews import open_reviews

    with transaction() as session:
        found = open_reviews(
            session,
            groups=_names(session, whose),
            due_before=now() if overdue else None,
            most=most,
        )
        rows = [
            {
                "review": row.id,
                "for": row.group,
                "because": row.because,
                "opened": row.opened_at,
                "due": row.due_at,
            }
            for row in found
        ]
    show(rows, as_json=as_json, title="Waiting reviews", nothing="Nothing waits for a person.")
    if rows and not as_json:
        typer.echo("\nNext: taxiway review show REVIEW, then approve, edit or reject.")


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
            receivers=_names(session, whose),
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


def _names(session: "Session", whose: str | None) -> tuple[str, ...]:
    """Give the names that somebody answers to; none for everybody."""
    from rollout.errors import Unknown
    from rollout.people import read_directory

    if whose is None:
        return ()
    directory = read_directory(session)
    if whose == "me":
        person = directory.by_login(getpass.getuser())
        if person is None:
            raise Unknown(f"nobody in `taxiway people` has the login {getpass.getuser()}")
        return directory.names_of(person.id)
    if whose in directory.people:
        return directory.names_of(whose)
    if directory.people and whose not in directory.groups:
        raise Unknown(f"there is no group or person {whose}. `taxiway people` lists them.")
    return (whose,)


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


review = typer.Typer(help="Look at a waiting case and decide it.", no_args_is_help=True)


@review.command("show")
def show_review(which: Which) -> None:
    """Show what the agent proposes, why you are asked, and the evidence."""
    from rich.console import Console
    from rich.markdown import Markdown

    from flows.doors.decisions import brief

    Console().print(Markdown(brief(which), hyperlinks=False))


@review.command()
def approve(which: Which, *, by: By = None, comment: Comment = "") -> None:
    """Approve exactly what is proposed."""
    _decide(which, "approve", by, {}, None, comment)


@review.command()
def edit(
    which: Which,
    changes: Annotated[list[str], typer.Option("--set", help="FIELD=VALUE, for example owner=...")],
    *,
    reason: Why = None,
    by: By = None,
    comment: Comment = "",
) -> None:
    """Approve with a change."""
    made = {}
    for change in changes:
        field, equals, value = change.partition("=")
        if not equals:
            raise typer.BadParameter(f"{change!r} is not FIELD=VALUE")
        made[field.strip()] = value.strip()
    _decide(which, "edit", by, made, reason, comment)


@review.command()
def reject(which: Which, *, reason: Why = None, by: By = None, comment: Comment = "") -> None:
    """Say no; nothing is written."""
    _decide(which, "reject", by, {}, reason, comment)


def _decide(
    which: str, verb: str, by: str | None, edit: dict[str, str], reason: str | None, comment: str
) -> None:
    from flows.doors.decisions import decide_from_terminal

    decision = decide_from_terminal(
        which, verb, by=by, user=getpass.getuser(), edit=edit, reason=reason, comment=comment
    )
    typer.echo(
        f"{decision.review_id}: {decision.verb} by {decision.by} is on record; its run goes on."
    )
