"""
What can go wrong with an outside system.

    OutsideError
    |-- Unavailable     not now: try again later
    `-- Refused         no, for good: trying again changes nothing
        |-- NotFound    there is no such record
        `-- Stale       somebody else has changed the record meanwhile

No message carries a secret or a person's data.
"""

from collections.abc import Sequence


class OutsideError(Exception):
    """An outside system did not do what was asked."""


class Unavailable(OutsideError):
    """
    The system cannot answer now.

    `sent` says what is known of a write: False if it surely was not applied, None if it may
    have been.
    """

    def __init__(self, system: str, what: str, *, sent: bool | None = None) -> None:
        self.system = system
        self.sent = sent
        super().__init__(f"{system} is unavailable: {what}")

    @property
    def never_sent(self) -> bool:
        """Whether it surely was not applied."""
        return self.sent is False


class Refused(OutsideError):
    """The system understood and said no."""

    def __init__(self, system: str, status: int, what: str, fields: Sequence[str] = ()) -> None:
        self.system = system
        self.status = status
        self.fields = tuple(fields)
        listed = f" ({'; '.join(fields)})" if fields else ""
        super().__init__(f"{system} refused with {status}: {what}{listed}")


class NotFound(Refused):
    """There is no such record, or not any more."""


class Stale(Refused):
    """Somebody else has changed the record since it was read."""
