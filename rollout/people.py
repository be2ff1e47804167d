"""
Who works here, in which groups, and when: what the names in a contract stand for.

A name in a contract is a group's or a person's. The directory is a sheet that people write; it
replaces the one before as a whole, or not at all, and the ledger notes which one counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from hashlib import sha256
from typing import Any

from sqlalchemy import text
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.business_time import Calendar
from rollout.canonical import Json, canonical
from rollout.columns import document
from rollout.errors import Invalid
from rollout.ledger import note

ANY = "all"  #: in the place of a workflow: the directory counts for every one


@dataclass(frozen=True)
class Person:
    """Somebody, by the name that is used here."""

    id: str
    name: str
    mail: str = ""
    login: str = ""  #: their user on this host
    last_day: date | None = None  #: of work here

    def is_here(self, day: date) -> bool:
        """Whether they still work here."""
        return self.last_day is None or day <= self.last_day


@dataclass(frozen=True)
class Group:
    """People who answer for each other, and when they work."""

    name: str
    members: tuple[str, ...]
    calendar: Calendar


@dataclass(frozen=True)
class Delegation:
    """Somebody answers in another's place, from a first to a last day."""

    by: str
    to: str
    first: date
    last: date

    def counts_on(self, day: date) -> bool:
        """Whether it is in force."""
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Directory:
    """Everybody."""

    people: Mapping[str, Person]
    groups: Mapping[str, Group]
    delegations: tuple[Delegation, ...] = ()

    @property
    def version(self) -> str:
        """The first twelve hexadecimal digits of the SHA-256 of its content."""
        words: dict[str, Json] = {"people": _plain(self.people), "groups": _plain(self.groups)}
        if self.delegations:
            words["delegations"] = [str(one) for one in self.delegations]
        return sha256(canonical(words)).hexdigest()[:12]

    def knows(self, name: str) -> bool:
        """Whether a name is somebody's, or a group's."""
        return name in self.people or name in self.groups

    def who(self, name: str, day: date) -> tuple[Person, ...]:
        """Give the people whom a name stands for on a day, each by whoever answers for them."""
        group = self.groups.get(name)
        names = [self.answers_for(one, day) for one in (group.members if group else (name,))]
        found = (self.people[one] for one in dict.fromkeys(names) if one in self.people)
        return tuple(one for one in found if one.is_here(day))

    def answers_for(self, person: str, day: date) -> str:
        """Give who answers in somebody's place on a day; they themselves without a delegation."""
        given = {one.by: one.to for one in self.delegations if one.counts_on(day)}
        seen = {person}
        while given.get(person, person) not in seen:
            person = given[person]
            seen.add(person)
        return person

    def calendar_of(self, name: str) -> Calendar:
        """Give a group's calendar, or that of a person's first group; else office hours in UTC."""
        if name in self.groups:
            return self.groups[name].calendar
        for group in self.groups.values():
            if name in group.members:
                return group.calendar
        return Calendar()

    def names_of(self, person: str) -> tuple[str, ...]:
        """Give every name that a person answers to: their own, and their groups'."""
        groups = (one.name for one in self.groups.values() if person in one.members)
        return (person, *groups)

    def called(self, words: str) -> Person | None:
        """Find the one person who is called so: by id, or by name, mail address or login."""
        said = words.strip()
        if said in self.people:
            return self.people[said]
        wanted = said.casefold()
        found = [
            one
            for one in self.people.values()
            if wanted and wanted in {w.casefold() for w in (one.name, one.mail, one.login)}
        ]
        return found[0] if len(found) == 1 else None

    def by_mail(self, mail: str) -> Person | None:
        """Find the person behind a mail address."""
        wanted = mail.casefold()
        return next(
            (one for one in self.people.values() if wanted and one.mail.casefold() == wanted), None
        )

    def by_login(self, login: str) -> Person | None:
        """Find the person behind a user of this host."""
        return next((one for one in self.people.values() if login and one.login == login), None)


