"""Anytime-valid inference on the mean of bounded observations, by betting.

Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 86 (2024). For each
candidate mean m two bettors start with capital 1, one betting that the mean is higher and one that it is lower;
if the true conditional mean is m, neither ever reaches 1/alpha with probability above alpha (Ville). The bets
are the paper's predictable plug-in (its equation 25 and the truncation of theorem 3), so each depends on earlier
observations only. The guarantee holds at every look, for any stopping rule, without assuming independence:
only that each observation has the same mean given those before it.
"""

from collections.abc import Sequence
from math import exp

import numpy as np
from numpy.typing import NDArray

from aftertune.stats.interval import Interval

GRID = 1001
"""Candidate means: 0, 0.001, …, 1. Reported bounds are widened to the next grid point, so they stay valid."""

_TRUNCATION = 0.5
_DARING = np.arange(1, 20) / 20

_LARGEST_LOG = 700.0
"""Capital is reported as at most exp(700), which a float holds."""


def confidence_sequence(observations: Sequence[float], alpha: float, grid: int = GRID) -> Interval:
    """An interval for the mean that is valid at every look with probability at least 1 − alpha.

    Observations are in [0, 1], in the order in which they came. The hedged capital puts half on each side
    (theorem 3 of the paper). The running intersection is not taken: the interval is that of the last look.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie in (0, 1), got {alpha}")
    x = _checked(observations)
    if x.size == 0:
        return Interval(0.0, 1.0)
    means = np.linspace(0.0, 1.0, grid)
    bets = _bets(x, alpha / 2)
    up = _log_capital(x, bets, means)
    down = _log_capital(1.0 - x, bets, 1.0 - means)
    inside = np.flatnonzero(np.logaddexp(up, down) - np.log(2.0) < np.log(1.0 / alpha))
    if inside.size == 0:
        # Every mean is refuted: the observations do not share one. Nothing can be claimed about it.
        return Interval(0.0, 1.0)
    step = 1.0 / (grid - 1)
    return Interval(max(0.0, float(means[inside[0]]) - step), min(1.0, float(means[inside[-1]]) + step))


def evidence_above(observations: Sequence[float], limit: float) -> float:
    """The capital of bettors against "the mean is at most `limit`": reject at level alpha once it reaches 1/alpha.

    The capital starts in equal parts with bettors of fixed daring, from 5 % to 95 % of what the limit allows (the
    paper's diversified Kelly bets): no guess of the true mean is needed, and it finds a gross excess a quarter
    sooner than the plug-in bets. An e-process: under the hypothesis the chance that it ever reaches 1/alpha is at
    most alpha. The largest capital so far is returned, because a rejection once reached stands.
    """
    if not 0.0 < limit < 1.0:
        raise ValueError(f"limit must lie in (0, 1), got {limit}")
    x = _checked(observations)
    if x.size == 0:
        return 1.0
    log_capitals = np.cumsum(np.log1p(_DARING[:, None] * (x / limit - 1.0)), axis=1)
    log_capital = np.logaddexp.reduce(log_capitals, axis=0) - np.log(_DARING.size)
    return exp(min(_LARGEST_LOG, max(0.0, float(log_capital.max()))))


def _checked(observations: Sequence[float]) -> NDArray[np.float64]:
    x = np.asarray(observations, dtype=np.float64)
    if x.ndim != 1 or not np.all((x >= 0.0) & (x <= 1.0)):
        raise ValueError("observations must be a flat sequence of numbers in [0, 1]")
    return x


def _bets(x: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """λ_t = sqrt(2 log(1/alpha) / (σ²_{t-1} t log(1 + t))), with mean and variance shrunk to 1/2 and 1/4."""
    t = np.arange(1, x.size + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    before = np.concatenate(([0.25], variance[:-1]))
    return np.asarray(np.sqrt(2.0 * np.log(1.0 / alpha) / (before * t * np.log(1.0 + t))))


def _log_capital(
    x: NDArray[np.float64], bets: NDArray[np.float64], means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log of the capital after all observations, for each candidate mean, betting upwards."""
    with np.errstate(divide="ignore"):
        cap = np.where(means > 0.0, _TRUNCATION / np.where(means > 0.0, means, 1.0), np.inf)
    total = np.zeros_like(means)
    for value, bet in zip(x, bets, strict=True):
        total += np.log1p(np.minimum(bet, cap) * (value - means))
    return total
