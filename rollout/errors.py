"""
What can be wrong with what somebody asked of Taxiway.

    TaxiwayError
    |-- ContractIncomplete    a contract has holes; each is named
    |-- ContractBroken        code tried what the contract forbids
    |-- Unknown               no such workflow, case or review
    |-- Invalid               the words or values cannot be taken as they are
    |-- OverBudget            a cap would be passed
    |-- NotYours              somebody else must decide this
    `-- Conflict              somebody or something was faster
        |-- AlreadyDecided    another person's answer stands
        `-- EventIdReused     the same event id came with another body

The message is for the person who asked: what is wrong, and what to do.
"""

from collections.abc import Sequence
from datetime import datetime


class TaxiwayError(Exception):
    """Something that was asked for cannot be done; the message says why."""


class ContractIncomplete(TaxiwayError):
    """A contract leaves questions open, so its workflow stays in draft."""

    def __init__(self, workflow: str, holes: Sequence[str]) -> None:
        self.holes = tuple(holes)
        listed = "".join(f"\n  - {hole}" for hole in holes)
        super().__init__(f"the contract of {workflow} is incomplete:{listed}")


class ContractBroken(TaxiwayError):
    """Code tried what its contract forbids: a defect in the workflow, never a business case."""


class Unknown(TaxiwayError):
    """There is no such thing, or not any more."""


class Invalid(TaxiwayError):
    """The words or values cannot be taken as they are."""


class OverBudget(TaxiwayError):
    """A cap would be passed, so the call was not made."""

    def __init__(self, scope: str, *, cap: int, taken: int, asked: int, parts: int) -> None:
        self.scope = scope
        budget, gone, more = (f"{one / parts / 100:.2f}" for one in (cap, taken, asked))
        super().__init__(
            f"{scope} has a budget of {budget}, of which {gone} is spent or "
            f"reserved: {more} more does not fit. Its business owner can raise it."
        )


class NotYours(TaxiwayError):
    """This person may not decide this; somebody else must. Tries are kept."""


class Conflict(TaxiwayError):
    """Somebody or something was faster; nothing was changed."""


class AlreadyDecided(Conflict):
    """The review has its answer; the message says whose."""

    def __init__(self, review: str, verb: str, by: str, at: datetime) -> None:
        super().__init__(
            f"{review} was already decided: {verb} by {by} at {at:%Y-%m-%d %H:%M:%S} UTC. "
            "Your answer was not used."
        )


class TooLate(Conflict):
    """The review has expired: nobody answered in time."""

    def __init__(self, review: str, at: datetime) -> None:
        super().__init__(
            f"{review} expired at {at:%Y-%m-%d %H:%M:%S} UTC, and its case was handed on. Your "
            "answer was not used; it is on record as late. `taxiway handoffs` says who has it."
        )


class EventIdReused(Conflict):
    """The same event id came with another body; the first one is kept."""

    def __init__(self, ext_id: str, message: str) -> None:
        self.ext_id = ext_id
        super().__init__(message)
