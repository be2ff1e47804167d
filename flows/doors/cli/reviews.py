"""Commands for people who decide: reviews, and review with what can be said to one."""

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
    """List what waits for a decision, the most urgent first."""
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.reviews import most_urgent, priority_of

    moment = now()
    with transaction() as session:
        found = most_urgent(
            session,
            moment,
            groups=names_behind(session, whose),
            due_before=moment if overdue else None,
            most=most,
        )
        rows = [
            {
                "review": row.id,
                "priority": round(priority_of(row, moment)),
                "for": row.group,
                "because": row.because,
                "opened": row.opened_at,
                "due": row.due_at,
                "claimed": row.claimed_by if (row.claimed_until or moment) > moment else "",
                "asked": row.asked,
            }
            for row in found
        ]
    show(rows, as_json=as_json, title="Waiting reviews", nothing="Nothing waits for a person.")
    if rows and not as_json:
        typer.echo("\nNext: taxiway review show REVIEW, then approve, edit or reject.")


def names_behind(session: "Session", whose: str | None) -> tuple[str, ...]:
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


@review.command("request-info")
def request_info(
    which: Which,
    *,
    text: Annotated[str, typer.Option("--text", help="What you want to know.")],
    to: Annotated[str, typer.Option(help="Whom to ask; without it, the process owner.")] = "",
    by: By = None,
) -> None:
    """Ask somebody before you decide; it stays open and due as it was."""
    _decide(which, "request_info", by, {}, None, text, to)


@review.command()
def answer(
    which: Which,
    *,
    text: Annotated[str, typer.Option("--text", help="What you know.")],
    by: By = None,
) -> None:
    """Answer what a reviewer asked you; it stands in the brief from then on."""
    from flows.catalog import workflow
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.asides import answer_back
    from rollout.reviews import find_review

    who = by or person_behind(getpass.getuser())
    with transaction() as session:
        contract = workflow(find_review(session, which).workflow).contract
        row = answer_back(session, contract, which, by=who, words=text, now=now())
    typer.echo(f"{row.id}: {row.group} is told.")


@review.command()
def escalate(which: Which, *, by: By = None, comment: Comment = "") -> None:
    """Hand it to whoever is next in its line, now."""
    _decide(which, "escalate", by, {}, None, comment)


@review.command()
def claim(
    which: Which,
    *,
    minutes: Annotated[int, typer.Option(min=0, max=480, help="0 gives it back.")] = 30,
    by: By = None,
) -> None:
    """Take it on for a while: meanwhile nobody else decides it. Its deadline stays."""
    from datetime import timedelta

    from flows.catalog import workflow
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.asides import claim as take
    from rollout.reviews import find_review

    who, hold = by or person_behind(getpass.getuser()), timedelta(minutes=minutes)
    with transaction() as session:
        contract = workflow(find_review(session, which).workflow).contract
        row = take(session, contract, which, by=who, now=now(), hold=hold)
    if row.claimed_until:
        typer.echo(f"{row.id} is {who}'s until {row.claimed_until:%Y-%m-%d %H:%M} UTC.")
    else:
        typer.echo(f"{row.id} is anybody's again.")


def _decide(  # the parts of an answer
    which: str,
    verb: str,
    by: str | None,
    edit: dict[str, str],
    reason: str | None,
    comment: str,
    to: str = "",
) -> None:
    from flows.doors.decisions import decide_from_terminal

    taken = decide_from_terminal(
        which,
        verb,
        by=by,
        user=getpass.getuser(),
        edit=edit,
        reason=reason,
        comment=comment,
        to=to,
    )
    typer.echo(taken.words)
