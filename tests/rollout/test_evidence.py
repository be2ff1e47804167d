"""Evidence: right at every look, the same as worked out another way, and never for nonsense."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln

from rollout.errors import Invalid
from rollout.evidence import (
    ECusum,
    bernoulli_interval,
    log_e_beta_binomial,
    log_e_mean,
    log_e_multinomial,
    log_e_paired,
    log_e_path,
    mean_interval,
    wilson_interval,
)
from tests.fetched import fetched

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
BARS = st.floats(0.01, 0.99)


@given(COUNTS, BARS)
@settings(max_examples=50)
def test_the_mixture_is_the_integral_that_it_stands_for(
    counts: tuple[int, int], bar: float
) -> None:
    k, n = counts

    def likelihood(p: float) -> float:
        log = k * math.log(p / bar) + (n - k) * (math.log1p(-p) - math.log1p(-bar))
        return math.exp(min(600, log))

    peak = min(1 - 1e-12, max(bar, k / n if n else bar))
    area = quad(likelihood, bar, 1 - 1e-15, points=[peak], limit=400)[0] / (1 - bar)
    if 1e-200 < area < 1e200:
        assert log_e_beta_binomial(k, n, bar) == pytest.approx(math.log(area), abs=1e-3)


def test_deep_in_the_tail_it_is_finite_and_falls() -> None:
    tail = [log_e_beta_binomial(0, n, 0.9) for n in (10, 100, 1_000, 10_000, 100_000)]
    assert all(math.isfinite(one) for one in tail)
    assert tail == sorted(tail, reverse=True)


def test_no_data_is_no_evidence() -> None:
    assert log_e_beta_binomial(0, 0, 0.8) == pytest.approx(0)
    assert log_e_paired([], 0.05) == 0
    assert log_e_multinomial([0, 0], [0.5, 0.5]) == pytest.approx(0)
    assert bernoulli_interval(0, 0, 0.05) == (0, 1)
    assert mean_interval([1.0], 0.05) == (-math.inf, math.inf)


@pytest.mark.parametrize("start", range(4))
def test_villes_bound_holds_however_often_one_looks(start: int) -> None:
    """4 000 agents exactly at the bar, looked at after every case: at most alpha ever pass."""
    dice = np.random.default_rng(start)
    runs, cases, bar, alpha = 1_000, 300, 0.9, 0.05
    hits = (dice.random((runs, cases)) < bar).astype(float)
    counts, n = hits.cumsum(axis=1), np.arange(1, cases + 1)
    mixture = [
        any(
            log_e_beta_binomial(int(counts[run, at - 1]), at, bar) >= math.log(1 / alpha)
            for at in n[::10]
        )
        for run in range(200)
    ]
    betting = [log_e_path(hits[run], bar).max() >= math.log(1 / alpha) for run in range(runs)]
    slack = 3 * math.sqrt(alpha * (1 - alpha) / runs)
    assert np.mean(betting) <= alpha + slack
    assert np.mean(mixture) <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / 200)


def test_an_agent_that_is_worse_by_the_margin_does_not_pass() -> None:
    dice = np.random.default_rng(1)
    worse = dice.choice([-1, 0, 1], p=[0.10, 0.85, 0.05], size=(400, 1_000))
    passed = [log_e_path((one + 1) / 2, 0.475).max() >= math.log(20) for one in worse]
    assert np.mean(passed) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_an_equal_agent_passes_within_a_few_hundred_cases() -> None:
    dice = np.random.default_rng(2)
    equal = dice.choice([-1, 0, 1], p=[0.05, 0.90, 0.05], size=(400, 3_000))
    first = [int(np.argmax(log_e_path((one + 1) / 2, 0.475) >= math.log(20))) for one in equal]
    assert 250 <= np.median(first) <= 400
    assert 500 <= np.quantile(first, 0.9) <= 900


@given(st.lists(st.sampled_from([-1, 0, 1]), max_size=200), st.floats(0, 0.5))
def test_the_path_ends_where_the_value_stands(differences: list[int], margin: float) -> None:
    x = (np.array(differences, dtype=float) + 1) / 2
    by_hand, total, spread, log_e = (1 - margin) / 2, 0.5, 0.25, 0.0
    mean = variance = None
    for n, one in enumerate(x):
        mean = 0.5 if n == 0 else mean
        variance = 0.25 if n == 0 else variance
        assert mean is not None
        assert variance is not None
        edge = mean - by_hand
        bet = min(max(edge / (variance + edge**2), 0), 0.75 / by_hand)
        log_e += math.log1p(bet * (one - by_hand))
        total += one
        mean = total / (n + 2)
        spread += (one - mean) ** 2
        variance = spread / (n + 2)
    assert log_e_paired(differences, margin) == pytest.approx(log_e, abs=1e-9)


@given(COUNTS, st.floats(0.001, 0.5))
def test_the_interval_holds_its_share_and_is_wider_than_one_look(
    counts: tuple[int, int], alpha: float
) -> None:
    k, n = counts
    low, high = bernoulli_interval(k, n, alpha)
    assert 0 <= low <= (k / n if n else 0) <= high <= 1
    if n:
        for edge in {low, high} - {0.0, 1.0}:
            log = k * math.log(edge) + (n - k) * math.log1p(-edge)
            assert betaln(k + 1, n - k + 1) - log == pytest.approx(math.log(1 / alpha), abs=1e-4)


def test_the_interval_covers_at_every_look() -> None:
    dice = np.random.default_rng(3)
    missed = 0
    for _ in range(300):
        hits = (dice.random(400) < 0.3).cumsum()
        missed += any(
            not low <= 0.3 <= high
            for low, high in (
                bernoulli_interval(int(hits[n - 1]), n, 0.05) for n in range(20, 401, 20)
            )
        )
    assert missed / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_the_means_interval_covers_minutes() -> None:
    dice = np.random.default_rng(4)
    missed = 0
    for _ in range(200):
        minutes = dice.gamma(2, 3, size=1_000)
        looks = (mean_interval(minutes[:n], 0.05) for n in range(200, 1_001, 200))
        missed += any(not low <= 6 <= high for low, high in looks)
    assert missed / 200 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_a_share_that_is_off_is_seen_and_one_that_holds_is_not() -> None:
    assert log_e_multinomial([5_000, 5_000], [1, 1]) < 0
    assert log_e_multinomial([5_300, 4_700], [1, 1]) > math.log(20)
    assert log_e_multinomial([50, 30, 20], [0.5, 0.3, 0.2]) < 0


def test_an_alarm_comes_soon_for_harm_and_seldom_for_nothing() -> None:
    dice = np.random.default_rng(5)

    def first(rate: float, events: int) -> int | None:
        watch = ECusum()
        for n in range(events):
            if watch.add(bool(dice.random() < rate)):
                return n + 1
        return None

    bad = [first(0.10, 1_000) or 1_000 for _ in range(200)]
    healthy = [first(0.01, 3_000) is not None for _ in range(150)]
    assert 45 <= np.median(bad) <= 75  # 58, by the design's own simulation
    assert np.mean(healthy) <= 0.026 + 3 * math.sqrt(0.026 * 0.974 / 150)


@pytest.mark.parametrize(
    "broken",
    [
        lambda: log_e_beta_binomial(3, 2, 0.5),
        lambda: log_e_beta_binomial(-1, 2, 0.5),
        lambda: log_e_beta_binomial(1, 2, 0),
        lambda: log_e_beta_binomial(1, 2, 1),
        lambda: log_e_beta_binomial(1, 2, math.nan),
        lambda: log_e_paired([0.0, math.nan], 0.05),
        lambda: log_e_paired([2], 0.05),
        lambda: log_e_paired([1], 1),
        lambda: log_e_paired([1], -0.1),
        lambda: log_e_paired(["x"], 0.1),
        lambda: log_e_mean([0.5], 1.0),
        lambda: log_e_multinomial([1], [1]),
        lambda: log_e_multinomial([1, -1], [1, 1]),
        lambda: log_e_multinomial([1, 1], [1, 0]),
        lambda: log_e_multinomial([1, 1], [1, math.nan]),
        lambda: bernoulli_interval(1, 2, 0),
        lambda: mean_interval([1.0, math.inf], 0.05),
        lambda: ECusum(accepted=0.05, harmful=0.02),
        lambda: ECusum(alpha=1),
    ],
)
def test_nonsense_is_refused(broken: object) -> None:
    with pytest.raises(Invalid):
        broken()  # type: ignore[operator] # one of those above


def test_wilsons_interval_is_the_published_one() -> None:
    file = fetched("vectors/binomial-interval-vectors.json")
    cases = json.loads(file.read_text())["cases"]
    known = [one for one in cases if one["method"] == "wilson"]
    assert known
    for one in known:
        low, high = wilson_interval(one["successes"], one["trials"])
        assert (low, high) == pytest.approx((one["lower"], one["upper"]), abs=1e-7)


def test_at_every_look_is_wider_than_every_published_interval_for_one() -> None:
    file = fetched("vectors/binomial-interval-vectors.json")
    for one in json.loads(file.read_text())["cases"]:
        if one["method"] in {"exact", "wilson"}:
            low, high = bernoulli_interval(one["successes"], one["trials"], 0.05)
            assert low <= one["lower"] + 1e-9
            assert high >= one["upper"] - 1e-9
