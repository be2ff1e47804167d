"""
Before it flies: how long each gate will take at the known volume, and what cannot pass at all.

By simulation with a fixed seed, since gates are looked at again and again: so many agents of the
assumed quality, looked at after every week, and the week in which half of them, and nine of ten,
had passed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rollout.errors import Invalid
from rollout.evidence import log_e_beta_binomial, log_e_path
from rollout.gates import Policy

RUNS = 400
QUARTER = 13  #: weeks
HORIZON = 52
SEED = 20_261_125
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """What is known or assumed before the start."""

    per_week: float  #: cases that are compared in a week
    agreement: float  #: how often the agent will agree with people
    constant: float  #: how often the most frequent answer alone would
    harm: float = 0.0  #: share of harmful differences
    blind: float = 1.0  #: share of cases that people decide without seeing the proposal
    disagreement: float = 0.1  #: share of cases in which an equal agent differs from people

    def __post_init__(self) -> None:
        if not (math.isfinite(self.per_week) and self.per_week > 0):
            raise Invalid(f"cases in a week are above 0, not {self.per_week}")
        for name in ("agreement", "constant", "harm", "blind", "disagreement"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= 1):
                raise Invalid(f"{name} is a share from 0 to 1, not {value}")
        if self.blind == 0:
            raise Invalid("without any blind decision nothing can be compared")
        if self.harm > 1 - self.agreement:
            raise Invalid("more harm than disagreement cannot be")


@dataclass(frozen=True)
class Needed:
    """How long one gate takes: weeks, or None where it does not pass within a year."""

    gate: str
    cases: int | None  #: in half of the runs
    weeks: float | None
    weeks_of_nine_in_ten: float | None
    says: str

    @property
    def within_a_quarter(self) -> bool:
        """Whether half of such agents pass within 13 weeks."""
        return self.weeks is not None and self.weeks <= QUARTER


def power(plan: Plan, policy: Policy) -> list[Needed]:
    """Say for each gate how long it takes; the same plan gives the same words."""
    blind = plan.per_week * plan.blind
    looks = _looks(blind)
    alone = max(0.0, min(1.0, plan.agreement - plan.constant))
    rng = np.random.default_rng(SEED)
    right = rng.random((RUNS, looks[-1])) < plan.agreement
    harmful = rng.random((RUNS, looks[-1])) < plan.harm
    wins = rng.random((RUNS, looks[-1])) < alone
    return [
        _time("days", max(1, math.ceil(policy.min_days / 7 * blind)), blind),
        _time("units", policy.min_units, blind),
        _by_counts("agreement", right, looks, policy.agreement, policy, blind),
        _by_counts("harm", ~harmful, looks, 1 - policy.harm, policy, blind),
        _by_pairs(wins, plan, looks, policy, blind),
        _equal_agent(plan, policy, blind, rng),
    ]


def _looks(per_week: float) -> list[int]:
    """Give the numbers of cases after each week, up to a year or 20 000 cases."""
    ends = [math.ceil(per_week * week) for week in range(1, HORIZON + 1)]
    return [n for n in dict.fromkeys(ends) if n <= 20_000] or [20_000]


def _by_counts(
    name: str,
    good: NDArray[np.bool_],
    looks: Sequence[int],
    bar: float,
    policy: Policy,
    per_week: float,
) -> Needed:
    need = math.log(1 / policy.alpha)
    counts = good.cumsum(axis=1)
    first = [_first(run, looks, need, bar, of_all=True) for run in counts]
    return _summary(name, first, per_week)


def _first(
    run: Counts, looks: Sequence[int], need: float, bar: float, *, of_all: bool
) -> int | None:
    """Give the first look at which the successes, of all cases or of themselves, are enough."""
    for n in looks:
        k = int(run[n - 1])
        if log_e_beta_binomial(k, n if of_all else k, bar) >= need:
            return n
    return None


def _by_pairs(
    wins: NDArray[np.bool_],
    plan: Plan,
    looks: Sequence[int],
    policy: Policy,
    per_week: float,
) -> Needed:
    if plan.agreement <= plan.constant:
        says = "it is no better than always giving the most frequent answer: it cannot pass"
        return Needed("better_than_constant", None, None, None, says)
    need = math.log(1 / policy.alpha)
    counts = wins.cumsum(axis=1)
    first = [_first(run, looks, need, 0.5, of_all=False) for run in counts]
    return _summary("better_than_constant", first, per_week)


def _equal_agent(plan: Plan, policy: Policy, per_week: float, rng: np.random.Generator) -> Needed:
    """Not worse than people by the margin, on blind decisions: the gate to limited."""
    half = plan.disagreement / 2
    most = min(6_000, max(100, math.ceil(per_week * HORIZON)))
    need = math.log(1 / policy.alpha)
    first: list[int | None] = []
    for _ in range(RUNS // 2):
        differences = rng.choice([-1.0, 0.0, 1.0], size=most, p=[half, 1 - 2 * half, half])
        passed = log_e_path((differences + 1) / 2, (1 - policy.margin) / 2) >= need
        first.append(int(np.argmax(passed)) + 1 if passed.any() else None)
    return _summary("not_worse_than_people (to limited)", first, per_week)


def _time(name: str, cases: int, per_week: float) -> Needed:
    weeks = cases / per_week
    return Needed(name, cases, round(weeks, 1), round(weeks, 1), _says(weeks))


def _summary(name: str, first: Sequence[int | None], per_week: float) -> Needed:
    known = sorted(math.inf if one is None else float(one) for one in first)
    half, nine = known[len(known) // 2], known[min(len(known) - 1, math.ceil(0.9 * len(known)))]
    weeks = half / per_week if math.isfinite(half) else None
    late = nine / per_week if math.isfinite(nine) else None
    return Needed(
        name,
        int(half) if math.isfinite(half) else None,
        None if weeks is None else round(weeks, 1),
        None if late is None else round(late, 1),
        _says(weeks),
    )


def _says(weeks: float | None) -> str:
    if weeks is None:
        return "it does not pass within a year at this volume and quality"
    if weeks > QUARTER:
        return "it does not pass within a quarter: more volume, or a larger blind share"
    return f"half of such agents pass within {weeks:.1f} weeks"
