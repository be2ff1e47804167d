"""The directory as people write it, in TOML: read with every fault at once, and written again."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, time
from typing import Any

import tomli_w

from rollout.business_time import DAY_NAMES, Calendar
from rollout.errors import Invalid
from rollout.people import Delegation, Directory, Group, Person, refuse

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
SPAN = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
PERSON = {"name": str, "mail": str, "login": str, "last_day": date}
GROUP = {
    "members": list,
    "time_zone": str,
    "hours": str,
    "weekdays": str,
    "holidays": str,
    "closed": list,
}
DELEGATION = {"by": str, "to": str, "first": date, "last": date}
Table = Mapping[str, Any]


def parse(content: str) -> Directory:
    """Read a directory; raises `Invalid` with everything that is wrong with it."""
    try:
        words = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"this is not TOML: {error}") from None
    faults: list[str] = []
    strange = sorted(set(words) - {"people", "groups", "delegations"})
    faults += [f"[{one}] is unknown: there are [people.NAME] and [groups.NAME]" for one in strange]
    people = {
        name: _person(name, table, faults) for name, table in _tables(words, "people", faults)
    }
    groups = {name: _group(name, table, faults) for name, table in _tables(words, "groups", faults)}
    found = Directory(
        people,
        {name: one for name, one in groups.items() if one is not None},
        tuple(_delegations(words.get("delegations", []), faults)),
    )
    faults += _together(found)
    refuse(faults)
    return found


def write(directory: Directory) -> str:
    """Write a directory so that `parse` gives the same one."""
    people = {
        one.id: {
            name: value
            for name, value in (
                ("name", one.name),
                ("mail", one.mail),
                ("login", one.login),
                ("last_day", one.last_day),
            )
            if value
        }
        for one in directory.people.values()
    }
    groups = {one.name: _written(one) for one in directory.groups.values()}
    words: dict[str, Any] = {"people": people, "groups": groups}
    if directory.delegations:
        words["delegations"] = [asdict(one) for one in directory.delegations]
    return tomli_w.dumps(words)


def _written(group: Group) -> dict[str, Any]:
    calendar = group.calendar
    words: dict[str, Any] = {
        "members": list(group.members),
        "time_zone": calendar.time_zone,
        "hours": f"{calendar.opens:%H:%M}-{calendar.closes:%H:%M}",
        "weekdays": ",".join(calendar.weekdays),
    }
    if calendar.holidays:
        words["holidays"] = calendar.holidays
    if calendar.closed:
        words["closed"] = list(calendar.closed)
    return words


def _tables(words: Table, kind: str, faults: list[str]) -> Iterator[tuple[str, Table]]:
    tables = words.get(kind, {})
    if not isinstance(tables, dict):
        faults.append(f"{kind}: write [{kind}.NAME]")
        return
    for name, table in tables.items():
        if not NAME.fullmatch(name):
            faults.append(f"{kind}.{name}: a name is lower case letters, digits, '.', '_' and '-'")
        elif not isinstance(table, dict):
            faults.append(f"{kind}.{name}: write [{kind}.{name}] and its fields below")
        else:
            yield name, table


def _checked(where: str, table: Table, known: Mapping[str, type], faults: list[str]) -> Table:
    """Give the fields that are known and of their kind; note the others."""
    good = {}
    for name, value in table.items():
        if name not in known:
            faults.append(f"{where}: {name} is unknown; known: {', '.join(known)}")
        elif type(value) is not known[name]:
            faults.append(f"{where}: {name} must be a {known[name].__name__}")
        else:
            good[name] = value
    return good


def _person(name: str, table: Table, faults: list[str]) -> Person:
    where = f"people.{name}"
    good = _checked(where, table, PERSON, faults)
    if not str(good.get("name", "")).strip():
        faults.append(f"{where}: name is missing")
    mail = str(good.get("mail", ""))
    if mail and not MAIL.fullmatch(mail):
        faults.append(f"{where}: {mail} is no address")
    return Person(
        name, str(good.get("name", "")), mail, good.get("login", ""), good.get("last_day")
    )


def _group(name: str, table: Table, faults: list[str]) -> Group | None:
    where = f"groups.{name}"
    good = _checked(where, table, GROUP, faults)
    members = tuple(str(one) for one in good.get("members", ()))
    if not members:
        faults.append(f"{where}: members is missing or empty: who is to answer?")
    try:
        return Group(name, members, _calendar(good))
    except Invalid as error:
        faults.append(f"{where}: {error}")
        return None


def _delegations(tables: object, faults: list[str]) -> Iterator[Delegation]:
    for n, table in enumerate(tables if isinstance(tables, list) else [tables], start=1):
        where = f"delegation {n}"
        if not isinstance(table, dict):
            faults.append(f"{where}: write [[delegations]] and its fields below")
            continue
        good = _checked(where, table, DELEGATION, faults)
        if set(good) != set(DELEGATION):
            faults.append(f"{where}: it needs {', '.join(DELEGATION)}")
        elif good["last"] < good["first"]:
            faults.append(f"{where}: it ends before it begins")
        else:
            yield Delegation(**good)


def _calendar(good: Table) -> Calendar:
    opens, closes = _hours(good.get("hours", "09:00-17:00"))
    closed = good.get("closed", [])
    if not all(type(day) is date for day in closed):
        raise Invalid("closed is a list of days, like [2026-12-24]")
    return Calendar(
        time_zone=good.get("time_zone", "UTC"),
        opens=opens,
        closes=closes,
        weekdays=_weekdays(good.get("weekdays", "mon-fri")),
        holidays=good.get("holidays", ""),
        closed=tuple(sorted(closed)),
    )


def _hours(words: str) -> tuple[time, time]:
    found = SPAN.fullmatch(words)
    try:
        if found:
            return time.fromisoformat(found[1]), time.fromisoformat(found[2])
    except ValueError:
        pass
    raise Invalid(f"hours is like 09:00-17:30, not {words!r}")


def _weekdays(words: str) -> tuple[str, ...]:
    """Read mon-fri, or mon,tue,thu."""
    first, dash, last = words.partition("-")
    if dash and first in DAY_NAMES and last in DAY_NAMES:
        return DAY_NAMES[DAY_NAMES.index(first) : DAY_NAMES.index(last) + 1]
    return tuple(one.strip() for one in words.split(","))


def _together(directory: Directory) -> Iterator[str]:
    """Name what is wrong between the tables."""
    for group in directory.groups.values():
        for member in group.members:
            if member not in directory.people:
                yield f"groups.{group.name}: {member} is nobody in [people]"
        if len(set(group.members)) < len(group.members):
            yield f"groups.{group.name}: somebody is a member twice"
    yield from _in_circles(directory)
    for name in sorted(set(directory.people) & set(directory.groups)):
        yield f"{name} is a person and a group: a contract could not tell them apart"
    for field in ("mail", "login"):
        values = [getattr(one, field).casefold() for one in directory.people.values()]
        for twice in sorted({one for one in values if one and values.count(one) > 1}):
            yield f"two people have the {field} {twice}"


def _in_circles(directory: Directory) -> Iterator[str]:
    """Name the delegations that nobody could follow."""
    for one in directory.delegations:
        for name in (one.by, one.to):
            if name not in directory.people:
                yield f"delegation of {one.by}: {name} is nobody in [people]"
        if one.by == one.to:
            yield f"delegation of {one.by}: to themselves"
        for other in directory.delegations:
            overlaps = one.first <= other.last and other.first <= one.last
            if other is not one and overlaps and other.by == one.by:
                yield f"delegation of {one.by}: two at the same time"
        if one.by != one.to and _comes_back(directory, one):
            yield f"delegation of {one.by}: it goes in a circle"


def _comes_back(directory: Directory, first: Delegation) -> bool:
    """Whether following delegations that overlap leads back to who gave the first one."""
    to, seen = first.to, {first.by}
    while to not in seen:
        seen.add(to)
        onward = [
            one.to
            for one in directory.delegations
            if one.by == to and one.first <= first.last and first.first <= one.last
        ]
        if not onward:
            return False
        to = onward[0]
    return to == first.by
