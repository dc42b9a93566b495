"""Which interval stands where, and that none of them claims what was not seen."""

from dataclasses import replace
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aftertune.stats.interval import wilson
from aftertune.stats.paired import paired_difference
from aftertune.stats.paired_mean import paired_mean
from evals.conclusion.estimate import (
    ALIKE,
    BOOTSTRAP,
    BOOTSTRAP_CLUSTERED,
    EFFECTIVE,
    EFFECTIVE_CLUSTERED,
    RAGGED,
    STUDENT,
    TANGO,
    TANGO_EFFECTIVE,
    UNBOUNDED,
    WILSON,
    Estimated,
    Measured,
    Pair,
    compare,
    estimate,
)
from evals.conclusion.significance import p_value
from evals.suite.metric import Aggregate, Kind, Metric

SHARE = Metric("right", "of all samples")
MEAN = Metric("kept", "of the terms", kind=Kind.MEAN)
SECONDS = Metric("seconds", "to the first token", kind=Kind.MEAN, low=None, high=None)


def _ratio(rows: NDArray[np.float64]) -> float:
    part, whole = rows.sum(axis=0)
    return float(part / whole) if whole else float("nan")


RATIO = Metric("ratio", "of all instructions", kind=Kind.AGGREGATE, aggregate=_ratio)


def measured(*values: float, clusters: str = "") -> list[Measured]:
    return [
        Measured((value,), clusters[number] if clusters else str(number))
        for number, value in enumerate(values)
    ]


def test_nothing_measured_is_no_number() -> None:
    for metric in (SHARE, MEAN, RATIO):
        for found in (estimate(metric, [], seed=1), compare(metric, [], seed=1)):
            assert found[:4] == (0, None, None, None)
            assert found.smallest_detectable is None


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=60))
def test_a_share_has_wilsons_interval(values: list[float]) -> None:
    found = estimate(SHARE, measured(*values), seed=1)
    assert (found.low, found.high) == wilson(round(sum(values)), len(values))
    assert (found.n, found.clusters, found.method) == (len(values), None, WILSON)
    assert found.smallest_detectable is not None
    assert found.smallest_detectable > 0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_a_difference_of_shares_has_tangos_interval(pairs: list[tuple[bool, bool]]) -> None:
    rows = [Pair((float(us),), (float(them),), str(n)) for n, (us, them) in enumerate(pairs)]
    found = compare(SHARE, rows, seed=1)
    up = sum(us > them for us, them in pairs)
    down = sum(us < them for us, them in pairs)
    assert (found.low, found.high) == paired_difference(up, down, len(pairs))
    assert found.method == TANGO


def test_averages_over_repeats_are_no_zeros_and_ones() -> None:
    found = estimate(SHARE, measured(0.0, 1.0, 0.5, 1.0), seed=1)
    assert found.method == EFFECTIVE


def test_clusters_are_what_is_independent() -> None:
    alone = estimate(SHARE, measured(*[1.0, 0.0] * 20), seed=1)
    together = estimate(
        SHARE, measured(*[1.0] * 20, *[0.0] * 20, clusters="a" * 10 + "b" * 10 + "c" * 10 + "d" * 10), seed=1
    )
    assert (together.clusters, together.method) == (4, EFFECTIVE_CLUSTERED)
    assert width(together) > 2 * width(alone)


