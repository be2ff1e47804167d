"""
How fast a system is called: a bucket of turns that all callers in this process share.

It refills steadily and holds ten seconds' worth, as limits "per ten seconds" are meant. When the
system itself says when to come again, nobody calls before then.
"""

import asyncio
import threading
import time
from functools import cache

SPAN = 10.0  #: seconds whose turns may be used at once


class Pace:
    """One system's bucket; safe to share between lanes."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._lock = threading.Lock()
        self._free = per_second * SPAN
        self._at = time.monotonic()
        self._not_before = 0.0

    async def turn(self) -> None:
        """Wait for a turn."""
        await asyncio.sleep(self._take())

    def hold(self, seconds: float) -> None:
        """Let nobody call for some seconds."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def _take(self) -> float:
        """Take a turn now; gives the seconds until it comes."""
        with self._lock:
            moment = time.monotonic()
            full = self.per_second * SPAN
            self._free = min(full, self._free + (moment - self._at) * self.per_second) - 1
            self._at = moment
            return max(0.0, -self._free / self.per_second, self._not_before - moment)


@cache
def pace_of(url: str, per_second: float) -> Pace:
    """Give the one bucket of a system, by its address."""
    del url
    return Pace(per_second)
