"""
What Ctrl-C and the signals to end do while an installation starts, runs and stops.

A signal during the start breaks it off. While it runs, the caller's own handlers hold; a signal
that would kill us on the spot becomes an exception, so that everything is stopped on the way out.
While it stops, a second Ctrl-C changes nothing.
"""

import signal
import threading
from types import FrameType
from typing import Self

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """The handlers of this process, put back at the end; nothing is touched in other threads."""

    def __init__(self) -> None:
        here = threading.current_thread() is threading.main_thread()
        known = {one: signal.getsignal(one) for one in ENDINGS} if here else {}
        self._before = {one: how for one, how in known.items() if how is not None}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one, how in self._before.items():
            signal.signal(one, how)

    def break_off(self) -> None:
        """Let a signal end what is being done now, by an exception; `nohup` is respected."""
        for one, how in self._before.items():
            if one is not signal.SIGHUP or how is not signal.SIG_IGN:
                signal.signal(one, _end)

    def as_before(self) -> None:
        """Let the caller's own handlers hold; what would kill us becomes an exception."""
        for one, how in self._before.items():
            signal.signal(one, _end if how is signal.SIG_DFL else how)

    def hold(self) -> None:
        """Let nothing disturb."""
        for one in self._before:
            signal.signal(one, _not_now)


def _end(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _not_now(_number: int, _frame: FrameType | None) -> None:
    """Stopping already."""
