"""
The gates through limited, step by step, and to full: it does not do worse than people do.

What became of the agent's cases is compared with those of its control: as many cases of the same
weeks that people had alone. What only looks right at once is not enough here.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rollout.evidence import log_e_multinomial, mean_interval
from rollout.gates import Finding, Policy, Status, judge, percent
from rollout.recommend_gates import PRACTICE, not_worse
from rollout.track_record import TrackRecord

RATIO_ALPHA = 0.005  #: of the sample ratio: it is looked at every hour, for ever
QUARTER_DAYS = 91


@dataclass(frozen=True)
class Live:
    """What is known of an agent that acts alone for a share of the cases."""

    step_days: float  #: since the present share began
    live_days: float  #: since it first acted alone, without a fall since
    month_end: bool  #: whether the last day of a month lies in that time
    treated: int  #: cases placed into its share since then
    control: int  #: cases of the same time that people have
    good: NDArray[np.bool_]  #: what became of its cases, in their order
    control_good: NDArray[np.bool_]
    matured: float  #: the share of its closed cases that say something by now
    started: int  #: cases that began in the time in which escalations are counted
    escalated: int
    alarm: str = ""  #: what a monitor says now
    costs: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  #: minor units a case
    manual_minor: float | None = None  #: what a case costs by hand
    segments: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = field(
        default_factory=dict
    )
    shares: tuple[float, float] = (1, 1)  #: in which cases should come to it and to people


def limited_gates(live: Live, record: TrackRecord, policy: Policy) -> list[Finding]:
    """Judge what leads to the next share."""
    return [*judge(EVERY_STEP, live, policy), *judge(PRACTICE, record, policy)]


def full_gates(live: Live, record: TrackRecord, policy: Policy) -> list[Finding]:
    """Judge what leads from limited to full."""
    found = judge(TO_FULL, live, policy)
    names = policy.segments or tuple(sorted(live.segments))
    empty = (np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))
    segments = [_outcome(f"segment_{one}", *live.segments.get(one, empty), policy) for one in names]
    return [*limited_gates(live, record, policy), *found, *segments]


def _step(live: Live, policy: Policy) -> Finding:
    words = f"{live.step_days:.1f} of at least {policy.step_days:g} days at this share"
    over = live.step_days >= policy.step_days
    return Finding("step", Status.PASS if over else Status.INCONCLUSIVE, words, live.step_days)


def _no_alarm(live: Live, policy: Policy) -> Finding:
    del policy
    status = Status.FAIL if live.alarm else Status.PASS
    return Finding("no_alarm", status, live.alarm or "no monitor speaks")


def sample_ratio(live: Live, policy: Policy) -> Finding:
    """Judge whether as many cases came to the control as to the share: else the two differ."""
    del policy
    name, n = "sample_ratio", live.treated + live.control
    if not n:
        return Finding(name, Status.NO_DATA, "no case came to either")
    log_e = log_e_multinomial([live.treated, live.control], live.shares)
    wanted = live.shares[0] / sum(live.shares)
    words = (
        f"{live.treated} cases to the agent, {live.control} to its control, of which "
        f"{percent(wanted)} should be its own"
    )
    broken = log_e >= math.log(1 / RATIO_ALPHA)
    status = Status.FAIL if broken else Status.PASS
    return Finding(name, status, words, live.treated / n, log_e=log_e)


def _on_the_way(live: Live, policy: Policy) -> Finding:
    """
    Judge what became of the cases so far; what a small share cannot show within a quarter only
    warns, unless it shows harm. Nothing known is no pass.
    """
    found = _outcome("outcome", live.good, live.control_good, policy)
    if found.status is not Status.INCONCLUSIVE:
        return found
    ahead = min(len(live.good), len(live.control_good)) / max(live.live_days, 1.0) * QUARTER_DAYS
    if found.needs is not None and found.needs <= ahead:
        return found
    more = "; this share cannot show it within a quarter, so it only warns"
    return replace(found, because=found.because + more, is_dry=True)


def _outcomes(live: Live, policy: Policy) -> Finding:
    return _outcome("outcome_for_certain", live.good, live.control_good, policy)


def _outcome(
    name: str, good: NDArray[np.bool_], control: NDArray[np.bool_], policy: Policy
) -> Finding:
    """Judge the n-th case of the agent's beside the n-th of its control, as they ended."""
    n = min(len(good), len(control))
    if not n:
        return Finding(name, Status.NO_DATA, "nothing is known of what became of either's cases")
    pairs = good[:n].astype(float) - control[:n]
    judged = not_worse(name, pairs, policy)
    words = (
        f"well in {percent(float(good.mean()))} of {len(good)}, in the control in "
        f"{percent(float(control.mean()))} of {len(control)}; not worse by {policy.margin:g} or "
        "more is to be shown"
    )
    return replace(judged, because=words, value=float(good.mean() - control.mean()))


def _escalation(live: Live, policy: Policy) -> Finding:
    name, n = "escalation", live.started
    if live.live_days < 30:
        words = f"it counts once it is live for 30 days; it is for {live.live_days:.0f}"
        return Finding(name, Status.PASS, words)
    if not n:
        return Finding(name, Status.NO_DATA, "no case was started")
    share = live.escalated / n
    bar = percent(policy.escalation)
    words = f"{live.escalated} of {n} cases went up ({percent(share)}); the bar is {bar}"
    return Finding(name, Status.PASS if share < policy.escalation else Status.FAIL, words, share)


def _weeks(live: Live, policy: Policy) -> Finding:
    del policy
    words = f"live for {live.live_days:.0f} of at least 28 days"
    if live.live_days < 28:
        return Finding("weeks", Status.INCONCLUSIVE, words, live.live_days)
    if not live.month_end:
        return Finding("weeks", Status.INCONCLUSIVE, f"{words}, without a month's end", 0)
    return Finding("weeks", Status.PASS, f"{words}, with a month's end", live.live_days)


def _matured(live: Live, policy: Policy) -> Finding:
    bar = percent(policy.matured)
    words = f"of {percent(live.matured)} is known what became of them; the bar is {bar}"
    status = Status.PASS if live.matured >= policy.matured else Status.INCONCLUSIVE
    return Finding("matured", status, words, live.matured)


def _cost(live: Live, policy: Policy) -> Finding:
    name = "cost"
    if live.manual_minor is None or not len(live.costs):
        return Finding(
            name, Status.NO_DATA, "the cost of a case, or of the work by hand, is unknown"
        )
    low, high = mean_interval(live.costs, policy.alpha)
    mean = float(live.costs.mean())
    words = f"{mean / 100:.2f} a case, by hand {live.manual_minor / 100:.2f}"
    if high < live.manual_minor:
        return Finding(name, Status.PASS, words, mean, low=low, high=high)
    status = Status.FAIL if low > live.manual_minor else Status.INCONCLUSIVE
    return Finding(name, status, words, mean, low=low, high=high)


Gates = dict[str, Callable[[Live, Policy], Finding]]
HOLDS: Gates = {"no_alarm": _no_alarm, "outcome": _on_the_way}
EVERY_STEP: Gates = {
    "step": _step,
    "sample_ratio": sample_ratio,
    "escalation": _escalation,
    **HOLDS,
}
TO_FULL: Gates = {
    "weeks": _weeks,
    "outcome_for_certain": _outcomes,
    "matured": _matured,
    "cost": _cost,
}
