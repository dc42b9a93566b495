"""Holm against statsmodels and its definition, Benjamini-Hochberg against scipy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from aftertune.stats.multiplicity import benjamini_hochberg, holm

p_values = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=30)


@given(p_values)
def test_holm_is_the_least_family_level_at_which_the_steps_reach_a_test(p: list[float]) -> None:
    ranked = sorted(p)
    for value, adjusted in zip(p, holm(p), strict=True):
        reached = [(len(p) - rank) * other for rank, other in enumerate(ranked) if other <= value]
        assert adjusted == pytest.approx(min(1.0, max(reached)), abs=1e-12)


# Fixed and few: statsmodels collects garbage each time.
@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005, 0.9], [0.2, 0.0, 0.2, 1.0, 0.0004, 0.03, 0.03]])
def test_holm_is_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(tuple(multipletests(p, method="holm")[1]), abs=1e-12)


@given(p_values)
def test_benjamini_hochberg_is_scipys(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(tuple(false_discovery_control(p)), abs=1e-12)


@given(p_values)
def test_adjusting_only_raises_and_the_stricter_raises_more(p: list[float]) -> None:
    for raw, rate, family in zip(p, benjamini_hochberg(p), holm(p), strict=True):
        assert raw - 1e-15 <= rate <= family + 1e-15
        assert family <= 1.0


def test_one_test_is_not_adjusted_and_none_is_none() -> None:
    assert holm([0.03]) == benjamini_hochberg([0.03]) == (0.03,)
    assert holm([]) == benjamini_hochberg([]) == ()


@pytest.mark.parametrize("p", [[1.1], [-0.1], [float("nan")]])
def test_what_is_no_probability_is_refused(p: list[float]) -> None:
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="p-values"):
            adjust(p)
