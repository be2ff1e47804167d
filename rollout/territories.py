"""
Who serves which lead: territories, rosters and named accounts, as sheets with a first day.

A sheet is imported whole and never changed. On any day the latest sheet of its kind whose first
day has come is in force, so what was in force last month can still be asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Identity, Index, insert
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.columns import moment


class Kind(StrEnum):
    """What a sheet is about."""

    TERRITORIES = "territories"
    ROSTER = "roster"
    ACCOUNTS = "accounts"


#: The columns of each kind: those that must be there, and those that may.
NEEDED: Mapping[Kind, tuple[str, ...]] = {
    Kind.TERRITORIES: ("territory", "country", "segment", "team"),
    Kind.ROSTER: ("team", "owner_email"),
    Kind.ACCOUNTS: ("domain", "kind"),
}
OPTIONAL: Mapping[Kind, tuple[str, ...]] = {
    Kind.TERRITORIES: ("state", "postal_from", "postal_to", "priority"),
    Kind.ROSTER: ("industries", "languages", "countries", "weight", "daily_cap", "away"),
    Kind.ACCOUNTS: ("owner_email", "note"),
}


class AccountKind(StrEnum):
    """Why an account is named."""

    NAMED = "named"  #: It has an account executive of its own.
    PARTNER = "partner"  #: Its leads go to its partner manager.
    COMPETITOR = "competitor"
    BLOCKED = "blocked"  #: Test and junk addresses.


class Sheet(SQLModel, table=True):
    """One import of one kind."""

    __tablename__ = "sheet"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    kind: str = Field(index=True)
    valid_from: date = Field(sa_type=Date)
    imported_at: datetime = moment()
    by: str
    rows: int


def _sheet_id() -> int:
    return Field(sa_column=Column(BigInteger, ForeignKey("sheet.id"), primary_key=True))  # type: ignore[no-any-return] # SQLModel's own way


class TerritoryRow(SQLModel, table=True):
    """Which team serves a country and segment, and perhaps only a state or postal codes."""

    __tablename__ = "territory_row"
    __table_args__ = (Index("territory_row_place", "sheet_id", "country", "segment"),)

    sheet_id: int = _sheet_id()
    row: int = Field(primary_key=True)
    territory: str
    country: str
    segment: str
    team: str
    state: str = ""
    postal_from: str = ""
    postal_to: str = ""
    priority: int = 0  #: where two rows fit equally well, the lower one counts

    @property
    def detail(self) -> tuple[int, int]:
        """How closely the row describes a place: long postal codes, short ones, a state."""
        return len(self.postal_from), len(self.state)


class RosterRow(SQLModel, table=True):
    """One person's seat on a team: what they know best, how much they take, when they are away."""

    __tablename__ = "roster_row"
    __table_args__ = (Index("roster_row_team", "sheet_id", "team"),)

    sheet_id: int = _sheet_id()
    row: int = Field(primary_key=True)
    team: str
    owner_email: str
    industries: str = ""  #: separated by semicolons, like the next two
    languages: str = ""
    countries: str = ""
    weight: int = 1  #: turns in each round
    daily_cap: int | None = None  #: leads on one day; None: no cap
    away: str = ""  #: days, 2026-12-24..2026-12-31;2027-01-05


class AccountRow(SQLModel, table=True):
    """An account that is named: by the domain of its addresses."""

    __tablename__ = "account_row"
    __table_args__ = (Index("account_row_domain", "sheet_id", "domain"),)

    sheet_id: int = _sheet_id()
    row: int = Field(primary_key=True)
    domain: str
    kind: str
    owner_email: str = ""
    note: str = ""


Row = TerritoryRow | RosterRow | AccountRow
TABLES: Mapping[Kind, type[TerritoryRow] | type[RosterRow] | type[AccountRow]] = {
    Kind.TERRITORIES: TerritoryRow,
    Kind.ROSTER: RosterRow,
    Kind.ACCOUNTS: AccountRow,
}


@dataclass(frozen=True)
class Place:
    """Where a lead is, and how large its company."""

    country: str
    segment: str
    state: str = ""
    postal_code: str = ""


@dataclass(frozen=True)
class Found:
    """The territory of a place; rivals are others that fit it equally well."""

    territory: str
    team: str
    rivals: tuple[str, ...] = ()


