"""
The gates from shadow to recommend: enough, for long enough, everywhere, right, and worth it.

Where people approve 97 of 100, whoever always says yes agrees in 97: so an agent must also be
better than the best constant answer.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from rollout.evidence import log_e_beta_binomial
from rollout.gates import (
    Finding,
    Policy,
    Status,
    Tally,
    above,
    below,
    duration,
    enough,
    judge,
    needs_more,
    percent,
)


def shadow_gates(tally: Tally, policy: Policy) -> list[Finding]:
    """Judge what leads from shadow to recommend."""
    known = {
        "harm": tally.harm_is_known,
        "cost": tally.cheap is not None,
        "latency": tally.quick is not None,
        "exceptions": tally.unmet is not None,
    }
    asked = {name: one for name, one in GATES.items() if known.get(name, True)}
    return [*judge(asked, tally, policy), *_segments(tally, policy)]


def _units(tally: Tally, policy: Policy) -> Finding:
    return enough("units", tally.units, policy, "were compared")


def _duration(tally: Tally, policy: Policy) -> Finding:
    return duration(tally.days, tally.age_days, policy)


def _coverage(tally: Tally, policy: Policy) -> Finding:
    if not tally.eligible:
        return Finding("coverage", Status.NO_DATA, "there was nothing to answer")
    share = tally.answered / tally.eligible
    words = f"it answered {tally.answered} of {tally.eligible} ({percent(share)})"
    status = Status.PASS if share >= policy.coverage else Status.FAIL
    bar = f", at least {percent(policy.coverage)}"
    return Finding("coverage", status, words + bar, share)


def _agreement(tally: Tally, policy: Policy) -> Finding:
    found = above(
        "agreement",
        tally.right,
        tally.n,
        policy.agreement,
        policy.alpha,
        "it agrees in",
        tally.unit_means,
    )
    if not tally.asked_twice:
        return found
    with_itself = percent(tally.same_twice / tally.asked_twice)
    more = f"; with itself, asked again, in {with_itself} of {tally.asked_twice}"
    return replace(found, because=found.because + more)


def _constant(tally: Tally, policy: Policy) -> Finding:
    """
    Better than the answer that is given most often, in hindsight: hard on the agent.

    Of the cases in which only one of the two agrees, more than half must be the agent's: the sign
    test, as an e-process.
    """
    name, both = "better_than_constant", tally.wins + tally.losses
    if not tally.n:
        return Finding(name, Status.NO_DATA, "nothing was compared")
    share = percent(tally.constant_right / tally.n)
    words = (
        f"against always answering {tally.constant!r} (right in {share}): better in "
        f"{tally.wins}, worse in {tally.losses}"
    )
    log_e, need = log_e_beta_binomial(tally.wins, both, 0.5), math.log(1 / policy.alpha)
    value = (tally.wins - tally.losses) / tally.n
    found = Finding(name, Status.PASS, words, value, log_e=log_e)
    if log_e >= need:
        return found
    if log_e_beta_binomial(tally.losses, both, 0.5) >= need:
        return replace(found, status=Status.FAIL, because=f"{words}: it is worse")
    if not tally.wins and tally.n >= policy.min_units:
        return replace(found, status=Status.FAIL, because=f"{words}: it adds nothing")
    rate = tally.wins / both if both else 0.0
    pairs = needs_more(rate, rate * (1 - rate), 0.5, log_e, need)
    needs = None if pairs is None else math.ceil(pairs * tally.n / both)
    return replace(found, status=Status.INCONCLUSIVE, needs=needs)


def _harm(tally: Tally, policy: Policy) -> Finding:
    return below("harm", tally.harmful, tally.n, policy.harm, policy.alpha, "harmful in")


def _cost(tally: Tally, policy: Policy) -> Finding:
    return _kept_to("cost", tally.cheap or 0, tally, policy, "cost what a case may")


def _latency(tally: Tally, policy: Policy) -> Finding:
    return _kept_to("latency", tally.quick or 0, tally, policy, "came in time")


def _kept_to(name: str, kept: int, tally: Tally, policy: Policy, words: str) -> Finding:
    """Judge a budget as coverage is: on all answers, and not on a sample of them."""
    if not tally.answered:
        return Finding(name, Status.NO_DATA, "there is no answer")
    share = kept / tally.answered
    told = (
        f"{kept} of {tally.answered} answers {words} ({percent(share)}), "
        f"at least {percent(policy.budget)}"
    )
    status = Status.PASS if share >= policy.budget else Status.FAIL
    return Finding(name, status, told, share)


def _exceptions(tally: Tally, policy: Policy) -> Finding:
    del policy
    name, unmet = "exceptions", tally.unmet or ()
    met = tally.exceptions - len(unmet)
    words = f"{met} of {tally.exceptions} kinds were met or rehearsed"
    if not unmet:
        return Finding(name, Status.PASS, words, met)
    told = f"{words}; not yet: {', '.join(unmet)} (taxiway rollout rehearse)"
    return Finding(name, Status.INCONCLUSIVE, told, met)


GATES: dict[str, Callable[[Tally, Policy], Finding]] = {
    "units": _units,
    "days": _duration,
    "coverage": _coverage,
    "agreement": _agreement,
    "better_than_constant": _constant,
    "harm": _harm,
    "cost": _cost,
    "latency": _latency,
    "exceptions": _exceptions,
}


def _segments(tally: Tally, policy: Policy) -> list[Finding]:
    """Let each required segment pass the agreement gate alone; the worst one speaks."""
    if not policy.segments:
        return []
    order = list(Status)
    found = []
    for name in policy.segments:
        n, right = tally.segments.get(name, (0, 0))
        found.append((name, _agreement(Tally(n=n, right=right), policy)))
    name, worst = max(found, key=lambda one: (order.index(one[1].status), -(one[1].value or 0)))
    words = f"segment {name}: {worst.because}"
    if worst.status is Status.NO_DATA:
        words = f"segment {name}: nobody is in it"
    return [replace(worst, gate="worst_segment", because=words)]
