"""Deadlines in the receiver's working time: weekends, holidays, clocks that change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.business_time import DAY_NAMES, Business, Calendar, at_share, due, open_time
from rollout.errors import Invalid

BERLIN = Calendar("Europe/Berlin", time(9), time(17, 30), DAY_NAMES[:5], "DE-BE")
NEW_YORK = Calendar("America/New_York", time(9), time(17), DAY_NAMES[:5], "US")


def local(calendar: Calendar, *moment: int) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(calendar.time_zone))  # type: ignore[arg-type,misc] # year to minute


@pytest.mark.ugly(16)
@pytest.mark.parametrize(
    ("calendar", "start", "within", "ends"),
    [
        # Friday afternoon and three business days: Wednesday's close.
        (BERLIN, (2026, 11, 6, 16, 30), {"days": 3}, (2026, 11, 11, 17, 30)),
        # Before a Monday holiday (Columbus Day): Thursday's close.
        (NEW_YORK, (2026, 10, 9, 16, 55), {"days": 3}, (2026, 10, 15, 17)),
        # After closing, the start day is the next business day.
        (BERLIN, (2026, 11, 6, 17, 30), {"days": 1}, (2026, 11, 10, 17, 30)),
        (BERLIN, (2026, 11, 7, 12), {"days": 1}, (2026, 11, 10, 17, 30)),
        # Over Christmas: 25 and 26 December do not count, nor does New Year.
        (BERLIN, (2026, 12, 23, 10), {"days": 3}, (2026, 12, 29, 17, 30)),
        (BERLIN, (2026, 12, 30, 10), {"days": 2}, (2027, 1, 4, 17, 30)),
        # Hours run while it is open.
        (BERLIN, (2026, 11, 6, 16, 30), {"hours": 4}, (2026, 11, 9, 12)),
        (BERLIN, (2026, 11, 9, 7), {"hours": 1}, (2026, 11, 9, 10)),
        (BERLIN, (2026, 11, 9, 9), {"hours": 8, "minutes": 30}, (2026, 11, 9, 17, 30)),
        # Clocks go back on 25 October and forward on 28 March: the local hour stays.
        (BERLIN, (2026, 10, 23, 16, 30), {"hours": 2}, (2026, 10, 26, 10)),
        (BERLIN, (2027, 3, 26 - 1, 16, 30), {"hours": 2}, (2027, 3, 30, 10)),
        # A leap day is a day.
        (BERLIN, (2028, 2, 28, 12), {"days": 1}, (2028, 2, 29, 17, 30)),
    ],
)
def test_it_is_due_when_people_would_say_so(
    calendar: Calendar, start: tuple[int, ...], within: dict[str, int], ends: tuple[int, ...]
) -> None:
    found = due(calendar, local(calendar, *start), Business(**within))
    assert found.at == local(calendar, *ends)


def test_the_deadline_is_in_utc_and_says_how_it_came_about() -> None:
    found = due(NEW_YORK, local(NEW_YORK, 2026, 10, 9, 16, 55), Business(days=3))

    assert found.at == datetime(2026, 10, 15, 21, tzinfo=UTC)
    assert found.reasoning == (
        "starts on Fri 2026-10-09",
        "Mon 2026-10-12 does not count: Columbus Day",
        "3 business days after Fri 2026-10-09: Thu 2026-10-15, 17:00",
    )


def test_half_of_the_time_is_half_of_the_open_time() -> None:
    start = local(BERLIN, 2026, 11, 6, 15, 30)
    end = due(BERLIN, start, Business(hours=4)).at

    assert at_share(BERLIN, start, end, 0.5) == local(BERLIN, 2026, 11, 6, 17, 30)
    assert at_share(BERLIN, start, end, 0.9) == local(BERLIN, 2026, 11, 9, 10, 36)


FIRST, LAST = datetime(2025, 1, 1), datetime(2029, 12, 31)  # noqa: DTZ001 # the strategy adds the zone
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
CALENDARS = st.sampled_from([BERLIN, NEW_YORK, Calendar()])


@given(CALENDARS, MOMENTS, st.integers(1, 60 * 60))
def test_the_open_time_until_a_deadline_is_what_was_given(
    calendar: Calendar, start: datetime, minutes: int
) -> None:
    end = due(calendar, start, Business(minutes=minutes)).at
    assert open_time(calendar, start, end) == timedelta(minutes=minutes)


@given(CALENDARS, MOMENTS, st.integers(1, 30), st.floats(0, 1))
def test_a_deadline_lies_in_working_time_and_no_reminder_comes_after_it(
    calendar: Calendar, start: datetime, days: int, share: float
) -> None:
    end = due(calendar, start, Business(days=days)).at
    assert calendar.why_closed(calendar.local_day(end)) is None
    assert end == calendar.hours_of(calendar.local_day(end))[1]
    assert start <= at_share(calendar, start, end, share) <= end
    assert due(calendar, start + timedelta(hours=1), Business(days=days)).at >= end


def test_another_calendar_is_another_version() -> None:
    assert BERLIN.version != NEW_YORK.version
    assert len(BERLIN.version) == 12


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"time_zone": "Europe/Bonn"}, "no time zone 'Europe/Bonn'"),
        ({"time_zone": ""}, "no time zone ''"),
        ({"holidays": "ZZ"}, "no holiday calendar 'ZZ'"),
        ({"holidays": "DE-XX"}, "no holiday calendar 'DE-XX'"),
        ({"opens": time(17), "closes": time(9)}, "must be after opens"),
        ({"weekdays": ("monday",)}, "weekdays are some of"),
        ({"weekdays": ()}, "weekdays are some of"),
    ],
)
def test_a_calendar_that_nobody_could_keep_is_refused(words: dict[str, object], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        Calendar(**words)  # type: ignore[arg-type] # what a file may hold


def test_a_calendar_that_never_opens_is_told() -> None:
    shut = Calendar(closed=tuple(date(2026, 11, 1) + timedelta(days=n) for n in range(200)))
    with pytest.raises(Invalid, match="closed for 60 days"):
        due(shut, datetime(2026, 11, 2, tzinfo=UTC), Business(days=1))


@pytest.mark.parametrize("words", [{"days": -1}, {"days": 1, "hours": 1}, {"days": 10_000}])
def test_a_span_that_makes_no_sense_is_refused(words: dict[str, int]) -> None:
    with pytest.raises(Invalid, match="business time"):
        Business(**words)


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(Invalid, match="needs a time zone"):
        due(BERLIN, datetime(2026, 11, 6, 16, 30), Business(days=1))  # noqa: DTZ001 # that is the point
