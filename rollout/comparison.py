"""
What an agent would have done beside what people did, field by field.

Values are compared after normalising (Unicode NFKC, case, spaces), by the comparator that the
field has. A field may be ignored for a while, by an owner who answers for it.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

from rollout.canonical import digest
from rollout.errors import Invalid

SPACES = re.compile(r"\s+")


class Verdict(StrEnum):
    """How a proposal relates to what a person decided, the best first."""

    EQUAL = "equal"  #: The same, letter by letter.
    EQUIVALENT = "equivalent"  #: The same after normalising.
    ACCEPTABLE = "acceptable"  #: Within the tolerance that the field has.
    DIFFERENT = "different"
    HARMFUL = "harmful"  #: Different, and one of the ways that do harm.
    INCOMPARABLE = "incomparable"  #: One of them is missing, or not of the field's kind.


AGREES = frozenset({Verdict.EQUAL, Verdict.EQUIVALENT, Verdict.ACCEPTABLE})
ORDER = list(Verdict)


class Kind(StrEnum):
    """How a field is compared."""

    EXACT = "exact"
    SET = "set"  #: Words separated by semicolons, in any order.
    TOLERANCE = "tolerance"  #: Numbers that differ by at most so much.
    ORDINAL = "ordinal"  #: Steps of a scale that are at most so far apart.
    JUDGED = "judged"  #: Words: where they differ, a further person says whether both are right.


@dataclass(frozen=True)
class Comparator:
    """How one field is compared."""

    kind: Kind = Kind.EXACT
    tolerance: float = 0  #: absolute for numbers, steps for a scale
    scale: tuple[str, ...] = ()  #: of an ordinal field, in its order

    def __post_init__(self) -> None:
        if not self.tolerance >= 0:
            raise Invalid(f"a tolerance is not below 0: {self.tolerance}")
        if self.kind is Kind.ORDINAL and len(self.scale) < 2:
            raise Invalid("an ordinal field needs its scale, in order")

    def compare(self, proposed: str, human: str) -> Verdict:
        """Compare two values."""
        if proposed == human:
            return Verdict.EQUAL
        one, other = normal(proposed), normal(human)
        if one == other:
            return Verdict.EQUIVALENT
        match self.kind:
            case Kind.EXACT | Kind.JUDGED:
                return Verdict.DIFFERENT
            case Kind.SET:
                same = _words(one) == _words(other)
                return Verdict.EQUIVALENT if same else Verdict.DIFFERENT
            case Kind.TOLERANCE:
                return self._within(_number(one), _number(other))
            case Kind.ORDINAL:
                steps = {normal(step): float(n) for n, step in enumerate(self.scale)}
                return self._within(steps.get(one), steps.get(other))

    def _within(self, one: float | None, other: float | None) -> Verdict:
        if one is None or other is None:
            return Verdict.INCOMPARABLE
        near = abs(one - other) <= self.tolerance
        return Verdict.ACCEPTABLE if near else Verdict.DIFFERENT


@dataclass(frozen=True)
class Ignored:
    """A field that is not compared, whose word that is, and until when."""

    owner: str
    until: date


@dataclass(frozen=True)
class Comparison:
    """What counts when a workflow's proposals are compared."""

    fields: Mapping[str, Comparator]
    ignored: Mapping[str, Ignored] = field(default_factory=dict)
    harmful: frozenset[tuple[str, str]] = frozenset()  #: (proposed, human), normalised

    def compare(
        self, proposed: Mapping[str, str | None], human: Mapping[str, str | None], day: date
    ) -> tuple[Verdict, dict[str, Verdict]]:
        """Give the worst verdict of all fields, and each one's."""
        found = {
            name: self._one(comparator, proposed.get(name), human.get(name))
            for name, comparator in self.fields.items()
            if not self._is_ignored(name, day)
        }
        if not found:
            return Verdict.INCOMPARABLE, {}
        return max(found.values(), key=ORDER.index), found

    def _one(self, comparator: Comparator, proposed: str | None, human: str | None) -> Verdict:
        if proposed is None or human is None:
            return Verdict.INCOMPARABLE
        verdict = comparator.compare(proposed, human)
        if verdict is Verdict.DIFFERENT and self.harmful:
            pair = (normal(proposed), normal(human))
            return Verdict.HARMFUL if pair in self.harmful else verdict
        return verdict

    def _is_ignored(self, name: str, day: date) -> bool:
        rule = self.ignored.get(name)
        return rule is not None and day <= rule.until


@lru_cache(maxsize=65_536)
def normal(value: str) -> str:
    """Give a value as it is compared: one form of each letter, lower case, single spaces."""
    return SPACES.sub(" ", unicodedata.normalize("NFKC", value)).strip().casefold()


def key_of(fields: Mapping[str, object], answer: Mapping[str, str]) -> str:
    """Give the digest of an answer as it is compared, so that two can be told apart unread."""
    return digest({name: normal(answer[name]) for name in sorted(fields) if name in answer})[:16]


def harmful_pairs(words: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Read pairs like `approve=reject`: what was proposed, and what a person decided instead."""
    pairs = []
    for one in words:
        proposed, equals, human = one.partition("=")
        if not equals or not proposed.strip() or not human.strip():
            raise Invalid(f"{one!r} is not PROPOSED=HUMAN, like approve=reject")
        pairs.append((normal(proposed), normal(human)))
    return frozenset(pairs)


def _words(value: str) -> frozenset[str]:
    return frozenset(word.strip() for word in value.split(";") if word.strip())


def _number(value: str) -> float | None:
    try:
        number = float(value.replace(",", ""))
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None
