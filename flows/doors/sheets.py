"""Bringing sheets in: read, held against the CRM and each other, previewed, put in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import OutsideError
from integrations.hubspot import HubSpot
from integrations.settings import settings
from integrations.sheets import read_sheet
from rollout.errors import Invalid
from rollout.territories import NEEDED, OPTIONAL, Kind, all_rows, put_in_force
from rollout.territory_lint import Finding, Known, Linted, lint
from rollout.territory_preview import Preview, preview

LOOK_BACK = timedelta(days=30)


@dataclass(frozen=True)
class Brought:
    """Sheets that were read and checked."""

    sheets: Mapping[Kind, Linted]
    notes: tuple[str, ...]  #: what could not be checked, and how files were read

    @property
    def findings(self) -> list[Finding]:
        """Everything that was found, errors first."""
        found = [one for linted in self.sheets.values() for one in linted.findings]
        return sorted(found, key=lambda one: (not one.is_error, one.sheet, one.line))

    @property
    def errors(self) -> list[Finding]:
        """What keeps all of them out."""
        return [one for one in self.findings if one.is_error]


def bring(files: Mapping[Kind, Path], owners: frozenset[str] | None) -> Brought:
    """Read and check sheets; what is not among them is taken as it is in force today."""
    notes, sheets = [], {}
    if owners is None:
        notes.append("the CRM does not answer: whether the owners exist was not checked")
    known = Known(owners=owners)
    for kind in (Kind.ROSTER, Kind.TERRITORIES, Kind.ACCOUNTS):
        if kind in files:
            read = read_sheet(files[kind], NEEDED[kind], OPTIONAL[kind])
            if read.encoding != "utf-8":
                notes.append(f"{files[kind]} was read as {read.encoding}")
            sheets[kind] = lint(kind, read.rows, known)
        if kind is Kind.ROSTER:
            known = Known(owners=owners, teams=_teams(sheets.get(kind)))
    return Brought(sheets, tuple(notes))


async def active_owners() -> frozenset[str] | None:
    """Give the addresses of the CRM's active users; None when it does not answer."""
    known = settings()
    crm = HubSpot.at(known.crm_url, known.crm_read_token.get_secret_value())
    try:
        return frozenset(one.email.casefold() for one in await crm.owners() if not one.archived)
    except OutsideError:
        return None
    finally:
        await crm.close()


def what_would_move(brought: Brought) -> Preview | None:
    """Hold new territories against the last thirty days' leads; None without new territories."""
    linted = brought.sheets.get(Kind.TERRITORIES)
    if linted is None:
        return None
    with transaction() as session:
        return preview(session, linted.rows, now() - LOOK_BACK)


def put_all_in_force(brought: Brought, *, valid_from: date, by: str) -> None:
    """Store all sheets in one transaction; raises `Invalid` where one of them has errors."""
    if brought.errors:
        raise Invalid(f"{len(brought.errors)} errors keep the sheets out; nothing was stored")
    if valid_from < now().date():
        raise Invalid(
            f"--from {valid_from}: a sheet counts from today or later, so that what was in force "
            "on a past day stays true"
        )
    with transaction() as session:
        for kind, linted in brought.sheets.items():
            put_in_force(session, kind, linted.rows, valid_from=valid_from, by=by, now=now())


def _teams(roster: Linted | None) -> frozenset[str]:
    if roster is not None:
        return frozenset(row["team"] for row in roster.rows)
    with transaction() as session:
        rows = all_rows(session, Kind.ROSTER, now().date())
    return frozenset(row.team for row in rows if hasattr(row, "team"))
