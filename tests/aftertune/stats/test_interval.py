"""Wilson's and Clopper and Pearson's intervals against scipy, published figures and their own laws."""

from math import sqrt
from statistics import NormalDist, StatisticsError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from aftertune.stats.interval import Interval, clopper_pearson, effective_wilson, wilson


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 5000))
    return draw(st.integers(0, n)), n


@given(counts(), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_agrees_with_scipy(observed: tuple[int, int], confidence: float) -> None:
    successes, n = observed
    expected = binomtest(successes, n).proportion_ci(confidence_level=confidence, method="wilson")
    assert wilson(successes, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_known_answer() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263 and 15 of 148."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)


@given(counts())
def test_holds_the_estimate_and_mirrors(observed: tuple[int, int]) -> None:
    successes, n = observed
    interval, mirrored = wilson(successes, n), wilson(n - successes, n)
    assert 0.0 <= interval.low <= successes / n <= interval.high <= 1.0
    assert (1 - interval.high, 1 - interval.low) == pytest.approx(mirrored, abs=1e-12)


@given(counts())
def test_more_confidence_is_wider(observed: tuple[int, int]) -> None:
    narrow, wide = wilson(*observed, confidence=0.8), wilson(*observed, confidence=0.99)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


def test_ends_are_exact() -> None:
    assert wilson(0, 20).low == 0.0
    assert wilson(20, 20).high == 1.0


def test_nothing_observed_says_nothing() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (1, 0)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes must lie"):
        wilson(successes, n)


@pytest.mark.parametrize("confidence", [-1.0, 1.0, 2.0])
def test_impossible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(StatisticsError):
        wilson(1, 2, confidence)


@given(counts(), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_exact_interval_agrees_with_scipy(observed: tuple[int, int], confidence: float) -> None:
    successes, n = observed
    expected = binomtest(successes, n).proportion_ci(confidence_level=confidence, method="exact")
    assert clopper_pearson(successes, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_exact_interval_known_answer() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 5: 81 of 263 and 0 of 20."""
    assert clopper_pearson(81, 263) == pytest.approx((0.2527, 0.3676), abs=5e-5)
    assert clopper_pearson(0, 20) == pytest.approx((0.0, 0.1684), abs=5e-5)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.97])
def test_exact_interval_covers_at_least_as_often_as_it_says(p: float) -> None:
    n = 60
    covered = sum(
        binom.pmf(k, n, p)
        for k in range(n + 1)
        if clopper_pearson(k, n).low <= p <= clopper_pearson(k, n).high
    )
    assert covered >= 0.95


def test_exact_interval_without_observations_says_nothing() -> None:
    assert clopper_pearson(0, 0) == Interval(0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (1, 0)])
def test_exact_interval_refuses_impossible_counts(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes must lie"):
        clopper_pearson(successes, n)


@pytest.mark.parametrize("confidence", [-1.0, 0.0, 1.0])
def test_exact_interval_refuses_impossible_confidence(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence must lie"):
        clopper_pearson(1, 2, confidence)


@given(counts())
def test_of_independent_samples_the_effective_interval_is_wilsons(observed: tuple[int, int]) -> None:
    successes, n = observed
    if not 0 < successes < n:
        return
    share, z = successes / n, NormalDist().inv_cdf(0.975)
    found = effective_wilson(share, sqrt(share * (1 - share) / n), z)
    assert found == pytest.approx(wilson(successes, n), abs=1e-12)


@pytest.mark.parametrize(
    ("share", "error", "quantile"), [(0.0, 0.1, 2.0), (1.0, 0.1, 2.0), (0.5, 0.0, 2.0), (0.5, 0.1, 0.0)]
)
def test_without_a_spread_there_is_no_effective_size(share: float, error: float, quantile: float) -> None:
    with pytest.raises(ValueError, match="impossible"):
        effective_wilson(share, error, quantile)
