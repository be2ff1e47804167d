"""
Before it flies: how long each gate will take at the known volume, and what cannot pass at all.

By simulation with a fixed seed, since gates are looked at again and again: so many agents of the
assumed quality, looked at after every week, and the week in which half of them, and nine of ten,
had passed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rollout.buckets import BUCKETS
from rollout.errors import Invalid
from rollout.evidence import log_e_beta_binomial, log_e_path
from rollout.gates import Policy
from rollout.ramp import STEPS

RUNS = 400
MOST_PAIRS = 6_000
SHARES = ("agreement", "constant", "harm", "blind", "disagreement", "acceptance", "bad")
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
    blind: float = 0.1  #: share decided before the proposal is shown, once it recommends
    disagreement: float = 0.1  #: share of cases in which an equal agent differs from people
    acceptance: float = 0.95  #: how often what is shown will be taken
    bad: float = 0.05  #: share of cases that turn out badly, its own and people's alike

    def __post_init__(self) -> None:
        if not (math.isfinite(self.per_week) and self.per_week > 0):
            raise Invalid(f"cases in a week are above 0, not {self.per_week}")
        for name in SHARES:
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
    only_warns: bool = False

    @property
    def stands_in_the_way(self) -> bool:
        """Whether it holds an agent back for longer than a quarter."""
        return not (self.within_a_quarter or self.only_warns)

    @property
    def within_a_quarter(self) -> bool:
        """Whether half of such agents pass within 13 weeks."""
        return self.weeks is not None and self.weeks <= QUARTER


def power(plan: Plan, policy: Policy) -> list[Needed]:
    """Say for each gate how long it takes; the same plan gives the same words."""
    rng = np.random.default_rng(SEED)
    return [
        *_to_recommend(plan, policy, rng),
        *_to_limited(plan, policy, rng),
        *_to_full(plan, policy, rng),
    ]


def _to_recommend(plan: Plan, policy: Policy, rng: np.random.Generator) -> list[Needed]:
    """While it only watches, people decide every case without seeing a proposal."""
    looks = _looks(plan.per_week)
    alone = max(0.0, min(1.0, plan.agreement - plan.constant))
    right = rng.random((RUNS, looks[-1])) < plan.agreement
    harmful = rng.random((RUNS, looks[-1])) < plan.harm
    wins = rng.random((RUNS, looks[-1])) < alone
    return [
        _time("days", max(1, math.ceil(policy.min_days / 7 * plan.per_week)), plan.per_week),
        _time("units", policy.min_units, plan.per_week),
        _by_counts("agreement", right, looks, policy.agreement, policy, plan.per_week),
        _by_counts("harm", ~harmful, looks, 1 - policy.harm, policy, plan.per_week),
        _by_pairs(wins, plan, looks, policy, plan.per_week),
    ]


def _to_limited(plan: Plan, policy: Policy, rng: np.random.Generator) -> list[Needed]:
    """A share of what people decide is decided blind; the rest says whether they follow it."""
    blind, shown = plan.per_week * plan.blind, plan.per_week * (1 - plan.blind)
    half = plan.disagreement / 2
    name = "not_worse_than_people (to limited)"
    own = _in_pairs(name, half, half, policy.margin, policy, blind, rng)
    if not own.within_a_quarter:
        every = _in_pairs(name, half, half, policy.margin, policy, plan.per_week, rng)
        own = replace(own, says=f"{own.says}; {_blind_share(every, plan)}")
    if shown <= 0:
        return [own]
    only_blind = plan.agreement * (1 - plan.acceptance)
    only_shown = plan.acceptance * (1 - plan.agreement)
    pairs = min(blind, shown)
    looks = _looks(shown)
    taken = rng.random((RUNS, looks[-1])) < plan.acceptance
    return [
        own,
        _in_pairs(
            "anchoring (to limited)", only_blind, only_shown, policy.anchoring, policy, pairs, rng
        ),
        _by_counts("acceptance (to limited)", taken, looks, policy.acceptance, policy, shown),
    ]


def _to_full(plan: Plan, policy: Policy, rng: np.random.Generator) -> list[Needed]:
    """What becomes of its cases beside the control's, at each share that it is let have."""
    half = plan.bad * (1 - plan.bad)
    found = []
    for share in STEPS:
        per_week = plan.per_week * share / BUCKETS
        name = f"outcome at {share / 100:g} % (in limited)"
        one = _in_pairs(name, half, half, policy.margin, policy, per_week, rng)
        if not one.within_a_quarter and share < STEPS[-1]:
            says = "it only warns there: this share cannot show it within a quarter"
            one = replace(one, says=says, only_warns=True)
        found.append(one)
    return found


def _blind_share(every: Needed, plan: Plan) -> str:
    """Say which blind share would do it within a quarter, by what every case being blind takes."""
    share = math.inf if every.cases is None else every.cases / (QUARTER * plan.per_week)
    if share > 1:
        return "at this volume no blind share does"
    return f"a blind share of {math.ceil(100 * share)} % does"


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


def _in_pairs(
    name: str,
    better: float,
    worse: float,
    margin: float,
    policy: Policy,
    per_week: float,
    rng: np.random.Generator,
) -> Needed:
    """Not worse by a margin, in pairs of which so many shares are better and worse."""
    most = min(MOST_PAIRS, max(100, math.ceil(per_week * HORIZON)))
    need = math.log(1 / policy.alpha)
    first: list[int | None] = []
    for _ in range(RUNS):
        differences = rng.choice([-1.0, 0.0, 1.0], size=most, p=[worse, 1 - better - worse, better])
        passed = log_e_path((differences + 1) / 2, (1 - margin) / 2) >= need
        first.append(int(np.argmax(passed)) + 1 if passed.any() else None)
    return _summary(name, first, per_week)


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
        return f"it does not pass within a quarter, but in {weeks:.0f} weeks"
    return f"half of such agents pass within {weeks:.1f} weeks"
