"""The command that erases what is about a person: forget."""

import getpass
from typing import Annotated

import typer

from flows.doors.cli.cases import AsJson
from flows.doors.cli.rollout import By
from flows.doors.cli.words import show


def forget(
    subject: Annotated[str, typer.Argument(help="An e-mail address, a CRM record or a case.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which cases.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Erase what is about a person; the ledger and its chain stay as they are."""
    import asyncio

    from integrations.database import transaction
    from rollout.case import find_case
    from rollout.erasure import cases_about, check_erasable

    with transaction() as session:
        cases = cases_about(session, subject)
        check_erasable(session, cases)
        rows = [
            {
                "case": one,
                "about": (row := find_case(session, one)).label,
                "ended": row.closed_at,
                "was": "would be erased" if dry_run else "erased",
            }
            for one in cases
        ]
    if not dry_run:
        asyncio.run(_forget(cases, by or getpass.getuser()))
    show(rows, as_json=as_json, title="Forgotten", nothing="")


async def _forget(cases: list[str], by: str) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from integrations.settings import settings
    from tasks.forget import forget_case

    with temporary_settings({PREFECT_API_URL: settings().prefect_api_url}):
        for case in cases:
            await forget_case(case, by=by)
