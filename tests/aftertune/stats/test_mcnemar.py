"""McNemar's exact test against scipy's binomial test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from aftertune.stats.mcnemar import mcnemar_exact

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
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 3)
