"""
When something is due, in the receiver's own working time.

N business days end with the Nth business day after the start day; what arrives after closing or
on a day off starts with the next business day. Business hours and minutes run while the calendar
is open. Everything is worked out on the local clock and given in UTC, so that a change to summer
time moves no deadline by an hour.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from itertools import count
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rollout.canonical import canonical
from rollout.errors import Invalid

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_CLOSURE = 60  #: days; a calendar that stays closed longer is a mistake
MOST_DAYS = 750  #: business days, about three years


@dataclass(frozen=True)
class Business:
    """A span of business time: days, or hours and minutes."""

    days: int = 0
    hours: int = 0
    minutes: int = 0

    def __post_init__(self) -> None:
        if min(self.days, self.hours, self.minutes) < 0:
            raise Invalid("business time is never below zero")
        if self.days and (self.hours or self.minutes):
            raise Invalid("business time is either days, or hours and minutes")
        if self.days > MOST_DAYS or self.open_time > timedelta(hours=24 * MOST_DAYS):
            raise Invalid(f"business time is at most {MOST_DAYS} days")

    def __bool__(self) -> bool:
        return bool(self.days or self.hours or self.minutes)

    def __str__(self) -> str:
        words = [
            f"{value} business {name if value != 1 else name.removesuffix('s')}"
            for name, value in asdict(self).items()
            if value
        ]
        return " and ".join(words) or "no time"

    @property
    def open_time(self) -> timedelta:
        """The hours and minutes."""
        return timedelta(hours=self.hours, minutes=self.minutes)


NO_TIME = Business()


@dataclass(frozen=True)
class Calendar:
    """When a group works. Raises `Invalid` where nobody could."""

    time_zone: str = "UTC"
    opens: time = time(9)
    closes: time = time(17)
    weekdays: tuple[str, ...] = DAY_NAMES[:5]
    holidays: str = ""  #: a country, or a country and a region: DE, DE-BE
    closed: tuple[date, ...] = ()  #: days of its own

    def __post_init__(self) -> None:
        if self.closes <= self.opens:
            raise Invalid(f"closes ({self.closes:%H:%M}) must be after opens ({self.opens:%H:%M})")
        strange = set(self.weekdays) - set(DAY_NAMES)
        if strange or not self.weekdays:
            raise Invalid(f"weekdays are some of {', '.join(DAY_NAMES)}")
        _zone(self.time_zone)
        _public_holidays(self.holidays)

    @property
    def version(self) -> str:
        """The first twelve hexadecimal digits of the SHA-256 of its content."""
        return sha256(canonical({k: str(v) for k, v in asdict(self).items()})).hexdigest()[:12]

    def why_closed(self, day: date) -> str | None:
        """Say why nobody works on a day; None when they do."""
        if DAY_NAMES[day.weekday()] not in self.weekdays:
            return "no working day"
        if day in self.closed:
            return "closed"
        found = _public_holidays(self.holidays).get(day)
        return str(found) if found else None

    def hours_of(self, day: date) -> tuple[datetime, datetime]:
        """Give when a day opens and closes, in UTC."""
        zone = _zone(self.time_zone)
        opens, closes = (
            datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
            for at in (self.opens, self.closes)
        )
        return opens, closes

    def local_day(self, moment: datetime) -> date:
        """Give the day that it is there."""
        return moment.astimezone(_zone(self.time_zone)).date()

    def business_days(self, start: date) -> Iterator[date]:
        """Give the business days from a day on, itself included."""
        closed_for = 0
        for n in count():
            day = start + timedelta(days=n)
            if self.why_closed(day) is None:
                closed_for = 0
                yield day
            else:
                closed_for += 1
            if closed_for > LONGEST_CLOSURE:
                raise Invalid(f"the calendar is closed for {LONGEST_CLOSURE} days from {day}")


@dataclass(frozen=True)
class Due:
    """A deadline, and how it came about."""

    at: datetime  #: UTC
    reasoning: tuple[str, ...]


def due(calendar: Calendar, start: datetime, within: Business) -> Due:
    """Say when something that starts at a moment is due. Raises `Invalid` without a time zone."""
    if start.tzinfo is None:
        raise Invalid("the start needs a time zone, like 2026-11-06T16:55+01:00")
    first = _first_day(calendar, start)
    told = [*_on_the_way(calendar, calendar.local_day(start), first, start)]
    if within.days:
        days = calendar.business_days(first)
        last = next(day for n, day in enumerate(days) if n == within.days)
        told += _closures(calendar, first, last)
        told.append(f"{within} after {_said(first)}: {_said(last)}, {calendar.closes:%H:%M}")
        return Due(calendar.hours_of(last)[1], tuple(told))
    end = _after(calendar, start, within.open_time)
    told += _closures(calendar, first, calendar.local_day(end))
    local = end.astimezone(_zone(calendar.time_zone))
    told.append(f"{within} of open time: {_said(local.date())}, {local:%H:%M}")
    return Due(end, tuple(told))


def open_time(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Give the business time between two moments; none where the end comes first."""
    total = timedelta()
    for opens, closes in _open_spans(calendar, start):
        if opens >= end:
            return total
        total += min(closes, end) - opens
    raise AssertionError("spans are endless")


def at_share(calendar: Calendar, start: datetime, end: datetime, share: float) -> datetime:
    """Give the moment at which a share of the business time until the end is used."""
    return _after(calendar, start, open_time(calendar, start, end) * share)


def _after(calendar: Calendar, start: datetime, span: timedelta) -> datetime:
    left = span
    for opens, closes in _open_spans(calendar, start):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    raise AssertionError("spans are endless")


def _open_spans(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Give the open spans from a moment on, in UTC."""
    for day in calendar.business_days(calendar.local_day(start)):
        opens, closes = calendar.hours_of(day)
        if closes > start:
            yield max(opens, start.astimezone(UTC)), closes


def _first_day(calendar: Calendar, start: datetime) -> date:
    """Give the start day: the next business day after closing, or on a day off."""
    return next(
        day
        for day in calendar.business_days(calendar.local_day(start))
        if calendar.hours_of(day)[1] > start
    )


def _on_the_way(calendar: Calendar, day: date, first: date, start: datetime) -> Iterator[str]:
    if day == first:
        yield f"starts on {_said(day)}"
    elif why := calendar.why_closed(day):
        yield f"{_said(day)} is a day off ({why}): starts on {_said(first)}"
    else:
        local = start.astimezone(_zone(calendar.time_zone))
        yield f"{local:%H:%M} is after closing ({calendar.closes:%H:%M}): starts on {_said(first)}"


def _closures(calendar: Calendar, first: date, last: date) -> Iterator[str]:
    for n in range(1, (last - first).days):
        day = first + timedelta(days=n)
        why = calendar.why_closed(day)
        if why and why != "no working day":
            yield f"{_said(day)} does not count: {why}"


def _said(day: date) -> str:
    return f"{DAY_NAMES[day.weekday()].capitalize()} {day}"


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"there is no time zone {name!r}; one is for example Europe/Berlin") from None


@cache
def _public_holidays(code: str) -> Mapping[date, str]:
    if not code:
        return {}
    import holidays  # noqa: PLC0415 # slow to import, and every command reads the contracts

    country, _, region = code.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=region or None, language="en_US")
    except NotImplementedError:
        raise Invalid(
            f"there is no holiday calendar {code!r}; one is for example DE, or DE-BE for Berlin"
        ) from None
