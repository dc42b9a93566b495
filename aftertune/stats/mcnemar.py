"""Two classifiers on the same samples."""

from fractions import Fraction
from math import comb


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test (Psychometrika 12, 1947) from the discordant counts.

    Under equality each discordant sample is a fair coin; twice the smaller binomial tail, at most 1. Without
    discordant samples nothing speaks against equality: 1.
    """
    return min(1.0, float(2 * _smaller_tail(only_first, only_second)))


def mcnemar_midp(only_first: int, only_second: int) -> float:
    """The two-sided mid-p value: the exact one less the probability of the observed split.

    M. W. Fagerland, S. Lydersen, P. Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are
    better than exact conditional", BMC Medical Research Methodology 13:91 (2013). Less conservative than the exact
    test, and hardly ever above its level; an equal split is 1.
    """
    tail = _smaller_tail(only_first, only_second)
    n = only_first + only_second
    return float(2 * tail - Fraction(comb(n, only_first), 2**n))


def _smaller_tail(only_first: int, only_second: int) -> Fraction:
    if only_first < 0 or only_second < 0:
        raise ValueError(f"counts must not be negative, got {only_first} and {only_second}")
    n = only_first + only_second
    total = ways = 1
    for k in range(min(only_first, only_second)):
        ways = ways * (n - k) // (k + 1)
        total += ways
    return Fraction(total, 2**n)
