"""McNemar's tests against scipy's binomial distribution and published figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from aftertune.stats.mcnemar import mcnemar_exact, mcnemar_midp

counts = st.integers(0, 300)


@given(counts, counts)
def test_is_the_binomial_test_of_the_discordant_samples(first: int, second: int) -> None:
    n = first + second
    expected = binomtest(first, n).pvalue if n else 1.0
    assert mcnemar_exact(first, second) == pytest.approx(expected, abs=1e-12)


def test_large_counts_stay_exact() -> None:
    assert mcnemar_exact(5000, 5000) == 1.0
    assert 0.0 <= mcnemar_exact(0, 5000) < 1e-300


def test_negative_counts_are_refused() -> None:
    for test in (mcnemar_exact, mcnemar_midp):
        with pytest.raises(ValueError, match="negative"):
            test(-1, 3)


@given(counts, counts)
def test_mid_p_counts_the_observed_split_once(first: int, second: int) -> None:
    n = first + second
    expected = 2 * binom.cdf(min(first, second), n, 0.5) - binom.pmf(first, n, 0.5)
    assert mcnemar_midp(first, second) == pytest.approx(expected, abs=1e-9)
    assert mcnemar_midp(first, second) == mcnemar_midp(second, first)


def test_known_answers() -> None:
    """Fagerland, Lydersen and Laake (2013): airway hyper-responsiveness, 1 and 7 discordant pairs."""
    assert mcnemar_exact(1, 7) == pytest.approx(0.070, abs=5e-4)
    assert mcnemar_midp(1, 7) == pytest.approx(0.039, abs=5e-4)


def test_six_to_none_is_the_least_that_rejects() -> None:
    assert mcnemar_exact(6, 0) < 0.05 < mcnemar_exact(5, 0)


@pytest.mark.parametrize("n", [5, 20, 50, 200])
def test_mid_p_hardly_exceeds_its_level(n: int) -> None:
    rejected = sum(binom.pmf(k, n, 0.5) for k in range(n + 1) if mcnemar_midp(k, n - k) <= 0.05)
    assert rejected <= 0.065
