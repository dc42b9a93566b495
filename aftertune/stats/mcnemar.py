"""Two classifiers on the same samples."""

from math import comb


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test (Psychometrika 12, 1947) from the discordant counts.

    Under equality each discordant sample is a fair coin; twice the smaller binomial tail, at most 1. Without
    discordant samples nothing speaks against equality: 1.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"counts must not be negative, got {only_first} and {only_second}")
    n = only_first + only_second
    tail = sum(comb(n, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, float(2 * tail / 2**n))
