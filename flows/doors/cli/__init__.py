"""
The command line: `taxiway`, and what went wrong in words.

Exit status: 0 done, 1 could not be done (the reason is on standard error), 2 wrong usage.
Heavy imports happen inside the commands, so that help and usage errors answer at once.
"""

import sys

import typer

from flows.doors.cli import audit, cases, evidence, handoffs, opinions, queue, reviews, rollout
from flows.doors.cli import backup as copies
from flows.doors.cli import budgets as money
from flows.doors.cli import climb as climb  # its commands join those of `rollout`
from flows.doors.cli import contract as agreement
from flows.doors.cli import forget as erasure
from flows.doors.cli import people as staff
from flows.doors.cli import practice as practice  # like climb
from flows.doors.cli import replay as past
from flows.doors.cli import revert as undo
from flows.doors.cli import rises as rises  # like climb
from flows.doors.cli import system as system
from flows.doors.cli import territories as sheets

app = typer.Typer(
    help="AI agents that earn their authority one step at a time. Alone, it says what is next.",
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(reviews.review, name="review")
app.add_typer(handoffs.handoff, name="handoff")
app.add_typer(opinions.opinion, name="opinion")
app.add_typer(opinions.outcomes, name="outcomes")
app.add_typer(rollout.rollout, name="rollout")
app.add_typer(evidence.shadow, name="shadow")
app.add_typer(agreement.contract, name="contract")
app.add_typer(audit.audit, name="audit")
app.add_typer(sheets.territories, name="territories")
app.add_typer(staff.people, name="people")
app.add_typer(staff.calendar, name="calendar")
for command in (
    system.up,
    system.down,
    system.demo,
    system.doctor,
    cases.explain,
    cases.check,
    cases.cases,
    cases.timeline,
    reviews.reviews,
    handoffs.handoffs,
    opinions.opinions,
    queue.backlog,
    queue.feedback,
    queue.notices,
    undo.revert,
    past.replay,
    erasure.forget,
    money.budgets,
    copies.backup,
    copies.restore,
):
    app.command()(command)


@app.callback()
def first(
    context: typer.Context,
    *,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),  # noqa: FBT003 # Typer's way to declare a flag
) -> None:
    """Say what is running and what to do next."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"taxiway {installed('taxiway')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        system.first_screen()


def main() -> None:
    """Run one command; nobody gets to see a traceback for what is merely wrong."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from flows.doors.cli.words import spoken

        words = spoken(error)
        if words is None:
            raise
        print(f"taxiway: {words}", file=sys.stderr)  # noqa: T201 # the message of the command
        sys.exit(1)
