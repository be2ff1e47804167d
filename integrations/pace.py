"""
How fast a system is called: turns that all its callers share, and nobody before it says so.

Turns come steadily, and ten seconds' worth may be taken at once, as limits "per ten seconds" are
meant (GCRA, the leaky bucket as a meter: ITU-T I.371). `OwnPace` is for one process; `SharedPace`
keeps the one number it needs in the database, on whose clock all workers agree.
"""

import asyncio
import threading
import time
from datetime import datetime
from typing import Protocol

from sqlalchemy import DateTime, text
from sqlmodel import Field, SQLModel

from integrations.database import transaction

SPAN = 10.0  #: seconds whose turns may be used at once
PLENTY = 1000.0  #: turns in a second, where nobody has said how many


class Pace(Protocol):
    """The turns of one system."""

    async def turn(self) -> None:
        """Wait for a turn."""
        ...

    def hold(self, seconds: float) -> None:
        """Let nobody call for some seconds."""
        ...


class OwnPace:
    """The turns of one system in this process; safe to share between lanes."""

    def __init__(self, per_second: float = PLENTY) -> None:
        self._each = 1 / per_second
        self._lock = threading.Lock()
        self._due = self._not_before = 0.0

    async def turn(self) -> None:
        """Wait for a turn."""
        await asyncio.sleep(self.take())

    def hold(self, seconds: float) -> None:
        """Let nobody in this process call for some seconds."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def take(self) -> float:
        """Take a turn now; gives the seconds until it comes."""
        with self._lock:
            moment = time.monotonic()
            self._due = max(self._due, moment) + self._each
            return max(0.0, self._due - SPAN - moment, self._not_before - moment)


class PaceRow(SQLModel, table=True):
    """When a system's next turn is due, were they taken one by one; and nobody before when."""

    __tablename__ = "pace"

    system: str = Field(primary_key=True)
    due: datetime = Field(sa_type=DateTime(timezone=True))
    not_before: datetime = Field(sa_type=DateTime(timezone=True))


class SharedPace:
    """The turns of one system for every process that uses the same database."""

    def __init__(self, system: str, per_second: float) -> None:
        self._system = system
        self._each = 1 / per_second

    async def turn(self) -> None:
        """Wait for a turn."""
        await asyncio.sleep(self.take())

    def hold(self, seconds: float) -> None:
        """Let nobody call for some seconds."""
        self._move(each=0.0, hold=seconds)

    def take(self) -> float:
        """Take a turn now; gives the seconds until it comes."""
        return self._move(each=self._each, hold=0.0)

    def _move(self, *, each: float, hold: float) -> float:
        with transaction() as session:
            wait: float = session.execute(
                text(
                    "insert into pace as p values (:system, "
                    "clock_timestamp() + make_interval(secs => :each), "
                    "clock_timestamp() + make_interval(secs => :hold)) "
                    "on conflict (system) do update set "
                    "due = greatest(p.due, clock_timestamp()) + make_interval(secs => :each), "
                    "not_before = greatest(p.not_before, excluded.not_before) "
                    "returning extract(epoch from greatest("
                    "due - make_interval(secs => :span), not_before) - clock_timestamp())"
                ),
                {"system": self._system, "each": each, "hold": hold, "span": SPAN},
            ).scalar_one()
        return max(0.0, float(wait))
