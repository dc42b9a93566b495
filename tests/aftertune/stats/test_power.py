"""Numbers of items against statsmodels, the binomial distribution and a search by hand."""

from math import floor, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.power import normal_power  # type: ignore[import-untyped]

from aftertune.stats.interval import wilson
from aftertune.stats.power import items_to_prove, paired_items, smallest_detectable


@given(st.floats(0.01, 0.5), st.floats(0.05, 1.0), st.sampled_from([0.5, 0.8, 0.9]))
def test_pairs_are_those_of_statsmodels(difference: float, sd: float, power: float) -> None:
    """Without the chance of a rejection on the wrong side, which statsmodels counts as found."""
    n = paired_items(difference, sd, power)
    assert normal_power(difference / sd, n, 0.025, "larger") >= power - 1e-9
    if n > 1:
        assert normal_power(difference / sd, n - 1, 0.025, "larger") < power + 1e-9


@given(st.floats(0.01, 0.3), st.floats(0.05, 1.0))
def test_so_many_pairs_detect_the_difference_and_one_fewer_does_not(difference: float, sd: float) -> None:
    n = paired_items(difference, sd)
    assert smallest_detectable(sd / sqrt(n)) <= difference * (1 + 1e-9)
    if n > 1:
        assert smallest_detectable(sd / sqrt(n - 1)) > difference * (1 - 1e-9)


def proves(n: int, limit: float, expected: float) -> bool:
    return wilson(floor(n * expected + 1e-9), n).low >= limit - 1e-12


@settings(max_examples=30)
@given(st.integers(50, 97), st.integers(1, 40))
def test_so_many_items_prove_the_limit_and_so_do_all_more(percent: int, tenths: int) -> None:
    limit, expected = percent / 100, min(1.0, percent / 100 + 0.02 + tenths / 1000)
    n = items_to_prove(limit, expected)
    assert all(proves(more, limit, expected) for more in range(n, n + 60))
    assert n == 1 or not proves(n - 1, limit, expected)


@pytest.mark.parametrize(("limit", "true", "power"), [(0.9, 0.95, 0.8), (0.95, 0.97, 0.9), (0.5, 0.6, 0.5)])
def test_with_power_it_is_the_chance_that_is_kept(limit: float, true: float, power: float) -> None:
    def chance(n: int) -> float:
        return float(sum(binom.pmf(k, n, true) for k in range(n + 1) if wilson(k, n).low >= limit - 1e-12))

    n = items_to_prove(limit, true, power)
    assert all(chance(more) >= power for more in (n, n + 1, n + 17))
    assert chance(n - 1) < power


def test_more_is_asked_of_the_truth_than_of_what_is_seen() -> None:
    assert items_to_prove(0.99, 1.0) == 381
    assert items_to_prove(0.9, 0.95, power=0.8) > items_to_prove(0.9, 0.95)
    assert items_to_prove(0.9, 1.0, power=0.8) == items_to_prove(0.9, 1.0)


def test_impossible_questions_are_refused() -> None:
    for limit, expected in ((0.9, 0.9), (0.9, 0.8), (0.0, 0.5), (0.5, 1.1)):
        with pytest.raises(ValueError, match="limit"):
            items_to_prove(limit, expected)
    with pytest.raises(ValueError, match="too near"):
        items_to_prove(0.5, 0.50001)
    with pytest.raises(ValueError, match="positive"):
        paired_items(0.0, 0.3)
    with pytest.raises(ValueError, match="not negative"):
        smallest_detectable(float("nan"))
    with pytest.raises(ValueError, match="power and confidence"):
        smallest_detectable(0.1, power=1.0)
