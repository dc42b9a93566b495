"""Calibration against a plain reading of the definitions and cases solved by hand."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.stats.bootstrap import bootstrap
from aftertune.stats.calibration import brier, expected_calibration_error

pairs = st.lists(
    st.tuples(st.integers(0, 100).map(lambda p: p / 100), st.sampled_from([0.0, 1.0])), min_size=1
)


@given(pairs, st.integers(1, 20))
def test_error_is_the_weighted_gap_of_the_bins(observed: list[tuple[float, float]], bins: int) -> None:
    expected = 0.0
    for b in range(bins):
        # In hundredths, so that no edge is missed by rounding.
        inside = [
            (p, y) for p, y in observed if b * 100 < round(p * 100) * bins <= (b + 1) * 100 or (b == 0 == p)
        ]
        if inside:
            gap = np.mean([y for _, y in inside]) - np.mean([p for p, _ in inside])
            expected += float(len(inside) / len(observed) * abs(gap))
    found = expected_calibration_error([p for p, _ in observed], [y for _, y in observed], bins)
    assert found == pytest.approx(expected, abs=1e-9)
    assert 0.0 <= found <= 1.0


@given(pairs)
def test_brier_is_at_least_the_square_of_the_calibration_in_the_large(
    observed: list[tuple[float, float]],
) -> None:
    stated, outcomes = [p for p, _ in observed], [y for _, y in observed]
    score = brier(stated, outcomes)
    assert (np.mean(stated) - np.mean(outcomes)) ** 2 - 1e-12 <= score <= 1.0


def test_known_answers() -> None:
    assert brier([0.7, 0.2, 1.0], [1, 0, 0]) == pytest.approx((0.09 + 0.04 + 1.0) / 3)
    assert brier([0.5] * 8, [0, 1] * 4) == 0.25
    assert expected_calibration_error([0.8] * 10, [1.0] * 8 + [0.0] * 2) == pytest.approx(0.0)
    assert expected_calibration_error([0.95] * 10, [1.0] * 8 + [0.0] * 2) == pytest.approx(0.15)
    # 0.1 + 0.2 belongs where 0.3 does.
    assert expected_calibration_error([0.1 + 0.2, 0.3], [0.0, 1.0]) == pytest.approx(0.2)


def test_both_can_be_resampled() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(300)
    rows = np.column_stack([p, rng.random(300) < p])
    found = bootstrap(rows, None, lambda r: brier(r[:, 0], r[:, 1]), seed=1, draws=300)
    assert found.low is not None
    assert found.low < found.estimate
    assert found.estimate == pytest.approx(1 / 6, abs=0.04)


def test_nothing_observed_is_nothing() -> None:
    assert isnan(brier([], []))
    assert isnan(expected_calibration_error([], []))


@pytest.mark.parametrize(
    ("stated", "outcomes"), [([1.2], [1.0]), ([0.5], [0.5]), ([0.5], []), ([float("nan")], [1])]
)
def test_broken_input_is_refused(stated: list[float], outcomes: list[float]) -> None:
    for number in (brier, expected_calibration_error):
        with pytest.raises(ValueError, match="stated"):
            number(stated, outcomes)


def test_bins_are_needed() -> None:
    with pytest.raises(ValueError, match="bins"):
        expected_calibration_error([0.5], [1.0], 0)
