"""Two systems on the same samples, each right or wrong: an interval for the difference, and what could be seen at all."""

from math import sqrt
from statistics import NormalDist

from aftertune.stats.interval import Interval, wilson

_BISECTIONS = 60
"""Halvings of [-1, 1]: the bounds are exact to a float."""


def paired_difference(only_first: int, only_second: int, n: int, confidence: float = 0.95) -> Interval:
    """Tango's score interval for p(first right) − p(second right) over `n` pairs, from the discordant counts.

    T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design", Statistics in Medicine 17 (1998). It inverts the score test whose null of no difference is McNemar's,
    without continuity correction: zero lies outside exactly when that test rejects. For one look at a fixed n.
    With n = 0 nothing is known: [-1, 1].
    """
    if only_first < 0 or only_second < 0 or only_first + only_second > n:
        raise ValueError(f"impossible counts: {only_first} and {only_second} discordant of {n} pairs")
    if n == 0:
        return Interval(-1.0, 1.0)
    return score_interval(only_first, only_second, n, NormalDist().inv_cdf(0.5 + confidence / 2))


def score_interval(only_first: float, only_second: float, n: float, quantile: float) -> Interval:
    """Tango's, of counts that need not be whole, with any quantile in place of the normal one; n > 0."""
    estimate = (only_first - only_second) / n
    return Interval(
        -_furthest(only_second, only_first, n, quantile, -estimate),
        _furthest(only_first, only_second, n, quantile, estimate),
    )


def smallest_detectable_difference(
    discordant: int, n: int, *, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """The least difference that McNemar's test on `n` pairs finds with `power`; None when there are too few pairs for any.

    R. J. Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43
    (1987), solved for the difference. The share of discordant pairs is taken at the upper end of its Wilson interval,
    so no discordant pair at all does not pass for certainty; the answer is then on the safe side.
    """
    if not 0 <= discordant <= n:
        raise ValueError(f"impossible counts: {discordant} discordant of {n} pairs")
    share = wilson(discordant, n, confidence).high
    z_alpha, z_beta = NormalDist().inv_cdf(0.5 + confidence / 2), NormalDist().inv_cdf(power)

    def is_found(difference: float) -> bool:
        # A difference cannot exceed the share of pairs that differ.
        psi = max(share, difference)
        return difference * sqrt(n) >= z_alpha * sqrt(psi) + z_beta * sqrt(max(0.0, psi - difference**2))

    if not is_found(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_found(middle) else (middle, high)
    return high


def _furthest(first: float, second: float, n: float, z: float, estimate: float) -> float:
    """The largest difference that the score test does not reject."""
    if -_score(first, second, n, 1.0) < z:
        return 1.0
    low, high = estimate, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if -_score(first, second, n, middle) < z else (low, middle)
    return high


def _score(first: float, second: float, n: float, difference: float) -> float:
    """Tango's statistic: its variance uses the maximum-likelihood p(only second right) given the difference."""
    a = 2 * n
    b = -first - second + (2 * n - first + second) * difference
    c = -second * difference * (1 - difference)
    p_second = max(0.0, (sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a))
    variance = n * (2 * p_second + difference * (1 - difference))
    distance = first - second - n * difference
    if variance <= 0.0:
        return 0.0 if distance == 0 else float("inf") * (1 if distance > 0 else -1)
    return distance / sqrt(variance)
