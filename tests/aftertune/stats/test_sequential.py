"""The normal mixture against its integral and by simulation; what looks may spend."""

from math import exp, inf, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from aftertune.stats.sequential import look_level, normal_mixture


@pytest.mark.parametrize(("information", "tuned_for"), [(1.0, 1.0), (50.0, 10.0), (3.0, 200.0)])
def test_the_bound_is_where_the_mixture_of_likelihood_ratios_reaches_one_over_alpha(
    information: float, tuned_for: float
) -> None:
    """∫ exp(λ S − λ² V / 2) dN(0, 1/ρ)(λ), with S = width · V, for a ρ that is as good as the best at `tuned_for`."""
    alpha = 0.05

    def width(rho: float, v: float) -> float:
        return sqrt((v + rho) * np.log((v + rho) / (rho * alpha**2))) / v

    rho, half = (
        tuned_for / (-2 * log(alpha) + log(1 - 2 * log(alpha))),
        normal_mixture(information, tuned_for),
    )
    assert half == pytest.approx(width(rho, information))
    best = minimize_scalar(
        lambda log_rho: width(exp(log_rho), tuned_for),
        bounds=(log(tuned_for) - 8, log(tuned_for) + 2),
        method="bounded",
    )
    assert normal_mixture(tuned_for, tuned_for) == pytest.approx(best.fun, rel=1e-3)
    capital, _ = quad(
        lambda z: exp(z * half * information - z * z * (information + rho) / 2) * sqrt(rho / (2 * pi)),
        -inf,
        inf,
    )
    assert capital == pytest.approx(1 / alpha, rel=1e-3)


def test_holds_at_every_look_together_with_a_reference_that_all_share() -> None:
    """Nights' means less one reference's: information t / (t + 1), independent increments."""
    rng = np.random.default_rng(5)
    t = np.arange(1, 366)
    half = np.array([normal_mixture(n / (n + 1), 0.5) for n in t])
    missed = 0
    for _ in range(1000):
        values = rng.normal(0, 1, 366)
        estimate = np.cumsum(values[1:]) / t - values[0]
        missed += bool(np.any(np.abs(estimate) > half))
    assert missed <= 50


@given(st.floats(0.1, 1e6), st.floats(1.0, 100.0))
def test_more_information_is_narrower_and_more_confidence_wider(information: float, times: float) -> None:
    assert normal_mixture(information * times, 10.0) <= normal_mixture(information, 10.0)
    assert normal_mixture(information, 10.0, 0.99) > normal_mixture(information, 10.0, 0.9)
    # One look at a fixed time is cheaper.
    assert normal_mixture(information, information) > 1.96 / sqrt(information)


@pytest.mark.parametrize("a_year", [52, 366])
@pytest.mark.parametrize("first", [0.0, 0.75, 1.0])
def test_any_year_of_looks_spends_no_more_than_alpha(a_year: int, first: float) -> None:
    levels = np.array([look_level(look, 0.05, a_year, first) for look in range(1, 4 * a_year)])
    years = np.convolve(levels, np.ones(a_year), mode="valid")
    assert years.max() <= 0.05 + 1e-12
    assert years[0] > 0.95 * 0.05
    assert np.all(np.diff(levels) <= 0)


def test_impossible_questions_are_refused() -> None:
    for confidence in (0.0, 1.0):
        with pytest.raises(ValueError, match="confidence"):
            normal_mixture(1.0, 1.0, confidence)
    for information, tuned_for in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(ValueError, match="information"):
            normal_mixture(information, tuned_for)
    for look, alpha in ((0, 0.05), (1, 0.0), (1, 1.0)):
        with pytest.raises(ValueError, match="impossible"):
            look_level(look, alpha)
