"""How much can be seen, and how many items it takes."""

from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from aftertune.stats.tails import binomial_tail

_LONGEST = 50_000_000
"""Items searched: beyond it the question has no answer worth acting on."""


def smallest_detectable(standard_error: float, power: float = 0.8, confidence: float = 0.95) -> float:
    """The change that a two-sided test at 1 − `confidence` finds with `power`, in the units of the standard error.

    (z₁₋α⁄₂ + z_power) · standard error: the usual normal approximation, as in J. M. Bland, "An introduction to medical
    statistics", and E. Miller, arXiv 2411.00640 (2024), section 5. `standard_error` is that of the change.
    """
    if not standard_error >= 0.0:
        raise ValueError(f"a standard error is not negative, got {standard_error}")
    return _z_sum(power, confidence) * standard_error


def paired_items(difference: float, sd: float, power: float = 0.8, confidence: float = 0.95) -> int:
    """Pairs needed to find a mean `difference` when single differences have the standard deviation `sd`."""
    if difference <= 0.0 or sd <= 0.0:
        raise ValueError(f"difference and sd must be positive, got {difference} and {sd}")
    return ceil((_z_sum(power, confidence) * sd / difference) ** 2)


def items_to_prove(
    limit: float, expected: float, power: float | None = None, confidence: float = 0.95
) -> int:
    """Items after which Wilson's lower bound reaches `limit`; with every larger number it does so too.

    Without `power`, `expected` is the share observed, rounded down to whole items. With it, `expected` is the true
    share, and the bound reaches the limit with at least that (exact binomial) probability: an observed share falls
    below the true one half of the time, so this takes more items. Wilson's bound lies at the limit where the score
    test of the limit just rejects: successes = n · limit + z · sqrt(n · limit · (1 − limit)).
    """
    if not 0.0 < limit < expected <= 1.0:
        raise ValueError(f"0 < limit < expected ≤ 1 is needed, got {limit} and {expected}")
    z = _quantile(0.5 + confidence / 2)
    z_power = 0.0 if power is None else max(0.0, _quantile(power))
    spread = z * sqrt(limit * (1 - limit)) + z_power * sqrt(expected * (1 - expected))
    # Two whole items are lost to rounding at most; beyond this n the bound holds with that loss too.
    gap = expected - limit
    longest = ceil(((spread + sqrt(spread**2 + 8 * gap)) / (2 * gap)) ** 2 * 1.1) + 50
    if longest > _LONGEST:
        raise ValueError(
            f"more than {_LONGEST:,} items: {expected} is too near to {limit} to be told from it"
        )
    n = np.arange(1, longest + 1)
    needed = np.ceil(n * limit + z * np.sqrt(n * limit * (1 - limit)) - 1e-9)
    failing = np.flatnonzero(~_reached(n, needed, expected, power))
    return int(n[failing[-1]]) + 1 if failing.size else 1


def _reached(
    n: NDArray[np.int64], needed: NDArray[np.float64], expected: float, power: float | None
) -> NDArray[np.bool_]:
    if power is None:
        return np.asarray(np.floor(n * expected + 1e-9) >= needed)
    chance = np.where(needed <= n, binomial_tail(np.minimum(needed, n), n, expected), 0.0)
    return np.asarray(chance >= power)


def _z_sum(power: float, confidence: float) -> float:
    return _quantile(0.5 + confidence / 2) + _quantile(power)


def _quantile(p: float) -> float:
    if not 0.0 < p < 1.0:
        raise ValueError(f"power and confidence must lie in (0, 1), got a probability of {p}")
    return NormalDist().inv_cdf(p)
