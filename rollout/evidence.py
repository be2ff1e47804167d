"""
Evidence that stays valid however often one looks: e-values, confidence sequences, e-CUSUM.

An e-value is a bet against a hypothesis: it starts at 1, and while the hypothesis holds, the
chance that it ever reaches 1/alpha is at most alpha (Ville 1939). So a gate may be looked at every
week, or after every case, and stopped at any moment. All e-values here are natural logarithms:
reject at `log(1/alpha)`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import betainc, betaln, gammaln

from rollout.errors import Invalid

Numbers = NDArray[np.float64]
MOST_BET = 0.75  #: of what could be lost: a bet never stakes everything
TINY = 1e-290  #: below it a probability is worked out as a logarithm


def log_e_beta_binomial(successes: int, n: int, bar: float) -> float:
    """
    Give the evidence that a share of successes lies above a bar.

    `E = B(k+1, n-k+1) (1 - I_bar(k+1, n-k+1)) / [(1-bar) bar^k (1-bar)^(n-k)]`: the likelihood
    averaged over all shares above the bar, over that of the bar itself (Robbins 1970; Howard,
    Ramdas, McAuliffe and Sekhon 2021, uniform mixture). Right for successes that are independent
    given the past, in any order of looking. Wrong where one unit brings many cases: take
    `log_e_mean` over the units then. For evidence of a share below a bar, swap: failures, and
    one minus the bar. Raises `Invalid`.
    """
    _check_counts(successes, n)
    _check_bar(bar)
    a, b = successes + 1, n - successes + 1
    tail = float(betainc(b, a, 1 - bar))
    log_tail = math.log(tail) if tail > TINY else _log_betainc(b, a, 1 - bar)
    above = float(betaln(a, b)) + log_tail - math.log1p(-bar)
    return above - successes * math.log(bar) - (n - successes) * math.log1p(-bar)


def log_e_paired(differences: ArrayLike, margin: float) -> float:
    """
    Give the evidence that an agent is not worse than its rival by `margin` or more.

    `differences` are, in their order, +1 where only the agent was right, -1 where only the rival
    was, and 0 otherwise. With `X = (D+1)/2` and `m0 = (1-margin)/2` it is `log_e_mean(X, m0)`. A
    margin of 0 asks whether the agent is better. Raises `Invalid`.
    """
    if not 0 <= margin < 1:
        raise Invalid(f"a margin lies from 0 to below 1, not at {margin}")
    values = _numbers(differences, -1, 1)
    return log_e_mean((values + 1) / 2, (1 - margin) / 2)


def log_e_mean(values: ArrayLike, bar: float) -> float:
    """Give the evidence that the mean of values from 0 to 1 lies above a bar; see `log_e_path`."""
    path = log_e_path(values, bar)
    return float(path[-1]) if len(path) else 0.0


def log_e_path(values: ArrayLike, bar: float) -> Numbers:
    """
    Give the evidence after each value that a mean lies above a bar.

    `E_n = prod(1 + l_i (X_i - bar))`: the betting e-process of Waudby-Smith and Ramdas (2024,
    section 4), with bets from the past only, `l = (mu - bar) / (var + (mu - bar)^2)`, kept in
    `[0, 0.75/bar]`. Right for any values from 0 to 1 whose mean given the past does not change;
    shape and variance do not matter. Wrong where the order was chosen after the values were seen.
    """
    _check_bar(bar)
    x = _numbers(values, 0, 1)
    if not len(x):
        return x
    count = np.arange(1, len(x) + 1)
    means = (0.5 + np.cumsum(x)) / (count + 1)  # of the past and one guess of a half
    before = np.concatenate(([0.5], means[:-1]))
    spread = (0.25 + np.cumsum((x - means) ** 2)) / (count + 1)
    variance = np.concatenate(([0.25], spread[:-1]))
    edge = before - bar
    bets = np.clip(edge / (variance + edge**2), 0, MOST_BET / bar)
    path: Numbers = np.cumsum(np.log1p(bets * (x - bar)))
    return path


def log_e_multinomial(counts: Sequence[int], expected: Sequence[float]) -> float:
    """
    Give the evidence that categories do not come in the expected shares.

    `E = G(sum a)/G(sum a + n) prod G(a_j + n_j)/G(a_j) / prod theta_j^n_j` with `a_j = 1`: the
    sequential multinomial test of Lindon and Malek (2022). Right for a sample-ratio check and for
    drift of categories against fixed shares; wrong where the expected shares come from the same
    data. Raises `Invalid`.
    """
    if len(counts) != len(expected) or len(counts) < 2:
        raise Invalid("there are at least two categories, each with its count and expected share")
    if any(count < 0 or count != int(count) for count in counts):
        raise Invalid("a count is a whole number, not below 0")
    total = math.fsum(expected)
    if not all(share > 0 for share in expected) or not math.isfinite(total):
        raise Invalid("every expected share is above 0")
    n, a = np.asarray(counts, float), np.ones(len(counts))
    shares = np.asarray(expected, float) / total
    mixed = gammaln(a.sum()) - gammaln(a.sum() + n.sum()) + np.sum(gammaln(a + n) - gammaln(a))
    return float(mixed - np.sum(n * np.log(shares)))


def bernoulli_interval(successes: int, n: int, alpha: float) -> tuple[float, float]:
    """
    Give the share's interval that holds at every look at once, with probability 1 - alpha.

    All shares p with `B(k+1, n-k+1) / [p^k (1-p)^(n-k)] < 1/alpha`: the uniform mixture of
    Robbins, as a confidence sequence (Howard and others 2021). Wider than Wilson's or Clopper and
    Pearson's, which hold for one look that was fixed before. Raises `Invalid`.
    """
    _check_counts(successes, n)
    _check_alpha(alpha)
    if n == 0:
        return 0.0, 1.0
    k, rate = successes, successes / n
    level = float(betaln(k + 1, n - k + 1)) + math.log(alpha)

    def excess(p: float) -> float:
        log_p = k * math.log(p) if k else 0.0
        log_q = (n - k) * math.log1p(-p) if n > k else 0.0
        return log_p + log_q - level

    edge = 1e-15
    low = 0.0 if k == 0 else float(brentq(excess, edge, max(rate, 2 * edge) - edge / 2))
    high = 1.0 if k == n else float(brentq(excess, min(rate, 1 - 2 * edge) + edge / 2, 1 - edge))
    return low, high


def mean_interval(values: ArrayLike, alpha: float, *, tight_at: int = 500) -> tuple[float, float]:
    """
    Give a mean's interval that holds at every look, for minutes or money.

    `mean +- sd sqrt(2 (N r^2 + 1) / (N^2 r^2) log(sqrt(N r^2 + 1) / alpha))`: the asymptotic
    confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), narrowest at
    `tight_at` values. Right for hundreds of values or more; wrong for a few, and where single
    values can be as large as all others together. Raises `Invalid`.
    """
    _check_alpha(alpha)
    x = _numbers(values, -math.inf, math.inf)
    if len(x) < 2:
        return -math.inf, math.inf
    squared = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / tight_at
    n, scale = len(x), len(x) * squared + 1
    half = math.sqrt(2 * scale / (n**2 * squared) * math.log(math.sqrt(scale) / alpha))
    half *= float(np.std(x, ddof=1))
    mean = float(np.mean(x))
    return mean - half, mean + half


@dataclass
class ECusum:
    """
    A watch over a rate of harm that raises an alarm once it is above what is accepted.

    `M_t = max(1, M_{t-1}) L_t`, alarm at `1/alpha`, with `L_t` the likelihood ratio of `harmful`
    to `accepted` (Shin, Ramdas and Rinaldo 2024, e-CUSUM). While the rate is at most `accepted`,
    the mean number of events between two false alarms is at least 1/alpha, however long it runs.
    It needs no window, and what was good long ago does not hide what is bad now.
    """

    accepted: float = 0.01
    harmful: float = 0.04
    alpha: float = 0.001
    log_m: float = field(default=0.0)
    events: int = 0

    def __post_init__(self) -> None:
        _check_alpha(self.alpha)
        if not 0 < self.accepted < self.harmful < 1:
            raise Invalid("0 < accepted < harmful < 1 does not hold")

    @property
    def alarm(self) -> bool:
        """Whether it is time to act."""
        return self.log_m >= math.log(1 / self.alpha)

    def add(self, harm: bool) -> bool:  # noqa: FBT001 # the event itself
        """Take one event; gives whether it is time to act."""
        ratio = self.harmful / self.accepted if harm else (1 - self.harmful) / (1 - self.accepted)
        self.log_m = max(0.0, self.log_m) + math.log(ratio)
        self.events += 1
        return self.alarm


def wilson_interval(successes: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Give Wilson's interval (1927), for showing one look; no gate may rest on it."""
    _check_counts(successes, n)
    if n == 0:
        return 0.0, 1.0
    p, zz = successes / n, z * z
    middle, half = p + zz / (2 * n), z * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return max(0.0, (middle - half) / (1 + zz / n)), min(1.0, (middle + half) / (1 + zz / n))