class PersonRow(SQLModel, table=True):
    """A person as stored."""

    __tablename__ = "person"

    id: str = Field(primary_key=True)
    name: str
    mail: str = ""
    login: str = ""
    last_day: date | None = None


class GroupRow(SQLModel, table=True):
    """A group as stored; its calendar is a document."""

    __tablename__ = "staff_group"

    name: str = Field(primary_key=True)
    position: int
    members: dict[str, Any] = document()  #: {"ids": [...]}
    calendar: dict[str, Any] = document()


class DelegationRow(SQLModel, table=True):
    """A delegation as stored."""

    __tablename__ = "delegation"

    by: str = Field(primary_key=True)
    first: date = Field(primary_key=True)
    to: str
    last: date


def read_directory(session: Session) -> Directory:
    """Give the directory that counts; empty before the first one."""
    people = session.exec(select(PersonRow).order_by(PersonRow.id)).all()
    groups = session.exec(select(GroupRow).order_by(GroupRow.position)).all()  # type: ignore[arg-type] # a column, once mapped
    return Directory(
        people={one.id: Person(**one.model_dump()) for one in people},
        groups={
            one.name: Group(one.name, tuple(one.members["ids"]), _calendar(one.calendar))
            for one in groups
        },
        delegations=tuple(
            Delegation(one.by, one.to, one.first, one.last)
            for one in session.exec(
                select(DelegationRow).order_by(col(DelegationRow.first), col(DelegationRow.by))
            ).all()
        ),
    )


def let_count(session: Session, directory: Directory, *, by: str, now: datetime) -> None:
    """Put a directory in the place of the one before."""
    session.execute(text("select pg_advisory_xact_lock(hashtext('taxiway:people'))"))
    session.execute(text("delete from person"))
    session.execute(text("delete from staff_group"))
    session.execute(text("delete from delegation"))
    for one in directory.delegations:
        session.add(DelegationRow(**asdict(one)))
    for person in directory.people.values():
        session.add(PersonRow(**asdict(person)))
    for position, group in enumerate(directory.groups.values()):
        session.add(
            GroupRow(
                name=group.name,
                position=position,
                members={"ids": list(group.members)},
                calendar=_stored(group.calendar),
            )
        )
    fields: dict[str, Json] = {
        "version": directory.version,
        "people": len(directory.people),
        "groups": len(directory.groups),
    }
    note(session, workflow=ANY, kind="people", actor=by, at=now, fields=fields)
    session.flush()


def difference(old: Directory, new: Directory) -> list[str]:
    """Say what a new directory changes."""
    told = []
    for what, before, after in (
        ("person", old.people, new.people),
        ("group", old.groups, new.groups),
    ):
        told += [f"{what} {name} is new" for name in after if name not in before]
        told += [f"{what} {name} goes" for name in before if name not in after]
        told += [
            f"{what} {name} changes"
            for name in after
            if name in before and before[name] != after[name]
        ]
    return told


def _stored(calendar: Calendar) -> dict[str, Any]:
    return {
        **asdict(calendar),
        "opens": f"{calendar.opens:%H:%M}",
        "closes": f"{calendar.closes:%H:%M}",
        "weekdays": list(calendar.weekdays),
        "closed": [day.isoformat() for day in calendar.closed],
    }


def _calendar(words: Mapping[str, Any]) -> Calendar:
    return Calendar(
        time_zone=words["time_zone"],
        opens=time.fromisoformat(words["opens"]),
        closes=time.fromisoformat(words["closes"]),
        weekdays=tuple(words["weekdays"]),
        holidays=words["holidays"],
        closed=tuple(date.fromisoformat(day) for day in words["closed"]),
    )


def _plain(things: Mapping[str, Any]) -> dict[str, Json]:
    return {name: str(thing) for name, thing in sorted(things.items())}


def refuse(faults: Sequence[str]) -> None:
    """Raise `Invalid` with every fault, if there is one."""
    if faults:
        lines = "\n".join(f"- {fault}" for fault in faults)
        raise Invalid(f"the directory cannot be taken; nothing was changed:\n{lines}")
