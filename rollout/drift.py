"""
Drift: whether what comes in, or how sure the agent is of it, differs from when it earned its level.

By the population stability index, `PSI = sum((p - q) ln(p / q))` of the shares p now and q then:
above 0.2 is a large shift by the rule of credit scoring (Siddiqi 2006). So that a few odd cases, or
a short time then, are no drift, the two counts must also be beyond what one set of shares gives:
the Bayes factor of two multinomials with uniform shares against one (Gunel and Dickey 1974).
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import ColumnElement, Integer, String, cast, func
from sqlmodel import Session, col, select

from rollout.authority import FACETS, Authority, Placement
from rollout.case import Proposal
from rollout.falling import FallRow
from rollout.grants import history
from rollout.ledger import Entry

DRIFT = "drift"  #: how what a fall says of it begins
SHIFTED = 0.2
ALPHA = 0.001
THEN, NOW = timedelta(days=30), timedelta(days=14)
FEW_THEN, FEW_NOW = 200, 100  #: with fewer cases nothing is said
MOST = 20_000  #: cases that are read of either time, the latest ones
CONFIDENCE = "confidence"


@dataclass(frozen=True)
class Drift:
    """One thing whose shares have shifted."""

    what: str  #: segment, team, branch, or confidence
    psi: float
    most: str  #: what shifted most
    then: float  #: its share
    now: float

    def __str__(self) -> str:
        return (
            f"{DRIFT}: {self.what} is not as it was when the level was earned (PSI {self.psi:.2f}):"
            f" {self.most} came in {self.then:.0%} of cases and comes in {self.now:.0%}"
        )


def psi(then: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Give the population stability index of two counts; a half is added to each count."""
    names = {*then, *now}
    q, p = _shares(then, names), _shares(now, names)
    return math.fsum((p[one] - q[one]) * math.log(p[one] / q[one]) for one in names)


def log_bayes_factor(then: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Give how much likelier two counts are by shares of their own than by the same ones."""
    names = sorted({*then, *now})
    one, other = ([float(count.get(name, 0)) for name in names] for count in (then, now))
    both = [a + b for a, b in zip(one, other, strict=True)]
    return _log_marginal(one) + _log_marginal(other) - _log_marginal(both)


def _log_marginal(counts: Sequence[float]) -> float:
    """Give the logarithm of counts' probability, all shares being as likely."""
    kinds = len(counts)
    shares = math.fsum(math.lgamma(1 + one) for one in counts)
    return math.lgamma(kinds) - math.lgamma(kinds + math.fsum(counts)) + shares


def drifts(session: Session, workflow: str, cutoff: datetime) -> Iterator[Drift]:
    """Give what has shifted since the level was earned, or since a shift that people accepted."""
    earned = _earned(session, workflow, cutoff)
    if earned is None:
        return
    at, before = earned
    for what in (*FACETS, CONFIDENCE):
        then = _mix(session, workflow, what, at - before, at)
        now = _mix(session, workflow, what, max(at, cutoff - NOW), cutoff)
        found = compare(what, then, now)
        if found is not None:
            yield found


def compare(what: str, then: Mapping[str, int], now: Mapping[str, int]) -> Drift | None:
    """Say how counts have shifted; None where they have not, or are too few to say so."""
    names = sorted({*then, *now})
    if sum(then.values()) < FEW_THEN or sum(now.values()) < FEW_NOW or len(names) < 2:
        return None
    before, after = _shares(then, names), _shares(now, names)
    shift = psi(then, now)
    if shift <= SHIFTED or log_bayes_factor(then, now) < math.log(1 / ALPHA):
        return None
    most = max(names, key=lambda one: abs(after[one] - before[one]))
    return Drift(what, shift, most or "unknown", before[most], after[most])


def _shares(counts: Mapping[str, int], names: Collection[str]) -> dict[str, float]:
    total = sum(counts.values()) + len(names) / 2
    return {one: (counts.get(one, 0) + 0.5) / total for one in names}


def _earned(session: Session, workflow: str, cutoff: datetime) -> tuple[datetime, timedelta] | None:
    """
    Give when it rose above shadow last, or when a shift was told that somebody has explained; and
    the time before it that counts as how it was.
    """
    own = [row for row in history(session, workflow) if not row.scope and row.at <= cutoff]
    above = takewhile(
        lambda row: Authority(row.authority).height > Authority.SHADOW.height, reversed(own)
    )
    risen = min((row.at for row in above), default=None)
    if risen is None:
        return None
    explained: datetime | None = session.exec(
        select(func.max(FallRow.at)).where(
            FallRow.workflow == workflow,
            FallRow.at <= cutoff,
            FallRow.cause != "",
            col(FallRow.because).startswith(DRIFT),
        )
    ).one()
    if explained is not None and explained > risen:
        return explained, NOW
    return risen, THEN


def _mix(
    session: Session, workflow: str, what: str, since: datetime, until: datetime
) -> Counter[str]:
    """Count the cases of a time by what they are, or by tenths of how sure the agent was."""
    value: ColumnElement[str]
    if what == CONFIDENCE:
        kind, sure = Proposal.kind, col(Entry.fields)[CONFIDENCE].as_float()
        value = cast(cast(func.least(func.floor(sure * 10), 9), Integer), String)
        step = "proposal-1"
    else:
        kind, step = Placement.kind, "placement"
        value = func.coalesce(col(Entry.fields)[what].astext, "")
    latest = (
        select(value.label("value"))
        .where(
            Entry.workflow == workflow,
            Entry.kind == kind,
            Entry.step == step,
            Entry.at > since,
            Entry.at <= until,
        )
        .order_by(col(Entry.seq).desc())
        .limit(MOST)
        .subquery()
    )
    rows = session.execute(select(latest.c.value, func.count()).group_by(latest.c.value)).all()
    return Counter({str(name): int(n) for name, n in rows})
