"""Commands about what further people say: opinions, opinion; and about outcomes."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson, Workflow
from flows.doors.cli.rollout import By
from flows.doors.cli.words import show

opinion = typer.Typer(
    help="What a further person says of a case that was decided.", no_args_is_help=True
)
outcomes = typer.Typer(help="What became of cases later.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(help="The opinion, like O-L-1042-who_is_right.")]


def opinions(*, as_json: AsJson = False) -> None:
    """List the cases of which a further person is asked."""
    from flows.catalog import WORKFLOWS
    from integrations.database import transaction
    from rollout.opinions import open_opinions

    with transaction() as session:
        rows = [
            {
                "opinion": row.id,
                "workflow": row.workflow,
                "asks": row.kind,
                "group": row.group,
                "not_by": row.not_by,
                "asked_at": row.asked_at,
            }
            for one in WORKFLOWS
            for row in open_opinions(session, one.name)
        ]
    show(rows, as_json=as_json, title="Opinions", nothing="No further opinion is asked for.")
    if rows and not as_json:
        typer.echo("\nNext: taxiway opinion show OPINION, then answer it.")


@opinion.command("show")
def show_(which: Which, *, as_json: AsJson = False) -> None:
    """Show what is asked. Whose answer is whose is not told."""
    import json

    from flows.catalog import workflow as find
    from integrations.database import transaction
    from rollout.brief import plain
    from rollout.opinions import Kind, find_opinion
    from tasks.opinions import shown

    with transaction() as session:
        row = find_opinion(session, which)
        found = shown(session, find(row.workflow).contract, row).lines()
    if as_json:
        typer.echo(json.dumps({"opinion": row.id, "asks": row.kind, **found}))
        return
    for name, value in found.items():
        typer.echo(f"{plain(name)}: {plain(value)}")
    asks_which = row.kind == Kind.WHO_IS_RIGHT
    how = "first, second, both or neither" if asks_which else "--set FIELD=VALUE"
    typer.echo(f"\nNext: taxiway opinion answer {row.id} {how}")


@opinion.command()
def answer(
    which: Which,
    side: Annotated[str, typer.Argument(help="first, second, both or neither.")] = "",
    *,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=VALUE, an answer of your own.")
    ] = None,
    by: By = None,
) -> None:
    """Say who is right, or give an answer of your own; nothing is written by it."""
    from flows.catalog import workflow as find
    from flows.doors.decisions import person_behind
    from integrations.clock import now
    from integrations.database import transaction
    from rollout.errors import Invalid
    from rollout.opinions import Side, find_opinion
    from rollout.people import read_directory
    from rollout.rechecks import take_word

    if side and side not in set(Side):
        raise Invalid(f"{side} is no answer; known: {', '.join(Side)}")
    pairs = [one.partition("=") for one in change or []]
    if any(not equals or not name for name, equals, _ in pairs):
        raise Invalid("an answer of your own is FIELD=VALUE, like owner=mira@x.example")
    with transaction() as session:
        row = find_opinion(session, which)
        taken = take_word(
            session,
            read_directory(session),
            find(row.workflow).contract,
            which,
            by=by or person_behind(getpass.getuser()),
            side=Side(side) if side else None,
            answer={name: value for name, _, value in pairs} or None,
            now=now(),
        )
    typer.echo(f"{taken.id}: on record, by {taken.by}.")


@outcomes.command("import")
def import_(
    workflow: Workflow,
    file: Annotated[Path, typer.Argument(help="A CSV file.")],
    *,
    case: Annotated[str, typer.Option(help="The column with the case, or the record's number.")],
    kind: Annotated[str, typer.Option(help="The column with what became of it.")],
    at: Annotated[str, typer.Option(help="The column with when that was.")],
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="These were told by mistake: take them back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take what became of cases from a sheet, all of it or nothing."""
    import json

    from flows.catalog import workflow as find
    from integrations.sheets import read_sheet
    from rollout.errors import Invalid
    from rollout.outcomes import Word
    from tasks.outcomes import Line, import_outcomes, moment_of

    lines = []
    for number, row in read_sheet(file, [case, kind, at], None).rows:
        try:
            word = Word(row[kind], moment_of(row[at]), "csv", withdrawn)
        except Invalid as no:
            raise Invalid(f"{file}, line {number}: {no}; nothing was taken") from None
        lines.append(Line(number, row[case], word))
    new, known = import_outcomes(find(workflow).contract, lines)
    if as_json:
        typer.echo(json.dumps({"lines": len(lines), "new": new, "known": known}))
        return
    typer.echo(f"{len(lines)} lines: {new} new, {known} known already.")


@outcomes.command("list")
def list_(
    workflow: Workflow,
    *,
    most: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what became of cases, the latest word first."""
    from sqlmodel import col, select

    from flows.catalog import workflow as find
    from integrations.database import transaction
    from rollout.outcomes import OutcomeRow

    name = find(workflow).name
    with transaction() as session:
        rows = [
            {
                "case": row.case_id,
                "outcome": f"{row.kind} (withdrawn)" if row.withdrawn else row.kind,
                "at": row.happened_at,
                "told_at": row.told_at,
                "source": row.source,
            }
            for row in session.exec(
                select(OutcomeRow)
                .where(OutcomeRow.workflow == name)
                .order_by(col(OutcomeRow.id).desc())
                .limit(most)
            ).all()
        ]
    show(rows, as_json=as_json, title=f"{name}: outcomes", nothing="Nothing is known yet.")
