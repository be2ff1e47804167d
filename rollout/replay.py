"""An agent against history: what it would have answered, what people did, what that is worth."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from rollout.comparison import AGREES, Comparator, Comparison, Verdict, normal
from rollout.evidence import bernoulli_interval
from rollout.gates import Finding, Policy, Status, Tally, fold, means_by
from rollout.shadow_gates import shadow_gates

ANSWER = "answer"  #: the one field that a replay compares
EVER = datetime(1, 1, 1, tzinfo=UTC)
BINS = 10  #: of confidence, for its calibration


@dataclass(frozen=True)
class Past:
    """One case of history, and what the agent answered: None where it gave no usable answer."""

    human: str
    proposed: str | None
    confidence: float | None = None
    unit: str | None = None
    segment: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Report:
    """What a replay says."""

    cases: int
    compared: int
    agreement: float | None
    low: float | None
    high: float | None
    constant: str
    constant_share: float
    verdicts: dict[str, int]
    calibration_error: float | None  #: mean gap between confidence and agreement; None: not given
    gates: list[Finding]
    status: Status
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Whether it would leave shadow on this evidence."""
        return "pass" if self.status is Status.PASS else "refused"

    @property
    def because(self) -> list[str]:
        """Every gate that holds it back, in words."""
        held = [one for one in self.gates if one.status is not Status.PASS and not one.is_dry]
        return [f"{one.gate}: {one.because}{_in_cases(one)}" for one in held]


def replay(
    past: Sequence[Past],
    policy: Policy,
    comparator: Comparator | None = None,
    harmful: frozenset[tuple[str, str]] = frozenset(),
) -> Report:
    """Compare, in the order in which people decided, and judge by the shadow gates."""
    rule = Comparison({ANSWER: comparator or Comparator()}, harmful=harmful)
    ordered = _in_order(past)
    answered = [one for one in ordered if one.proposed is not None]
    verdicts = [_verdict(rule, one) for one in answered]
    compared = [
        (one, verdict)
        for one, verdict in zip(answered, verdicts, strict=True)
        if verdict is not Verdict.INCOMPARABLE
    ]
    constant = _most_common([one for one, _ in compared])
    tally = _tally(compared, constant, len(past), len(answered), known=bool(harmful))
    chosen = _with_segments(policy, tally)
    gates = shadow_gates(tally, chosen)
    notes = _notes(past, tally, chosen)
    if tally.days is None:
        gates = [one for one in gates if one.gate != "days"]
    k, n = tally.right, tally.n
    low, high = bernoulli_interval(k, n, policy.alpha) if n else (None, None)
    return Report(
        cases=len(past),
        compared=n,
        agreement=k / n if n else None,
        low=low,
        high=high,
        constant=constant,
        constant_share=tally.constant_right / n if n else 0.0,
        verdicts=dict(Counter(verdict.value for verdict in verdicts)),
        calibration_error=_calibration(compared),
        gates=gates,
        status=fold(gates),
        notes=notes,
    )


def _in_order(past: Sequence[Past]) -> list[Past]:
    if any(one.at is None for one in past):
        return list(past)
    return sorted(past, key=lambda one: one.at or EVER)


def _verdict(rule: Comparison, one: Past) -> Verdict:
    if one.proposed == one.human and one.human:  # most of them, and the quickest
        return Verdict.EQUAL
    day = one.at.date() if one.at else EVER.date()
    return rule.compare({ANSWER: one.proposed}, {ANSWER: one.human or None}, day)[0]


def _most_common(past: Sequence[Past]) -> str:
    """Give the answer that people gave most often, as it is compared."""
    counts = Counter(normal(one.human) for one in past)
    return max(counts, key=lambda word: (counts[word], word)) if counts else ""


def _tally(
    compared: Sequence[tuple[Past, Verdict]],
    constant: str,
    eligible: int,
    answered: int,
    *,
    known: bool,
) -> Tally:
    right = np.array([verdict in AGREES for _, verdict in compared], dtype=bool)
    fixed = np.array([normal(one.human) == constant for one, _ in compared], dtype=bool)
    times = [one.at for one, _ in compared if one.at is not None]
    units = _numbered([one.unit for one, _ in compared])
    repeated = units is not None and len(np.unique(units)) < len(units)
    return Tally(
        n=len(compared),
        right=int(right.sum()),
        harmful=sum(verdict is Verdict.HARMFUL for _, verdict in compared),
        constant=constant,
        constant_right=int(fixed.sum()),
        wins=int((right & ~fixed).sum()),
        losses=int((fixed & ~right).sum()),
        eligible=eligible,
        answered=answered,
        days=(max(times) - min(times)).total_seconds() / 86_400 if times else None,
        segments=_segments(compared),
        unit_means=means_by(right.astype(float), units) if units is not None and repeated else None,
        harm_is_known=known,
    )


def _segments(compared: Sequence[tuple[Past, Verdict]]) -> dict[str, tuple[int, int]]:
    counts: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for one, verdict in compared:
        if one.segment is not None:
            counts[one.segment] += 1
            right[one.segment] += verdict in AGREES
    return {name: (n, right[name]) for name, n in counts.items()}


def _numbered(units: Sequence[str | None]) -> NDArray[np.int64] | None:
    if not units or any(one is None for one in units):
        return None
    places: dict[str, int] = {}
    return np.array([places.setdefault(one or "", len(places)) for one in units], dtype=np.int64)


def _with_segments(policy: Policy, tally: Tally) -> Policy:
    """Ask every segment that is large enough to pass alone, where none was named."""
    if policy.segments:
        return policy
    large = sorted(name for name, (n, _) in tally.segments.items() if n >= policy.min_units)
    return replace(policy, segments=tuple(large))


def _calibration(compared: Sequence[tuple[Past, Verdict]]) -> float | None:
    """Give the expected calibration error over ten bins of confidence (Naeini and others 2015)."""
    known = [
        (one.confidence, verdict in AGREES)
        for one, verdict in compared
        if one.confidence is not None
    ]
    if not known:
        return None
    sure = np.array([confidence for confidence, _ in known])
    right = np.array([float(agrees) for _, agrees in known])
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [
        abs(sure[place == n].mean() - right[place == n].mean()) * (place == n).mean()
        for n in range(BINS)
        if (place == n).any()
    ]
    return float(sum(gaps))


def _notes(past: Sequence[Past], tally: Tally, policy: Policy) -> list[str]:
    notes = []
    if tally.days is None:
        notes.append("no --time: whether it was long enough is not judged")
    if not tally.harm_is_known:
        notes.append("no --harmful: which differences do harm is not known, so harm is not judged")
    if any(one.unit is None for one in past):
        notes.append("no --unit: every case counts as independent of the others")
    silent = sum(one.proposed is None for one in past)
    if silent:
        notes.append(f"{silent} without a usable answer")
    if tally.segments and not policy.segments:
        notes.append(f"no segment has {policy.min_units} cases: none is judged alone")
    return notes


def _in_cases(one: Finding) -> str:
    if one.status is Status.INCONCLUSIVE and one.log_e is not None:
        if one.needs is None:
            return "; it does not come so at the present rate"
        return f"; about {one.needs} more at the present rate"
    return ""
