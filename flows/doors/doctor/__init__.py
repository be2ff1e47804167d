"""
Whether an installation is well, and how to mend it: one question after another.

Each question stands alone, so that one that cannot be answered hides none of the others; only
where the database or Prefect does not answer at all, what depends on it is not asked. Nothing
here changes anything.
"""

from collections.abc import Iterator

from flows.doors.doctor.finding import Finding, Question, Verdict
from flows.doors.doctor.ledger import LEDGER
from flows.doors.doctor.outside import OUTSIDE
from flows.doors.doctor.place import PLACE
from flows.doors.doctor.prefect import PREFECT

NEEDS_ITS_FIRST = (LEDGER, PREFECT)  #: where the first question fails, the others are not asked

__all__ = ["Finding", "Verdict", "examine"]


def examine() -> Iterator[Finding]:
    """Ask every question in turn; gives each answer as it comes."""
    for group in (PLACE, LEDGER, PREFECT, OUTSIDE):
        for number, (name, ask) in enumerate(group):
            found = _answered(name, ask)
            yield found
            if not number and group in NEEDS_ITS_FIRST and found.verdict is Verdict.FAIL:
                break


def _answered(name: str, ask: Question) -> Finding:
    try:
        return Finding(name, *ask())
    except Exception as error:  # noqa: BLE001 # a question that breaks is an answer too
        told = str(error).partition("\n")[0][:200] or type(error).__name__
        return Finding(name, Verdict.FAIL, told, "see what it says, then ask again")
