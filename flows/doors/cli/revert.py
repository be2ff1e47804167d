"""The command that takes back what was written: revert."""

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.doors.cli.cases import AsJson
from flows.doors.cli.rollout import By
from flows.doors.cli.words import show

if TYPE_CHECKING:
    from rollout.case import Case


def revert(
    cases: Annotated[list[str] | None, typer.Argument(help="The cases.")] = None,
    *,
    because: Annotated[str, typer.Option(help="The reason, for the record.")],
    release: Annotated[
        str | None, typer.Option(help="All that this release of an agent wrote on its own word.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="With --release: from this moment on, ISO 8601, UTC.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take back what cases wrote, where nobody has changed it since."""
    import asyncio

    from rollout.errors import Invalid

    if not because.strip():
        raise Invalid("taking back needs a reason: --because TEXT")
    found = _meant(cases or [], release, since)
    if dry_run:
        rows = [row for case in found for row in _would(case, own=bool(release))]
    else:
        who = by or getpass.getuser()
        rows = asyncio.run(_take_back(found, who, because.strip(), own=bool(release)))
    show(
        rows,
        as_json=as_json,
        title="Would be taken back" if dry_run else "Taken back",
        nothing="Nothing was written that could be taken back.",
    )
    if any(row["outcome"] == "refused" for row in rows):
        raise typer.Exit(1)


def _meant(names: list[str], release: str | None, since: str | None) -> "list[Case]":
    from flows.catalog import workflow
    from integrations.database import transaction
    from rollout.case import case_of, find_case
    from rollout.errors import Invalid

    if bool(names) == bool(release):
        raise Invalid("say which cases, or --release and --since")
    with transaction() as session:
        if release:
            names = _cases_of(session, release, since)
        rows = [find_case(session, name) for name in dict.fromkeys(names)]
        return [case_of(session, workflow(row.workflow).contract, row) for row in rows]


def _cases_of(session: Any, release: str, since: str | None) -> list[str]:
    from rollout.errors import Invalid, Unknown
    from rollout.undo import SHORTEST_RELEASE, cases_written_by, releases

    if since is None:
        raise Invalid("--release needs --since: from which moment on?")
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise Invalid(f"--since {since}: not a time, write 2026-11-30T14:00") from None
    if len(release) < SHORTEST_RELEASE:
        raise Invalid(f"--release {release}: at least {SHORTEST_RELEASE} digits, please")
    known = [one for one in releases(session) if one.startswith(release)]
    if not known:
        raise Unknown(f"no release {release} has proposed anything; `taxiway timeline` shows them")
    return cases_written_by(session, release, moment.replace(tzinfo=moment.tzinfo or UTC))


def _would(case: "Case", *, own: bool) -> list[dict[str, Any]]:
    from integrations.database import transaction
    from rollout.undo import why_not, written

    with transaction() as session:
        return [
            {
                "case": case.id,
                "action": effect.action,
                "target": effect.target,
                "outcome": "would be left" if why else "would be tried",
                "because": why or "",
            }
            for effect in written(session, case.id, on_its_own_word=own)
            for why in [why_not(case.contract, effect)]
        ]


async def _take_back(
    cases: "list[Case]", by: str, because: str, *, own: bool
) -> list[dict[str, Any]]:
    from rich.console import Console
    from rich.progress import track

    from tasks.undo import take_back

    rows = []
    for case in track(cases, "taking back", console=Console(stderr=True), transient=True):
        rows += [
            {
                "case": case.id,
                "action": one.action,
                "target": one.target,
                "outcome": one.outcome.value,
                "because": one.because,
            }
            for one in await take_back(case, by=by, because=because, on_its_own_word=own)
        ]
    return rows