def test_a_release_at_the_limit_seldom_proves_it_in_clusters_either() -> None:
    """One run of forty by intent; Student's t alone lets one of ten through."""
    rng, runs, limit = np.random.default_rng(5), 400, 0.96
    proven = 0
    for _ in range(runs):
        first = rng.random(100) < limit
        second = np.where(rng.random(100) < 0.5, first, rng.random(100) < limit)
        pairs = np.column_stack([first, second]).astype(float).ravel()
        found = estimate(SHARE, [Measured((v,), str(k // 2)) for k, v in enumerate(pairs)], seed=1)
        proven += found.low is not None and found.low > limit
    assert proven / runs < 0.05


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.booleans())
def test_an_interval_holds_its_estimate_and_stays_in_range(values: list[float], together: bool) -> None:
    clusters = "".join(chr(97 + k // 2) for k in range(len(values))) if together else ""
    found = estimate(MEAN, measured(*values, clusters=clusters), seed=1)
    if found.low is not None and found.high is not None and found.estimate is not None:
        assert -1e-12 <= found.low <= found.estimate + 1e-12
        assert found.estimate - 1e-12 <= found.high <= 1 + 1e-12


def width(found: Estimated) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


@given(st.sampled_from([0.0, 0.25, 1.0]), st.integers(1, 80))
def test_samples_that_are_all_alike_prove_only_so_much(value: float, n: int) -> None:
    found = estimate(MEAN, measured(*[value] * n), seed=1)
    others = wilson(0, n).high
    assert found.method == ALIKE
    assert (found.low, found.high) == pytest.approx((value * (1 - others), value + others * (1 - value)))
    compared = compare(MEAN, [Pair((value,), (value,), str(k)) for k in range(n)], seed=1)
    assert (compared.estimate, compared.low, compared.high) == pytest.approx((0.0, -others, others))


def test_what_nothing_bounds_has_no_interval_without_spread() -> None:
    found = estimate(SECONDS, measured(2.0, 2.0, 2.0), seed=1)
    assert (found.estimate, found.low, found.high, found.method) == (2.0, None, None, UNBOUNDED)
    assert estimate(SECONDS, measured(2.0, 3.0), seed=1).method == STUDENT


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_an_interval_ends_where_the_metric_does(values: list[float]) -> None:
    found = estimate(MEAN, measured(*values), seed=1)
    assert found.low is not None
    assert found.high is not None
    assert found.estimate is not None
    assert 0.0 <= found.low <= found.estimate + 1e-9
    assert found.estimate - 1e-9 <= found.high <= 1.0


def test_one_sample_alone_is_never_certain() -> None:
    for metric, value in ((SHARE, 1.0), (MEAN, 0.4), (SECONDS, 3.0)):
        found = estimate(metric, measured(value), seed=1)
        assert found.low is None or width(found) > 0.3


def test_an_aggregate_is_bootstrapped_and_the_same_every_time() -> None:
    rows = [Measured((float(n % 3), 3.0), f"c{n % 7}") for n in range(42)]
    first, second = estimate(RATIO, rows, seed=7), estimate(RATIO, rows, seed=7)
    assert first == second
    assert isclose(first.estimate or 0.0, 1 / 3)
    assert (first.clusters, first.method) == (7, BOOTSTRAP_CLUSTERED)
    apart = [Measured(each.row, str(n)) for n, each in enumerate(rows)]
    assert estimate(RATIO, apart, seed=7).method == BOOTSTRAP


def test_an_aggregate_of_nothing_is_no_number() -> None:
    found = estimate(RATIO, [Measured((0.0, 0.0), "a"), Measured((0.0, 0.0), "b")], seed=1)
    assert (found.n, found.estimate, found.low) == (2, None, None)


def test_the_intervals_of_pairs_are_narrower_than_those_of_two_runs() -> None:
    """The same hard samples are hard for both."""
    pairs = [Pair((float(n % 2), 1.0), (float(n % 2) * (n % 9 > 0), 1.0), str(n)) for n in range(90)]
    apart = estimate(RATIO, [Measured(pair.ours, pair.cluster) for pair in pairs], seed=3)
    assert width(compare(RATIO, pairs, seed=3)) < width(apart)


def _of_thirds(rows: NDArray[np.float64]) -> float:
    """Fails on every draw in which no row is 2."""
    return float(rows.sum() / {True: 1.0}[bool((rows == 2).any())])


def _failing(rows: NDArray[np.float64]) -> float:
    raise KeyError("torque")


@pytest.mark.parametrize(
    ("aggregate", "said"),
    [
        (_failing, "could not measure: KeyError: 'torque'"),
        (lambda rows: None, "could not measure: TypeError: float() argument must be"),
        (lambda rows: "many", "could not measure: ValueError: could not convert string"),
    ],
)
def test_an_aggregate_that_fails_measures_nothing_and_says_so(aggregate: Aggregate, said: str) -> None:
    metric = replace(RATIO, aggregate=aggregate)
    pairs = [Pair((float(n),), (2.0,), str(n)) for n in range(9)]
    for found in (
        estimate(metric, measured(1.0, 2.0, 3.0), seed=1),
        compare(metric, pairs, seed=1),
    ):
        assert found.fault.startswith(said)
        assert found[1:6] == (None, None, None, None, None)
    assert p_value(metric, pairs, compare(metric, pairs, seed=1)) is None
    assert p_value(metric, [Pair((1.0,), (1.0,), "a")], compare(metric, pairs, seed=1)) is None


def test_rows_of_several_lengths_measure_nothing() -> None:
    rows = [Measured((1.0, 2.0), "a"), Measured((1.0,), "b")]
    assert estimate(RATIO, rows, seed=1).fault == f"could not measure: {RAGGED}"
    pairs = [Pair((1.0, 2.0), (1.0,), "a")]
    assert compare(RATIO, pairs, seed=1).fault == f"could not measure: {RAGGED}"


def test_an_aggregate_that_fails_on_draws_has_a_number_and_no_interval_unless_they_are_few() -> None:
    metric = replace(RATIO, aggregate=_of_thirds)
    few = estimate(metric, measured(*([2.0] * 5 + [1.0] * 5)), seed=1)
    assert (few.method, few.low is None) == (BOOTSTRAP, False)
    many = estimate(metric, measured(2.0, *([1.0] * 9)), seed=1)
    assert (many.estimate, many.low, many.fault) == (11.0, None, "")
    assert many.method == f"{BOOTSTRAP}: no interval, for some draws failed: KeyError: False"


def test_scores_outside_the_ends_that_the_metric_has_now_are_compared_without_ends() -> None:
    pairs = [Pair((2.0 + n % 3,), (0.5,), str(n)) for n in range(12)]
    found = compare(MEAN, pairs, seed=1)
    assert (found.estimate, found.method) == (2.5, STUDENT)
    assert p_value(MEAN, pairs, found) is not None


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0])), min_size=6))
def test_the_score_interval_of_repeats_and_its_p_value_agree(scores: list[tuple[float, float]]) -> None:
    """Averages over repeats are no zeros and ones, also where the pairs that differ are such."""
    pairs = [Pair((ours,), (theirs,), str(n)) for n, (ours, theirs) in enumerate([(0.5, 0.5), *scores])]
    found = compare(SHARE, pairs, seed=1)
    p = p_value(SHARE, pairs, found)
    if found.method == TANGO_EFFECTIVE and p is not None and not isclose(p, 0.05, abs_tol=1e-9):
        assert found.low is not None
        assert found.high is not None
        assert (p < 0.05) == (not found.low <= 0.0 <= found.high)


def test_repeats_are_tested_as_their_interval_is_made() -> None:
    lost = [Pair((0.0,), (1.0,), str(n)) for n in range(5)] + [Pair((0.5,), (0.5,), "same")]
    found = compare(SHARE, lost, seed=1)
    made = paired_mean([-1.0] * 5 + [0.0], None, 1.0)
    assert made is not None
    assert (found.method, p_value(SHARE, lost, found)) == (TANGO_EFFECTIVE, made.p_value())


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (1.0, 0.0)])
def test_a_metric_without_room_between_its_ends_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="between two ends"):
        replace(MEAN, low=low, high=high)