def put_in_force(
    session: Session,
    kind: Kind,
    rows: Sequence[Mapping[str, object]],
    *,
    valid_from: date,
    by: str,
    now: datetime,
) -> Sheet:
    """Store a sheet whose rows were checked; it counts from its first day on."""
    sheet = Sheet(kind=kind, valid_from=valid_from, imported_at=now, by=by, rows=len(rows))
    session.add(sheet)
    session.flush()
    if rows:
        session.execute(insert(TABLES[kind]), [{"sheet_id": sheet.id, **row} for row in rows])
    return sheet


def sheet_on(session: Session, kind: Kind, day: date) -> Sheet | None:
    """Give the sheet that is in force on a day; None before the first one."""
    return session.exec(
        select(Sheet)
        .where(Sheet.kind == kind, Sheet.valid_from <= day)
        .order_by(col(Sheet.valid_from).desc(), col(Sheet.id).desc())
        .limit(1)
    ).one_or_none()


def territories_at(session: Session, day: date, country: str, segment: str) -> list[TerritoryRow]:
    """Give the rows in force for a country and segment."""
    sheet = sheet_on(session, Kind.TERRITORIES, day)
    if sheet is None:
        return []
    return list(
        session.exec(
            select(TerritoryRow).where(
                TerritoryRow.sheet_id == sheet.id,
                TerritoryRow.country == country,
                TerritoryRow.segment == segment,
            )
        ).all()
    )


def find_territory(rows: Iterable[TerritoryRow], place: Place) -> Found | None:
    """
    Find who serves a place, among the rows of its country and segment; None is a gap.

    The row with the most detail wins, then the lowest priority. What is still equal and names
    another team is an overlap: it is told in `rivals`, never settled by chance.
    """
    fitting = [row for row in rows if _fits(row, place)]
    if not fitting:
        return None
    closest = max(row.detail for row in fitting)
    equal = [row for row in fitting if row.detail == closest]
    first = min(row.priority for row in equal)
    best, *others = sorted((row for row in equal if row.priority == first), key=lambda row: row.row)
    rivals = {row.territory for row in others if row.team != best.team}
    return Found(best.territory, best.team, tuple(sorted(rivals)))


def seats_on(session: Session, day: date, team: str) -> list[RosterRow]:
    """Give a team's roster in force, in a stable order."""
    sheet = sheet_on(session, Kind.ROSTER, day)
    if sheet is None:
        return []
    return list(
        session.exec(
            select(RosterRow)
            .where(RosterRow.sheet_id == sheet.id, RosterRow.team == team)
            .order_by(col(RosterRow.owner_email))
        ).all()
    )


def account_of(session: Session, day: date, domains: Sequence[str]) -> AccountRow | None:
    """Find the named account of the first of some domains that has one."""
    sheet = sheet_on(session, Kind.ACCOUNTS, day)
    if sheet is None:
        return None
    rows = session.exec(
        select(AccountRow).where(
            AccountRow.sheet_id == sheet.id, col(AccountRow.domain).in_(domains)
        )
    ).all()
    return min(rows, key=lambda row: (domains.index(row.domain), row.row), default=None)


def all_rows(session: Session, kind: Kind, day: date) -> list[Row]:
    """Give a whole sheet as it is in force on a day, in its own order."""
    sheet = sheet_on(session, kind, day)
    if sheet is None:
        return []
    table = TABLES[kind]
    rows = session.exec(
        select(table).where(table.sheet_id == sheet.id).order_by(col(table.row))
    ).all()
    return [row for row in rows if isinstance(row, TerritoryRow | RosterRow | AccountRow)]


def is_away(away: str, day: date) -> bool:
    """Whether a day is among the days away, as a roster writes them."""
    return any(first <= day <= last for first, last in days_away(away))


def days_away(away: str) -> list[tuple[date, date]]:
    """Read days and ranges, `2026-12-24..2026-12-31;2027-01-05`; raises `ValueError`."""
    spans = []
    for words in filter(None, (one.strip() for one in away.split(";"))):
        first, _, last = words.partition("..")
        span = (date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip()))
        if span[0] > span[1]:
            raise ValueError(f"{words} ends before it begins")
        spans.append(span)
    return spans


def plain_code(postal_code: str) -> str:
    """Give a postal code as it is compared: upper case, without spaces and dashes."""
    return "".join(one for one in postal_code.upper() if one.isalnum())


def _fits(row: TerritoryRow, place: Place) -> bool:
    if row.state and row.state.casefold() != place.state.casefold():
        return False
    if not row.postal_from:
        return True
    code = plain_code(place.postal_code)[: len(row.postal_from)]
    return len(code) == len(row.postal_from) and row.postal_from <= code <= row.postal_to
