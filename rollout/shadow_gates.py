"""
The gates from shadow to recommend: enough, for long enough, everywhere, right, and worth it.

Where people approve 97 of 100, whoever always says yes agrees in 97: so an agent must also be
better than the best constant answer.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rollout.evidence import log_e_paired
from rollout.gates import (
    Finding,
    Policy,
    Series,
    Status,
    above,
    below,
    judge,
    needs_more,
    percent,
)


def shadow_gates(series: Series, policy: Policy) -> list[Finding]:
    """Judge what leads from shadow to recommend."""
    found = [
        judge(name, gate, series, policy)
        for name, gate in GATES.items()
        if name != "harm" or series.harm_is_known
    ]
    return [*found, *_segments(series, policy)]


def _units(series: Series, policy: Policy) -> Finding:
    n = series.n if series.units is None else len(np.unique(series.units))
    if not n:
        return Finding("units", Status.NO_DATA, "nothing was compared", 0)
    if n < policy.min_units:
        left = policy.min_units - n
        words = f"{n} of at least {policy.min_units} were compared"
        return Finding("units", Status.INCONCLUSIVE, words, n, needs=left)
    return Finding("units", Status.PASS, f"{n} were compared", n)


def _duration(series: Series, policy: Policy) -> Finding:
    if series.days is None:
        return Finding("days", Status.NO_DATA, "no times are known")
    if series.age_days is not None and series.age_days > policy.fresh_days:
        words = f"the last one is {series.age_days:.0f} days old, and {policy.fresh_days:g} count"
        return Finding("days", Status.STALE, words, series.days)
    left = policy.min_days - series.days
    if left > 0:
        hours = f"{int(series.days)} days {(series.days % 1) * 24:.0f} hours"
        words = f"{hours} of at least {policy.min_days:g} days; {_in_days(left)} are missing"
        return Finding("days", Status.INCONCLUSIVE, words, series.days)
    words = f"{series.days:.1f} days of at least {policy.min_days:g}"
    return Finding("days", Status.PASS, words, series.days)


def _coverage(series: Series, policy: Policy) -> Finding:
    if not series.eligible:
        return Finding("coverage", Status.NO_DATA, "there was nothing to answer")
    share = series.answered / series.eligible
    words = f"it answered {series.answered} of {series.eligible} ({percent(share)})"
    status = Status.PASS if share >= policy.coverage else Status.FAIL
    bar = f", at least {percent(policy.coverage)}"
    return Finding("coverage", status, words + bar, share)


def _agreement(series: Series, policy: Policy) -> Finding:
    return above(
        "agreement", series.right, policy.agreement, policy.alpha, "it agrees in", series.units
    )


def _constant(series: Series, policy: Policy) -> Finding:
    """Better than the answer that is given most often, in hindsight: hard on the agent."""
    name, differences = "better_than_constant", series.right - series.constant
    if not len(differences):
        return Finding(name, Status.NO_DATA, "nothing was compared")
    always = f"always answering {series.best_constant!r}"
    log_e, bar = log_e_paired(differences, 0), math.log(1 / policy.alpha)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    share = float(series.constant.mean())
    words = f"against {always} (right in {percent(share)}): better in {wins}, worse in {losses}"
    value = float(differences.mean())
    if log_e >= bar:
        return Finding(name, Status.PASS, words, value, log_e=log_e)
    if log_e_paired(-differences, 0) >= bar:
        return Finding(name, Status.FAIL, f"{words}: it is worse", value, log_e=log_e)
    if not wins and len(differences) >= policy.min_units:
        return Finding(name, Status.FAIL, f"{words}: it adds nothing", value, log_e=log_e)
    needs = needs_more((differences + 1) / 2, 0.5, log_e, bar)
    return Finding(name, Status.INCONCLUSIVE, words, value, log_e=log_e, needs=needs)


def _harm(series: Series, policy: Policy) -> Finding:
    return below("harm", series.harmful, policy.harm, policy.alpha, "harmful in")


GATES: dict[str, Callable[[Series, Policy], Finding]] = {
    "units": _units,
    "days": _duration,
    "coverage": _coverage,
    "agreement": _agreement,
    "better_than_constant": _constant,
    "harm": _harm,
}


def _segments(series: Series, policy: Policy) -> list[Finding]:
    """Let each required segment pass the agreement gate alone; the worst one speaks."""
    if not policy.segments:
        return []
    of = np.asarray(series.segments if series.segments is not None else [""] * series.n)
    found = [(name, _agreement(series.only(of == name), policy)) for name in policy.segments]
    order = list(Status)
    name, worst = max(found, key=lambda one: (order.index(one[1].status), -(one[1].value or 0)))
    words = f"segment {name}: {worst.because}"
    if worst.status is Status.NO_DATA:
        words = f"segment {name}: nobody is in it"
    return [replace(worst, gate="worst_segment", because=words)]


def _in_days(days: float) -> str:
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.1f} hours"
