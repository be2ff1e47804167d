"""
How much waits for a group, how fast it decides, and what will be late.

Capacity and arrivals are counts over the last ten business days, by the open hours of the group's
calendar. The forecast takes the waiting reviews by their deadline, one after the other at that
pace; it knows nothing of holidays that somebody takes, and says so little about small groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from rollout.business_time import Business, Calendar, due, open_time
from rollout.people import Directory
from rollout.reviews import DECIDED, ReviewRow, Status

LOOK_BACK = timedelta(days=14)
YEAR = 365 * 24 * 60  #: minutes of open time beyond which no day is named
PER_PERSON = 4.0  #: decisions in an open hour, where a group has decided nothing yet


@dataclass(frozen=True)
class Backlog:
    """What waits for one group."""

    group: str
    waiting: int
    overdue: int
    arrive_per_hour: float
    decide_per_hour: float
    is_measured: bool  #: False: the pace is a guess, since nothing was decided yet
    clear_at: datetime | None  #: when the last one is decided; None: nothing waits, or for ages
    will_be_late: int  #: how many will pass their deadline at that pace
    before_weekend: int  #: how many still wait when the last business day of the week closes

    @property
    def grows(self) -> bool:
        """Whether more comes in than is decided."""
        return self.arrive_per_hour > self.decide_per_hour


def backlog_of(session: Session, directory: Directory, group: str, now: datetime) -> Backlog:
    """Forecast a group's waiting reviews."""
    calendar = directory.calendar_of(group)
    mine = ReviewRow.group == group
    waiting = session.exec(
        select(ReviewRow.due_at)
        .where(mine, ReviewRow.status == Status.OPEN)
        .order_by(col(ReviewRow.due_at))
    ).all()
    since = now - LOOK_BACK
    hours = open_time(calendar, since, now) / timedelta(hours=1)
    came = session.exec(select(func.count()).where(mine, ReviewRow.opened_at >= since)).one()
    done = session.exec(
        select(func.count()).where(
            mine,
            col(ReviewRow.status).in_(DECIDED),
            col(ReviewRow.closed_at) >= since,
        )
    ).one()
    people = max(1, len(directory.who(group, now.date())))
    pace = done / hours if done and hours else PER_PERSON * people
    return Backlog(
        group=group,
        waiting=len(waiting),
        overdue=sum(one < now for one in waiting),
        arrive_per_hour=came / hours if hours else 0.0,
        decide_per_hour=pace,
        is_measured=bool(done),
        clear_at=_when(calendar, now, len(waiting), pace) if waiting else None,
        will_be_late=_late(calendar, waiting, now, pace),
        before_weekend=_left_over(calendar, len(waiting), now, pace),
    )


def is_last_of_the_week(calendar: Calendar, now: datetime) -> bool:
    """Whether the group works today, and not tomorrow."""
    day = calendar.local_day(now)
    tomorrow = day + timedelta(days=1)
    return calendar.why_closed(day) is None and calendar.why_closed(tomorrow) is not None


def _when(calendar: Calendar, now: datetime, n: int, pace: float) -> datetime | None:
    minutes = max(1, round(60 * n / pace))
    if minutes > YEAR:
        return None
    return due(calendar, now, Business(minutes=minutes)).at


def _late(calendar: Calendar, waiting: Sequence[datetime], now: datetime, pace: float) -> int:
    """Count those whose turn comes after their deadline."""
    return sum(
        open_time(calendar, now, at) / timedelta(hours=1) * pace < n
        for n, at in enumerate(waiting, 1)
    )


def _left_over(calendar: Calendar, n: int, now: datetime, pace: float) -> int:
    """Count those that are still there when the last business day of this week closes."""
    day = calendar.local_day(now)
    days = [day + timedelta(days=k) for k in range(7)]
    open_days = []
    for one in days:
        if calendar.why_closed(one) is None:
            open_days.append(one)
        elif open_days:
            break
    if not open_days:
        return n
    closes = calendar.hours_of(open_days[-1])[1]
    return max(0, n - int(open_time(calendar, now, closes) / timedelta(hours=1) * pace))
