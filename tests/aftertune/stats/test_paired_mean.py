"""The score interval of paired means: Tango's where it must be, by clusters as statsmodels has them, and it covers."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import t
from statsmodels.api import OLS  # type: ignore[import-untyped]

from aftertune.stats.clustered import clustered_mean
from aftertune.stats.paired import paired_difference
from aftertune.stats.paired_mean import PairedMean, paired_mean

UNLIMITED = 10**12
"""Clusters: with so many, t is the normal distribution."""


@given(st.integers(1, 200), st.integers(0, 100), st.integers(0, 100))
def test_of_samples_that_stand_for_themselves_it_is_tangos(same: int, up: int, down: int) -> None:
    n = same + up + down
    assume(up + down > 0)
    variance = (up + down) / n - ((up - down) / n) ** 2
    found = PairedMean(up / n, down / n, sqrt(variance / n), UNLIMITED)
    assert found.pairs == pytest.approx(n)
    assert found.interval() == pytest.approx(paired_difference(up, down, n), abs=1e-9)


def test_known_answer() -> None:
    """Bentur et al.'s airway data (`test_paired`), each child counted twice: as many children, not twice as many."""
    children = [-1.0] * 7 + [1.0] + [0.0] * 13
    twice = [value for value in children for _ in range(2)]
    found = paired_mean(twice, [n // 2 for n in range(42)], 1.0)
    assert found is not None
    assert found.clusters == 21
    assert found.pairs == pytest.approx(20.0)
    as_normal = found._replace(clusters=UNLIMITED, standard_error=found.standard_error * sqrt(20 / 21))
    assert as_normal.interval() == pytest.approx((-0.517, -0.026), abs=5e-4)
    low, high = found.interval()
    assert low < -0.517
    assert high > -0.026


def _drawn(seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Gains and losses of up to 1, in clusters of several sizes that share a shift."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(8), rng.integers(1, 9, 8))
    shift = rng.normal(-0.1, 0.2, 8)[groups]
    values = np.clip(rng.normal(0, 0.4, groups.size) + shift, -1, 1)
    return np.where(rng.random(groups.size) < 0.4, values, 0.0), groups


@pytest.mark.parametrize("seed", range(12))
def test_an_inner_bound_is_where_the_score_test_of_a_maximised_likelihood_just_rejects(seed: int) -> None:
    values, groups = _drawn(seed)
    found = paired_mean(values.tolist(), groups.tolist(), 1.0)
    assert found is not None
    robust = OLS(values, np.ones(values.size)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}
    )
    error = max(float(robust.bse[0]), values.std(ddof=1) / sqrt(values.size))
    assert found.standard_error == pytest.approx(error)

    gain, loss = np.maximum(values, 0).mean(), np.maximum(-values, 0).mean()
    pairs = (gain + loss - (gain - loss) ** 2) / error**2
    for bound in found.interval():
        spread = _most_likely_spread(gain, loss, bound)
        statistic = abs(gain - loss - bound) / sqrt(spread / pairs)
        assert statistic == pytest.approx(t.ppf(0.975, 7), rel=1e-3)


def _most_likely_spread(gain: float, loss: float, difference: float) -> float:
    """p12 + p21 − δ² with p21 found by maximising the multinomial likelihood under p12 − p21 = δ."""

    def against(p21: float) -> float:
        p12, rest = p21 + difference, 1 - difference - 2 * p21
        return -(gain * log(p12) + loss * log(p21) + (1 - gain - loss) * log(rest))

    lowest, highest = max(0.0, -difference), (1 - difference) / 2
    room = (highest - lowest) * 1e-9
    found = minimize_scalar(
        against, bounds=(lowest + room, highest - room), method="bounded", options={"xatol": 1e-12}
    )
    return float(2 * found.x + difference - difference**2)


@settings(max_examples=60)
@given(st.integers(0, 10_000))
def test_zero_lies_outside_exactly_where_the_p_value_is_below_a_twentieth(seed: int) -> None:
    values, groups = _drawn(seed)
    found = paired_mean((values - 0.1).tolist(), groups.tolist(), 2.0)
    assert found is not None
    assume(abs(found.p_value() - 0.05) > 1e-9)
    low, high = found.interval()
    assert (not low <= 0.0 <= high) == (found.p_value() < 0.05)
    assert -1.0 <= low <= found.gain - found.loss <= high <= 1.0


def test_clusters_that_are_alike_by_accident_make_no_sample_larger() -> None:
    """One loss in each of the clusters: between them there is no spread, between the samples there is."""
    values = [-1.0, 0.0, 0.0, 0.0, 0.0] * 6 + [-1.0, 0.0, 0.0, 0.0]
    groups = [n // 5 for n in range(34)]
    found, alone = paired_mean(values, groups, 1.0), clustered_mean(values)
    assert found is not None
    assert alone.standard_error is not None
    assert found.standard_error == pytest.approx(alone.standard_error)
    assert found.clusters == 7


def test_without_any_spread_there_is_none() -> None:
    assert paired_mean([-0.5] * 9, None, 1.0) is None
    assert paired_mean([-0.5, 0.5], ["one", "one"], 1.0) is None
    assert paired_mean([1.0] * 8 + [1.0 - 1e-14], None, 1.0) is None
    with pytest.raises(ValueError, match="exceeds the width"):
        paired_mean([0.5, 1.5], None, 1.0)
    with pytest.raises(ValueError, match="some width"):
        paired_mean([0.5, 0.6], None, 0.0)


@pytest.mark.parametrize(("clusters", "size", "loss"), [(20, 5, 0.05), (40, 2, 0.1), (10, 5, 0.1)])
def test_it_covers_where_few_samples_differ_and_t_does_not(clusters: int, size: int, loss: float) -> None:
    """A gate just at the true loss would pass by t in 7 % to 15 % of runs; here in at most 2.5 %, and some luck."""
    rng, runs = np.random.default_rng(7), 400
    groups = np.repeat(np.arange(clusters), size).tolist()
    passed = missed = by_t = 0
    for _ in range(runs):
        rates = np.repeat(rng.beta(9 * loss, 9 * (1 - loss), clusters), size)
        values = (-1.0 * (rng.random(clusters * size) < rates)).tolist()
        found, student = paired_mean(values, groups, 1.0), clustered_mean(values, groups)
        if found is None or student.low is None:
            continue
        low, high = found.interval()
        passed += low > -loss
        missed += not low <= -loss <= high
        by_t += student.low > -loss
    assert passed <= 0.035 * runs
    assert missed <= 0.065 * runs
    assert by_t > 1.5 * max(passed, 10)
