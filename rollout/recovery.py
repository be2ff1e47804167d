"""
What to do about a run that did not come to its end by itself.

One pure answer for every combination of what Prefect says of the run and what the ledger says of
its case. Starting a run again is always safe, since the ledger remembers every step; it is
counted all the same, so that a case that kills its process ends with a person.
"""

from dataclasses import dataclass
from enum import StrEnum


class RunState(StrEnum):
    """Where Prefect sees the run."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    FAILED = "failed"
    COMPLETED = "completed"
    MISSING = "missing"  #: Prefect does not know it, or not any more


ENDED = frozenset({RunState.CANCELLED, RunState.FAILED, RunState.COMPLETED, RunState.MISSING})


class Remedy(StrEnum):
    """What to do."""

    LEAVE = "leave"  #: It is fine, or somebody is at it.
    RERUN = "rerun"  #: Start it again from its first line.
    RESUME = "resume"  #: Its answer is there: wake it.
    CANCEL = "cancel"  #: Nobody runs it: the cancellation is complete.
    HAND_OFF = "hand_off"  #: It cannot go on: a person takes the case.


@dataclass(frozen=True)
class Seen:
    """A run and its case, as they were found."""

    state: RunState
    held: bool = False  #: a living worker has it in hand
    settled_seconds: float = 0.0  #: since its state changed last
    has_form: bool = True  #: a paused run's form was stored, so it can be resumed
    case_open: bool | None = None  #: None: the run has no case yet
    away: bool = False  #: it failed because a system outside, or a part of ours, was away
    decided: bool = False  #: the review it waits for has its decision
    reruns: int = 0


def wait_before(seen: Seen, first: float) -> float:
    """Give the seconds until a run is started again: at once, or 1, 4, 16 ... times `first`."""
    return first * 4**seen.reruns if seen.away else 0.0


def remedy(seen: Seen, *, most_reruns: int, settle: float = 5.0) -> tuple[Remedy, str]:
    """
    Say what to do about a run, and why.

    `settle` are the seconds that a late report of a dead process may take to arrive.
    """
    if seen.held:
        return Remedy.LEAVE, "a worker has it"
    match seen.state:
        case RunState.SCHEDULED:
            return Remedy.LEAVE, "it will be started"
        case RunState.CANCELLING:
            return Remedy.CANCEL, "no worker runs it any more"
        case RunState.PAUSED:
            return _paused(seen)
        case RunState.PENDING | RunState.RUNNING:
            return _again(seen, most_reruns, "the worker that had it is gone")
        case RunState.CRASHED if seen.settled_seconds < settle:
            return Remedy.LEAVE, "its process may still report"
        case RunState.CRASHED if seen.case_open is not False:
            return _again(seen, most_reruns, "its process died")
        case RunState.FAILED if seen.away and seen.case_open and seen.reruns < most_reruns:
            return Remedy.RERUN, "something that it needs was away"
        case _ if seen.state in ENDED and seen.case_open:
            return Remedy.HAND_OFF, f"the run is {seen.state} and the case is open"
        case _:
            return Remedy.LEAVE, "it has ended"


def _paused(seen: Seen) -> tuple[Remedy, str]:
    if seen.case_open is False:
        return Remedy.LEAVE, "its case has ended"
    if not seen.has_form:
        return Remedy.RERUN, "it was interrupted before its form was stored"
    if seen.decided:
        return Remedy.RESUME, "its review is decided"
    return Remedy.LEAVE, "it waits for a person"


def _again(seen: Seen, most: int, why: str) -> tuple[Remedy, str]:
    if seen.reruns < most:
        return Remedy.RERUN, why
    if seen.case_open:
        return Remedy.HAND_OFF, f"{why}, {seen.reruns} times in a row"
    return Remedy.RERUN, why
