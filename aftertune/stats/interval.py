"""Intervals for a fixed sample."""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from aftertune.stats.tails import beta_quantile


class Interval(NamedTuple):
    low: float
    high: float


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for a proportion (E. B. Wilson, JASA 22, 1927), without continuity correction.

    For one look at a fixed n. With n = 0 nothing is known: [0, 1].
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie in [0, n], got {successes} of {n}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low, high)


def effective_wilson(share: float, standard_error: float, quantile: float) -> Interval:
    """Wilson's interval for a share, or a mean of values in [0, 1], whose standard error is known otherwise, as by clusters.

    The sample is as large as independent zeros and ones with that standard error would be: share · (1 − share) /
    standard_error² (L. Kish, "Survey sampling", 1965; E. Korn and B. Graubard, Survey Methodology 24, 1998). Near 0 and 1
    it holds where share ± quantile · standard error is too narrow; elsewhere the two agree. `quantile` is that of the
    normal distribution, or of Student's t.
    """
    if not 0.0 < share < 1.0 or standard_error <= 0.0 or quantile <= 0.0:
        raise ValueError(f"impossible: share {share}, standard error {standard_error}, quantile {quantile}")
    squared = quantile**2 * standard_error**2 / (share * (1 - share))
    centre = (share + squared / 2) / (1 + squared)
    half = sqrt(squared * share * (1 - share) + squared**2 / 4) / (1 + squared)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval for a proportion (Clopper and Pearson, Biometrika 26, 1934), by quantiles of the beta distribution.

    It covers with at least `confidence` at every true proportion, where Wilson's does so on average; it is wider. For
    one look at a fixed n. With n = 0 nothing is known: [0, 1].
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie in [0, n], got {successes} of {n}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}")
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else beta_quantile(tail, successes, n - successes + 1)
    high = 1.0 if successes == n else beta_quantile(1 - tail, successes + 1, n - successes)
    return Interval(low, high)
