"""
What is wrong with a sheet, by line and column, before anybody is routed by it.

An error keeps the sheet out. A gap or an overlap is only told: it may be meant, and a lead that
falls into one goes to a person.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from rollout.lead_routing import Segment
from rollout.territories import AccountKind, Kind, days_away, plain_code

Lines = Sequence[tuple[int, Mapping[str, str]]]
Typed = dict[str, Any]
SERVED = (Segment.SMB, Segment.MIDMARKET)  #: enterprises have a desk of their own


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be."""

    sheet: Kind
    line: int  #: 1 is the header; 0 where it is about the sheet as a whole
    column: str
    says: str
    is_error: bool = True

    def __str__(self) -> str:
        where = f", line {self.line}" if self.line else ""
        column = f", {self.column}" if self.column else ""
        return f"{self.sheet}{where}{column}: {self.says}"


@dataclass
class Linted:
    """A sheet's rows as they would be stored, and what was found."""

    rows: list[Typed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What keeps the sheet out."""
        return [one for one in self.findings if one.is_error]


@dataclass(frozen=True)
class Known:
    """What a sheet is held against; None where it cannot be known now."""

    owners: frozenset[str] | None = None  #: e-mail addresses of the CRM's active users
    teams: frozenset[str] | None = None  #: teams with somebody on their roster


def lint(kind: Kind, lines: Lines, known: Known) -> Linted:
    """Check a sheet's rows and give them as they are stored."""
    checked = Linted()
    for line, cells in lines:
        row = {"row": line, **cells}
        for column, says in _CELLS[kind](row, known):
            checked.findings.append(Finding(kind, line, column, says))
        checked.rows.append(row)
    if not checked.errors:
        checked.findings += _WHOLE[kind](checked.rows)
    return checked


Complaint = tuple[str, str]


def _territory_cells(row: Typed, known: Known) -> Iterator[Complaint]:
    row["country"] = row["country"].upper()
    if len(row["country"]) != 2 or not row["country"].isalpha():
        yield "country", f"{row['country']!r} is not a code of two letters, like DE"
    if row["segment"] not in set(Segment):
        yield "segment", f"{row['segment']!r} is unknown; known: {', '.join(Segment)}"
    for column in ("territory", "team"):
        if not row[column]:
            yield column, "is empty"
    if row["team"] and known.teams is not None and row["team"] not in known.teams:
        yield "team", f"nobody is on the team {row['team']!r}"
    yield from _number(row, "priority", least=0, otherwise=0)
    yield from _postal(row)


def _postal(row: Typed) -> Iterator[Complaint]:
    for column in ("postal_from", "postal_to"):
        row[column] = plain_code(row.get(column, ""))
    first, last = row["postal_from"], row["postal_to"]
    if bool(first) != bool(last):
        yield "postal_from", "a range has both ends"
    elif len(first) != len(last):
        yield "postal_from", f"{first} and {last} have different lengths"
    elif first > last:
        yield "postal_from", f"{first} comes after {last}"


def _roster_cells(row: Typed, known: Known) -> Iterator[Complaint]:
    row["owner_email"] = row["owner_email"].casefold()
    if not row["team"]:
        yield "team", "is empty"
    if "@" not in row["owner_email"]:
        yield "owner_email", f"{row['owner_email']!r} is not an address"
    elif known.owners is not None and row["owner_email"] not in known.owners:
        yield "owner_email", f"{row['owner_email']} is no active user of the CRM"
    yield from _number(row, "weight", least=1, otherwise=1)
    yield from _number(row, "daily_cap", least=0, otherwise=None)
    try:
        days_away(row.get("away", ""))
    except ValueError as error:
        yield "away", f"{error}; write 2026-12-24..2026-12-31;2027-01-05"


def _account_cells(row: Typed, known: Known) -> Iterator[Complaint]:
    row["domain"] = row["domain"].casefold().removeprefix("www.")
    row["owner_email"] = row.get("owner_email", "").casefold()
    if "." not in row["domain"] or "/" in row["domain"] or "@" in row["domain"]:
        yield "domain", f"{row['domain']!r} is not a domain, like example.com"
    if row["kind"] not in set(AccountKind):
        yield "kind", f"{row['kind']!r} is unknown; known: {', '.join(AccountKind)}"
    needs_owner = row["kind"] in {AccountKind.NAMED, AccountKind.PARTNER}
    if needs_owner and not row["owner_email"]:
        yield "owner_email", f"a {row['kind']} account has an owner"
    elif row["owner_email"] and known.owners is not None and row["owner_email"] not in known.owners:
        yield "owner_email", f"{row['owner_email']} is no active user of the CRM"


def _number(row: Typed, column: str, *, least: int, otherwise: int | None) -> Iterator[Complaint]:
    cell = row.get(column, "")
    row[column] = int(cell) if cell.isascii() and cell.isdigit() else otherwise
    if cell and (row[column] is None or not cell.isdigit() or int(cell) < least):
        yield column, f"{cell!r} is not a whole number from {least}"


def _territory_sheet(rows: list[Typed]) -> Iterator[Finding]:
    yield from _overlaps(rows)
    yield from _postal_gaps(rows)
    segments: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        segments[row["country"]].add(row["segment"])
    for country, there in sorted(segments.items()):
        for segment in SERVED:
            if segment not in there:
                yield _warning(0, f"a gap: {country} has no territory for {segment}")


def _overlaps(rows: list[Typed]) -> Iterator[Finding]:
    for group in _alike(rows, "priority").values():
        if not group[0]["postal_from"]:
            for row in group[1:]:
                if row["team"] != group[0]["team"]:
                    yield _overlap(row, group[0])
            continue
        furthest = group[0]
        for row in group[1:]:
            if row["postal_from"] <= furthest["postal_to"] and row["team"] != furthest["team"]:
                yield _overlap(row, furthest)
            if row["postal_to"] > furthest["postal_to"]:
                furthest = row


def _postal_gaps(rows: list[Typed]) -> Iterator[Finding]:
    caught = {_place(row) for row in rows if not row["postal_from"]}
    for group in _alike([row for row in rows if row["postal_from"]]).values():
        if _place(group[0]) in caught or not all(row["postal_to"].isdigit() for row in group):
            continue
        for before, after in pairwise(group):
            if int(after["postal_from"]) > int(before["postal_to"]) + 1:
                span = f"{before['postal_to']} to {after['postal_from']}"
                yield _warning(after["row"], f"a gap: nobody serves what lies between {span}")


def _alike(rows: Iterable[Typed], *more: str) -> dict[tuple[Any, ...], list[Typed]]:
    """Group the rows that could stand in for each other, each group by its first postal code."""
    groups: dict[tuple[Any, ...], list[Typed]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: (one["postal_from"], one["row"])):
        detail = len(row["postal_from"])
        groups[(*_place(row), detail, *(row[name] for name in more))].append(row)
    return groups


def _place(row: Typed) -> tuple[str, str, str]:
    return row["country"], row["segment"], row.get("state", "").casefold()


def _overlap(row: Typed, other: Typed) -> Finding:
    return _warning(
        row["row"],
        f"an overlap with line {other['row']}: {row['territory']} and {other['territory']} both "
        "serve it, so a person decides each time. Give one of them a lower priority number",
    )


def _warning(line: int, says: str) -> Finding:
    return Finding(Kind.TERRITORIES, line, "", says, is_error=False)


def _roster_sheet(rows: list[Typed]) -> Iterator[Finding]:
    yield from _twice(Kind.ROSTER, rows, "team", "owner_email")


def _account_sheet(rows: list[Typed]) -> Iterator[Finding]:
    yield from _twice(Kind.ACCOUNTS, rows, "domain")


def _twice(kind: Kind, rows: list[Typed], *columns: str) -> Iterator[Finding]:
    first: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = tuple(row[name] for name in columns)
        if key in first:
            says = f"{' '.join(key)} stands in line {first[key]} already"
            yield Finding(kind, row["row"], columns[-1], says)
        first.setdefault(key, row["row"])


_CELLS: Mapping[Kind, Callable[[Typed, Known], Iterator[Complaint]]] = {
    Kind.TERRITORIES: _territory_cells,
    Kind.ROSTER: _roster_cells,
    Kind.ACCOUNTS: _account_cells,
}
_WHOLE: Mapping[Kind, Callable[[list[Typed]], Iterator[Finding]]] = {
    Kind.TERRITORIES: _territory_sheet,
    Kind.ROSTER: _roster_sheet,
    Kind.ACCOUNTS: _account_sheet,
}