def _log_betainc(a: float, b: float, x: float) -> float:
    """Give log I_x(a, b) where it underflows: the continued fraction, by Lentz's method."""
    front = a * math.log(x) + b * math.log1p(-x) - math.log(a) - float(betaln(a, b))
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, 1000):
        for part in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 + part * d, 1 + part / c
            d = 1 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            fraction *= d * c
        if abs(d * c - 1) < 1e-12:
            break
    return front + math.log(fraction)


def _numbers(values: ArrayLike, least: float, most: float) -> Numbers:
    """Give values as numbers, or raise `Invalid` for one that is none or out of bounds."""
    try:
        x = np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise Invalid("these are not all numbers") from None
    if not np.all(np.isfinite(x)):
        raise Invalid("there is a value that is not a number, or not finite")
    if len(x) and (x.min() < least or x.max() > most):
        raise Invalid(f"a value lies outside {least:g} to {most:g}")
    return x


def _check_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n or successes != int(successes) or n != int(n):
        raise Invalid(f"{successes} successes of {n} cannot be: whole numbers, 0 <= successes <= n")


def _check_bar(bar: float) -> None:
    if not 0 < bar < 1:
        raise Invalid(f"a bar lies between 0 and 1, not at {bar}")


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise Invalid(f"alpha lies between 0 and 1, not at {alpha}")
