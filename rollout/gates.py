"""
What must hold before an agent rises: each gate with its evidence, and the worst of them counts.

Only PASS promotes. What is missing, old or undecided is not a pass, and no time makes it one. A
gate is a pure function of what was compared up to a moment and of the policy: the same input gives
the same words.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rollout.errors import Invalid
from rollout.evidence import (
    bernoulli_interval,
    log_e_beta_binomial,
    log_e_mean,
)

Evidence = TypeVar("Evidence")  #: what gates look at
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
class Tally:
    """What was compared, counted: all that a gate looks at."""

    n: int  #: cases that were compared
    right: int  #: in which the agent agreed
    harmful: int = 0  #: in which the difference does harm
    constant: str = ""  #: the answer that people give most often
    constant_right: int = 0  #: in which always giving it would have agreed
    wins: int = 0  #: in which only the agent agreed, not the constant answer
    losses: int = 0  #: in which only the constant answer did
    eligible: int = 0  #: how many the agent should have answered
    answered: int = 0
    days: float | None = None  #: from the first to the last; None: no times are known
    age_days: float | None = None  #: since the last one; None: it does not matter
    segments: Mapping[str, tuple[int, int]] = field(default_factory=dict)  #: n and right of each
    unit_means: NDArray[np.float64] | None = None  #: where units bring several cases: each one's
    harm_is_known: bool = True  #: whether anybody has said what does harm
    cheap: int | None = None  #: answers within the budget of a case; None: it is not known
    quick: int | None = None  #: answers in time; None: it is not known
    exceptions: int = 0  #: kinds that a case may meet while an agent only watches
    unmet: tuple[str, ...] | None = None  #: those that nobody has met; None: it is not known
    asked_twice: int = 0  #: cases about which the agent was asked again
    same_twice: int = 0  #: in which it said the same

    @property
    def units(self) -> int:
        """How many independent units were compared."""
        return self.n if self.unit_means is None else len(self.unit_means)


SHARES = (
    *("agreement", "harm", "coverage", "alpha", "margin"),
    *("anchoring", "acceptance", "integration", "escalation", "matured", "planted", "budget"),
)


@dataclass(frozen=True)
class Policy:
    """The bars of the climb; a workflow may only make them higher."""

    agreement: float = 0.80
    harm: float = 0.02
    coverage: float = 0.98
    budget: float = 0.95  #: share of answers that keep to what they may cost, and how long
    margin: float = 0.05  #: by which an agent may be worse than people, and count as equal
    anchoring: float = 0.10  #: by which what is shown may be taken more often than agreed to blind
    acceptance: float = 0.85
    planted: float = 0.50  #: share of planted errors that people find
    integration: float = 0.95  #: share of writes that arrive
    drill_days: float = 30  #: how long a practised stop counts
    step_days: float = 7  #: at each share, before it grows
    escalation: float = 0.12  #: share of cases that go up, once it is live for thirty days
    matured: float = 0.80  #: share of its cases of which is known what became of them
    alpha: float = 0.05
    min_units: int = 100
    min_days: float = 14
    fresh_days: float = 30
    lent_days: float = 90  #: how long full holds without being renewed
    rechecks: int = 30  #: of what it did alone since, before that is renewed
    dry_run: tuple[str, ...] = ()  #: gates that only say what they would say
    segments: tuple[str, ...] = ()  #: those that must pass alone

    def __post_init__(self) -> None:
        for name in SHARES:
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 < value < 1):
                raise Invalid(f"{name} lies between 0 and 1, not at {value}")
        if self.harm >= self.agreement:
            raise Invalid("more harm is accepted than agreement is asked for")
        if self.min_units < 1 or self.min_days < 0 or self.fresh_days <= 0:
            raise Invalid("min_units is at least 1, min_days not below 0, fresh_days above 0")
        if not (self.drill_days > 0 and self.step_days >= 0 and self.lent_days > 0):
            raise Invalid("drill_days and lent_days are above 0, step_days not below 0")
        if self.rechecks < 1:
            raise Invalid("rechecks is at least 1")


def judge(
    gates: Mapping[str, Callable[[Evidence, Policy], Finding]], known: Evidence, policy: Policy
) -> list[Finding]:
    """Judge gates on what they look at; whatever goes wrong is an ERROR, and never a pass."""
    return [_judge(name, gate, known, policy) for name, gate in gates.items()]


def _judge(
    name: str, gate: Callable[[Evidence, Policy], Finding], known: Evidence, policy: Policy
) -> Finding:
    try:
        found = gate(known, policy)
    except (Invalid, ArithmeticError, ValueError) as error:
        found = Finding(name, Status.ERROR, f"it could not be judged: {error}")
    return replace(found, is_dry=found.is_dry or name in policy.dry_run)


def fold(findings: Iterable[Finding]) -> Status:
    """Give the worst of all gates that count; nothing at all is NO_DATA."""
    order = list(Status)
    counted = [one.status for one in findings if not one.is_dry]
    return max(counted, key=order.index) if counted else Status.NO_DATA


def enough(name: str, n: int, policy: Policy, words: str) -> Finding:
    """Judge whether there are enough independent units."""
    if not n:
        return Finding(name, Status.NO_DATA, f"none {words}", 0)
    if n < policy.min_units:
        told = f"{n} of at least {policy.min_units} {words}"
        return Finding(name, Status.INCONCLUSIVE, told, n, needs=policy.min_units - n)
    return Finding(name, Status.PASS, f"{n} {words}", n)


def duration(days: float | None, age_days: float | None, policy: Policy) -> Finding:
    """Judge whether it went on for long enough, and lately."""
    if days is None:
        return Finding("days", Status.NO_DATA, "no times are known")
    if age_days is not None and age_days > policy.fresh_days:
        words = f"the last one is {age_days:.0f} days old, and {policy.fresh_days:g} count"
        return Finding("days", Status.STALE, words, days)
    left = policy.min_days - days
    if left > 0:
        hours = f"{int(days)} days {(days % 1) * 24:.0f} hours"
        words = f"{hours} of at least {policy.min_days:g} days; {_in_days(left)} are missing"
        return Finding("days", Status.INCONCLUSIVE, words, days)
    return Finding("days", Status.PASS, f"{days:.1f} days of at least {policy.min_days:g}", days)


def _in_days(left: float) -> str:
    return f"{left:.1f} days" if left >= 1 else f"{left * 24:.1f} hours"


def above(
    name: str,
    k: int,
    n: int,
    bar: float,
    alpha: float,
    words: str,
    unit_means: NDArray[np.float64] | None = None,
) -> Finding:
    """Judge whether a share lies above a bar; over units where one brings several cases."""
    if not n:
        return Finding(name, Status.NO_DATA, "nothing was compared")
    if unit_means is None:
        log_e = log_e_beta_binomial(k, n, bar)
        against = log_e_beta_binomial(n - k, n, 1 - bar)
    else:
        log_e, against = log_e_mean(unit_means, bar), log_e_mean(1 - unit_means, 1 - bar)
    low, high = bernoulli_interval(k, n, alpha)
    told = f"{words} {k} of {n} ({percent(k / n)}, {_range(low, high)}); the bar is {percent(bar)}"
    if unit_means is not None:
        told += f"; judged over {len(unit_means)} units"
    need = math.log(1 / alpha)
    found = Finding(name, Status.PASS, told, k / n, low=low, high=high, log_e=log_e)
    if log_e >= need:
        return found
    if against >= need:
        return replace(found, status=Status.FAIL)
    variance = k / n * (1 - k / n) if unit_means is None else float(unit_means.var())
    more = needs_more(k / n, variance, bar, log_e, need)
    return replace(found, status=Status.INCONCLUSIVE, needs=more)


def below(name: str, k: int, n: int, bar: float, alpha: float, words: str) -> Finding:
    """Judge whether a share lies below a bar."""
    found = above(name, n - k, n, 1 - bar, alpha, words)
    if found.value is None:
        return found
    low, high = bernoulli_interval(k, n, alpha)
    told = f"{words} {k} of {n} ({percent(k / n)}, {_range(low, high)}); at most {percent(bar)}"
    return replace(found, because=told, value=k / n, low=low, high=high)


def means_by(values: NDArray[np.float64], units: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give each unit's mean, the units in the order of their first case."""
    known, first, place = np.unique(units, return_index=True, return_inverse=True)
    sums = np.bincount(place, weights=values, minlength=len(known))
    counts = np.bincount(place, minlength=len(known))
    means: NDArray[np.float64] = (sums / counts)[np.argsort(first)]
    return means


def needs_more(mean: float, variance: float, bar: float, log_e: float, need: float) -> int | None:
    """
    Estimate how many more cases like the present ones it takes; None: it will not come so.

    By the growth of the best constant bet, `edge^2 / (2 (variance + edge^2))` for small edges.
    """
    edge = mean - bar
    if edge <= 0:
        return None
    bet = min(edge / (variance + edge**2), 0.75 / bar)
    win, lose = math.log1p(bet * (1 - bar)), math.log1p(-bet * bar)
    growth = mean * win + (1 - mean) * lose
    if growth <= 0:
        return None
    return min(MOST_AHEAD, math.ceil((need - max(0.0, log_e)) / growth))


def _range(low: float, high: float) -> str:
    return f"at every look {percent(low)} to {percent(high)}"


def percent(share: float) -> str:
    """Give a share in words."""
    return f"{100 * share:.1f} %"
