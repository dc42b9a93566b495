"""The betting tests against a scalar reading of the paper, their guarantee by simulation, and their laws."""

from collections.abc import Sequence
from math import exp, inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.stats.betting import GRID, confidence_sequence, evidence_above
from aftertune.stats.interval import Interval

unit = st.floats(0.0, 1.0, allow_subnormal=False)
samples = st.lists(st.one_of(unit, st.sampled_from([0.0, 1.0])), max_size=40)
alphas = st.sampled_from([0.01, 0.05, 0.2])


def bets(x: Sequence[float], alpha: float) -> list[float]:
    """The paper's predictable plug-in with log(1/alpha) for one side, observation by observation."""
    chosen: list[float] = []
    total, squares, variance = 0.5, 0.25, 0.25
    for t, value in enumerate(x, start=1):
        chosen.append(sqrt(2 * log(1 / alpha) / (variance * t * log(t + 1))))
        total += value
        squares += (value - total / (t + 1)) ** 2
        variance = squares / (t + 1)
    return chosen


def hedged_capital(x: Sequence[float], mean: float, alpha: float) -> list[float]:
    """Capital after each observation of a bettor who puts half on either side of `mean`."""
    up, down, path = 1.0, 1.0, []
    for value, bet in zip(x, bets(x, alpha / 2), strict=True):
        up *= 1 + min(bet, 0.5 / mean if mean > 0 else inf) * (value - mean)
        down *= 1 - min(bet, 0.5 / (1 - mean) if mean < 1 else inf) * (value - mean)
        path.append((up + down) / 2)
    return path


@settings(max_examples=60)
@given(samples.filter(bool), alphas)
def test_interval_is_the_set_of_means_that_nobody_got_rich_against(x: list[float], alpha: float) -> None:
    step = 1 / 100
    left = [m for m in range(101) if hedged_capital(x, m * step, alpha)[-1] < 1 / alpha]
    expected = (max(0.0, (left[0] - 1) * step), min(1.0, (left[-1] + 1) * step)) if left else (0.0, 1.0)
    assert confidence_sequence(x, alpha, grid=101) == pytest.approx(expected, abs=1e-9)


@given(samples.filter(bool), st.floats(0.01, 0.99))
def test_evidence_is_the_largest_capital_of_nineteen_bettors(x: list[float], limit: float) -> None:
    capitals = [1 / 19] * 19
    largest = 1.0
    for value in x:
        for bettor in range(19):
            daring = (bettor + 1) / 20
            capitals[bettor] *= 1 + daring / limit * (value - limit)
        largest = max(largest, sum(capitals))
    assert evidence_above(x, limit) == pytest.approx(largest, rel=1e-9)


@pytest.mark.parametrize("mean", [0.02, 0.3, 0.5, 0.9])
def test_interval_misses_the_mean_at_any_look_no_more_often_than_alpha(mean: float) -> None:
    """Looked at after each of the first 40 observations; the whole run counts as one miss."""
    alpha, runs, rng = 0.1, 250, np.random.default_rng(7)
    missed = 0
    for _ in range(runs):
        x = rng.binomial(1, mean, 40).astype(float).tolist()
        looks = (confidence_sequence(x[:n], alpha, grid=101) for n in range(1, 41))
        missed += any(not look.low <= mean <= look.high for look in looks)
    assert missed <= alpha * runs


@pytest.mark.parametrize("mean", [0.05, 0.5, 0.8])
def test_true_mean_is_ever_refuted_no_more_often_than_alpha(mean: float) -> None:
    """Over 400 looks, on continuous observations, without the grid's widening."""
    alpha, runs, rng = 0.05, 400, np.random.default_rng(11)
    refuted = sum(
        max(hedged_capital(rng.beta(4 * mean, 4 * (1 - mean), 400).tolist(), mean, alpha)) >= 1 / alpha
        for _ in range(runs)
    )
    assert refuted <= alpha * runs


@pytest.mark.parametrize("limit", [0.02, 0.1, 0.5, 0.9])
def test_false_alarms_at_the_limit_are_rarer_than_alpha_over_all_looks(limit: float) -> None:
    alpha, runs, rng = 0.05, 1000, np.random.default_rng(3)
    alarms = sum(
        evidence_above(rng.binomial(1, limit, 500).astype(float).tolist(), limit) >= 1 / alpha
        for _ in range(runs)
    )
    assert alarms <= alpha * runs


def test_finds_what_is_there() -> None:
    rng = np.random.default_rng(5)
    x = rng.binomial(1, 0.3, 400).astype(float).tolist()
    interval = confidence_sequence(x, 0.05)
    assert interval.low <= 0.3 <= interval.high
    assert interval.high - interval.low < 0.2
    assert evidence_above(x, 0.1) > 100
    assert evidence_above(x, 0.5) < 100


@given(samples)
def test_more_confidence_is_wider(x: list[float]) -> None:
    narrow, wide = confidence_sequence(x, 0.2, grid=101), confidence_sequence(x, 0.01, grid=101)
    if narrow != Interval(0.0, 1.0):
        assert wide.low <= narrow.low + 1e-9
        assert narrow.high <= wide.high + 1e-9


@given(samples)
def test_interval_is_ordered_and_mirrors(x: list[float]) -> None:
    interval = confidence_sequence(x, 0.05, grid=101)
    mirrored = confidence_sequence([1 - value for value in x], 0.05, grid=101)
    assert 0.0 <= interval.low < interval.high <= 1.0
    assert (1 - interval.high, 1 - interval.low) == pytest.approx(mirrored, abs=0.0101)


@given(samples, samples, st.floats(0.01, 0.99))
def test_evidence_once_reached_stands(x: list[float], later: list[float], limit: float) -> None:
    assert 1.0 <= evidence_above(x, limit) <= evidence_above(x + later, limit) * (1 + 1e-9)


@given(samples, st.floats(0.01, 0.98))
def test_a_lower_limit_is_no_harder_to_exceed_when_every_answer_is_bad(x: list[float], limit: float) -> None:
    bad = [1.0] * len(x)
    assert evidence_above(bad, limit) * (1 + 1e-9) >= evidence_above(bad, limit + 0.01)


def test_overwhelming_evidence_stays_a_finite_number() -> None:
    assert exp(500) < evidence_above([1.0] * 5000, 0.05) < inf


def test_when_every_candidate_mean_is_refuted_nothing_is_claimed() -> None:
    assert confidence_sequence([0.0, 1.0] * 50, 0.05, grid=2) == Interval(0.0, 1.0)


def test_nothing_observed_says_nothing() -> None:
    assert confidence_sequence([], 0.05) == Interval(0.0, 1.0)
    assert evidence_above([], 0.1) == 1.0


def test_grid_steps_are_a_thousandth() -> None:
    assert confidence_sequence([0.5] * 50, 0.05).low * (GRID - 1) % 1 == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("x", [[1.1], [-0.1], [float("nan")], [[0.5]], [inf]])
def test_observations_outside_the_unit_interval_are_refused(x: list[float]) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        confidence_sequence(x, 0.05)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        evidence_above(x, 0.1)


@pytest.mark.parametrize("limit", [0.0, 1.0, -1.0, float("nan")])
def test_limit_outside_the_open_unit_interval_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="limit"):
        evidence_above([0.5], limit)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 1.5, -0.1, float("nan")])
def test_alpha_outside_the_open_unit_interval_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        confidence_sequence([0.5], alpha)
