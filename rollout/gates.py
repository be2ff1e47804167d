"""
What must hold before an agent rises: each gate with its evidence, and the worst of them counts.

Only PASS promotes. What is missing, old or undecided is not a pass, and no time makes it one. A
gate is a pure function of what was compared up to a moment and of the policy: the same input gives
the same words.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from rollout.errors import Invalid
from rollout.evidence import (
    bernoulli_interval,
    log_e_beta_binomial,
    log_e_mean,
)

MOST_AHEAD = 10_000_000  #: cases that an estimate looks ahead


class Status(StrEnum):
    """How a gate stands, the best first."""

    PASS = "pass"  # noqa: S105 # no password
    INCONCLUSIVE = "inconclusive"  #: The evidence says neither yes nor no.
    STALE = "stale"  #: There was enough, and it is too old.
    NO_DATA = "no_data"
    FAIL = "fail"  #: The evidence says no.
    ERROR = "error"  #: It could not be judged.


@dataclass(frozen=True)
class Finding:
    """How one gate stands, and why."""

    gate: str
    status: Status
    because: str
    value: float | None = None
    low: float | None = None  #: of the interval that holds at every look
    high: float | None = None
    log_e: float | None = None
    needs: int | None = None  #: about so many more cases at the present rate; None: not said
    is_dry: bool = False  #: It only says what it would say.


@dataclass(frozen=True)
class Series:
    """
    What was compared, in the order in which people decided: one place for each case.

    `right` is 1 where the agent agreed and 0 where not; `constant` the same for the answer that
    is given most often; `harmful` is 1 where the difference does harm.
    """

    right: NDArray[np.float64]
    constant: NDArray[np.float64]
    harmful: NDArray[np.float64]
    units: NDArray[np.int64] | None = None  #: which unit each case belongs to
    segments: Sequence[str] | None = None
    days: float | None = None  #: from the first to the last; None: no times are known
    age_days: float | None = None  #: since the last one; None: it does not matter
    eligible: int = 0  #: how many the agent should have answered
    answered: int = 0
    best_constant: str = ""
    harm_is_known: bool = True  #: whether anybody has said what does harm

    @property
    def n(self) -> int:
        """How many cases were compared."""
        return len(self.right)

    def only(self, chosen: NDArray[np.bool_]) -> "Series":
        """Give some of the cases, with what is known of all of them."""
        return Series(
            right=self.right[chosen],
            constant=self.constant[chosen],
            harmful=self.harmful[chosen],
            units=None if self.units is None else self.units[chosen],
            days=self.days,
            age_days=self.age_days,
            eligible=int(chosen.sum()),
            answered=int(chosen.sum()),
            best_constant=self.best_constant,
            harm_is_known=self.harm_is_known,
        )


@dataclass(frozen=True)
class Policy:
    """The bars of the climb; a workflow may only make them higher."""

    agreement: float = 0.80
    harm: float = 0.02
    coverage: float = 0.98
    margin: float = 0.05
    alpha: float = 0.05
    min_units: int = 100
    min_days: float = 14
    fresh_days: float = 30
    dry_run: tuple[str, ...] = ()  #: gates that only say what they would say
    segments: tuple[str, ...] = ()  #: those that must pass alone

    def __post_init__(self) -> None:
        for name in ("agreement", "harm", "coverage", "alpha", "margin"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 < value < 1):
                raise Invalid(f"{name} lies between 0 and 1, not at {value}")
        if self.harm >= self.agreement:
            raise Invalid("more harm is accepted than agreement is asked for")
        if self.min_units < 1 or self.min_days < 0 or self.fresh_days <= 0:
            raise Invalid("min_units is at least 1, min_days not below 0, fresh_days above 0")


def judge(
    name: str, gate: "Callable[[Series, Policy], Finding]", series: Series, policy: Policy
) -> Finding:
    """Judge one gate; whatever goes wrong is an ERROR, and never a pass."""
    try:
        found = gate(series, policy)
    except (Invalid, ArithmeticError, ValueError) as error:
        found = Finding(name, Status.ERROR, f"it could not be judged: {error}")
    return replace(found, is_dry=True) if name in policy.dry_run else found


def fold(findings: Iterable[Finding]) -> Status:
    """Give the worst of all gates that count; nothing at all is NO_DATA."""
    order = list(Status)
    counted = [one.status for one in findings if not one.is_dry]
    return max(counted, key=order.index) if counted else Status.NO_DATA


def above(
    name: str,
    ones: NDArray[np.float64],
    bar: float,
    alpha: float,
    words: str,
    units: NDArray[np.int64] | None = None,
) -> Finding:
    """Judge whether a share lies above a bar; over units where one brings several cases."""
    n, k = len(ones), int(ones.sum())
    if not n:
        return Finding(name, Status.NO_DATA, "nothing was compared")
    by_unit = means_by(ones, units) if units is not None else ones
    is_counted = len(by_unit) == n
    log_e = log_e_beta_binomial(k, n, bar) if is_counted else log_e_mean(by_unit, bar)
    against = (
        log_e_beta_binomial(n - k, n, 1 - bar) if is_counted else log_e_mean(1 - by_unit, 1 - bar)
    )
    low, high = bernoulli_interval(k, n, alpha)
    told = (
        f"{words} {k} of {n} ({percent(k / n)}, at every look {percent(low)} to "
        f"{percent(high)}); the bar is {percent(bar)}"
    )
    if not is_counted:
        told += f"; judged over {len(by_unit)} units"
    need = math.log(1 / alpha)
    found = Finding(name, Status.PASS, told, k / n, low=low, high=high, log_e=log_e)
    if log_e >= need:
        return found
    if against >= need:
        return replace(found, status=Status.FAIL)
    more = needs_more(by_unit, bar, log_e, need)
    return replace(found, status=Status.INCONCLUSIVE, needs=more)


def below(name: str, ones: NDArray[np.float64], bar: float, alpha: float, words: str) -> Finding:
    """Judge whether a share lies below a bar."""
    found = above(name, 1 - ones, 1 - bar, alpha, words)
    if found.value is None:
        return found
    n, k = len(ones), int(ones.sum())
    low, high = bernoulli_interval(k, n, alpha)
    told = (
        f"{words} {k} of {n} ({percent(k / n)}, at every look {percent(low)} to "
        f"{percent(high)}); at most {percent(bar)}"
    )
    return Finding(
        name, found.status, told, k / n, low=low, high=high, log_e=found.log_e, needs=found.needs
    )


def means_by(values: NDArray[np.float64], units: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give each unit's mean, the units in the order of their first case."""
    known, first, place = np.unique(units, return_index=True, return_inverse=True)
    sums = np.bincount(place, weights=values, minlength=len(known))
    counts = np.bincount(place, minlength=len(known))
    means: NDArray[np.float64] = (sums / counts)[np.argsort(first)]
    return means


def needs_more(values: NDArray[np.float64], bar: float, log_e: float, need: float) -> int | None:
    """Estimate how many more cases like the present ones it takes; None: it will not come so."""
    mean, variance = float(values.mean()), float(values.var())
    edge = mean - bar
    if edge <= 0:
        return None
    bet = min(edge / (variance + edge**2), 0.75 / bar)
    growth = float(np.mean(np.log1p(bet * (values - bar))))
    if growth <= 0:
        return None
    return min(MOST_AHEAD, math.ceil((need - max(0.0, log_e)) / growth))


def percent(share: float) -> str:
    """Give a share in words."""
    return f"{100 * share:.1f} %"
