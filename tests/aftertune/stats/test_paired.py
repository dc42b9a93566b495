"""Tango's interval against published figures, McNemar's test and a maximised likelihood; Connor's size by simulation."""

from math import log, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar  # type: ignore[import-untyped]

from aftertune.stats.interval import Interval
from aftertune.stats.paired import paired_difference, smallest_detectable_difference


@st.composite
def counts(draw: st.DrawFn, most: int = 300) -> tuple[int, int, int]:
    n = draw(st.integers(1, most))
    first = draw(st.integers(0, n))
    return first, draw(st.integers(0, n - first)), n


def test_known_answer() -> None:
    """Bentur et al.'s airway data in Fagerland, Lydersen and Laake, BMC Med. Res. Methodol. 14 (2014): 1, 1, 7, 12."""
    assert paired_difference(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


@given(counts())
def test_excludes_zero_exactly_when_mcnemar_rejects(observed: tuple[int, int, int]) -> None:
    first, second, n = observed
    assume(first + second > 0)
    p = mcnemar([[n - first - second, first], [second, 0]], exact=False, correction=False).pvalue
    assume(abs(p - 0.05) > 1e-9)
    interval = paired_difference(first, second, n)
    assert (not interval.low <= 0.0 <= interval.high) == (p < 0.05)


@settings(max_examples=50)
@given(counts(most=120), st.sampled_from([0.8, 0.95, 0.99]))
def test_an_inner_bound_is_where_the_score_test_of_a_maximised_likelihood_just_rejects(
    observed: tuple[int, int, int], confidence: float
) -> None:
    first, second, n = observed
    assume(first > 0 and second > 0 and first + second < n)
    z = norm.ppf(0.5 + confidence / 2)
    for bound in paired_difference(first, second, n, confidence):
        assert -1.0 < bound < 1.0
        spread = most_likely_spread(first, second, n, bound)
        assert abs(first - second - n * bound) / sqrt(n * spread) == pytest.approx(z, rel=1e-3)


def most_likely_spread(first: int, second: int, n: int, difference: float) -> float:
    """p12 + p21 − δ² with p21 found by maximising the multinomial likelihood under p12 − p21 = δ."""

    def against(p21: float) -> float:
        p12 = p21 + difference
        rest = 1 - p12 - p21
        return -(first * log(p12) + second * log(p21) + (n - first - second) * log(rest))

    low, high = max(0.0, -difference), (1 - difference) / 2
    margin = (high - low) * 1e-9
    p21 = minimize_scalar(
        against, bounds=(low + margin, high - margin), method="bounded", options={"xatol": 1e-12}
    ).x
    return float(2 * p21 + difference - difference**2)


@given(counts())
def test_holds_the_estimate_and_mirrors(observed: tuple[int, int, int]) -> None:
    first, second, n = observed
    interval, mirrored = paired_difference(first, second, n), paired_difference(second, first, n)
    assert -1.0 <= interval.low <= (first - second) / n <= interval.high <= 1.0
    assert (-interval.high, -interval.low) == pytest.approx(mirrored, abs=1e-12)


def test_no_discordant_pair_is_no_certainty() -> None:
    interval = paired_difference(0, 0, 50)
    assert interval.low == pytest.approx(-interval.high)
    assert 0.05 < interval.high < 0.1


def test_nothing_observed_says_nothing() -> None:
    assert paired_difference(0, 0, 0) == Interval(-1.0, 1.0)
    assert smallest_detectable_difference(0, 0) is None
    assert smallest_detectable_difference(1, 3) is None


@pytest.mark.parametrize(("first", "second", "n"), [(-1, 0, 5), (0, -1, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(first: int, second: int, n: int) -> None:
    with pytest.raises(ValueError, match="impossible counts"):
        paired_difference(first, second, n)
    if first + second < 0 or first + second > n:
        with pytest.raises(ValueError, match="impossible counts"):
            smallest_detectable_difference(first + second, n)


@pytest.mark.parametrize(("discordant", "n"), [(6, 120), (30, 120), (36, 400), (0, 60)])
def test_a_difference_of_the_stated_size_is_found_four_times_in_five(discordant: int, n: int) -> None:
    """Simulated at the share of discordant pairs that the figure assumes, with the test it is about."""
    found = smallest_detectable_difference(discordant, n)
    assert found is not None
    share = max(found, _wilson_high(discordant, n))
    rng = np.random.default_rng(5)
    draws = rng.multinomial(n, [(share + found) / 2, (share - found) / 2, 1 - share], size=20_000)
    first, second = draws[:, 0], draws[:, 1]
    with np.errstate(invalid="ignore"):
        statistic = (first - second) / np.sqrt(first + second)
    power = float(np.mean(np.nan_to_num(statistic) > NormalDist().inv_cdf(0.975)))
    # Where all discordant pairs lie on one side the approximation errs towards more power.
    assert 0.76 < power < (0.86 if share > found else 1.0)


def _wilson_high(successes: int, n: int) -> float:
    z, p = NormalDist().inv_cdf(0.975), successes / n
    return (p + z * z / (2 * n) + z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)


@given(st.integers(4, 2000), st.floats(0, 1))
def test_more_pairs_see_more(n: int, share: float) -> None:
    few = smallest_detectable_difference(round(share * n), n)
    many = smallest_detectable_difference(4 * round(share * n), 4 * n)
    assert few is not None
    assert many is not None
    assert 0.0 < many < few <= 1.0
