"""What a question gives: how it stands, in words, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Verdict(StrEnum):
    """How a part of the installation stands."""

    OK = "ok"
    WARN = "warn"  #: It works, and somebody should look.
    FAIL = "fail"  #: It does not work.


@dataclass(frozen=True)
class Finding:
    """The answer to one question."""

    what: str
    verdict: Verdict
    says: str
    mend: str = ""


Answer: TypeAlias = tuple[Verdict, str, str]
Question: TypeAlias = Callable[[], Answer]


def well(says: str) -> Answer:
    """Answer that all is well."""
    return Verdict.OK, says, ""


def look(says: str, mend: str) -> Answer:
    """Answer that somebody should look."""
    return Verdict.WARN, says, mend


def broken(says: str, mend: str) -> Answer:
    """Answer that it does not work."""
    return Verdict.FAIL, says, mend
