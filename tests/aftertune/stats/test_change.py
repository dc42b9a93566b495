"""The bound on a fall against every arrangement in time, and its laws."""

from itertools import combinations, product
from math import cosh, exp, log

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from aftertune.stats.change import Repeats

NEVER_SKIPPED = 1.0
"""With this level the bound is always computed."""


def repeats(rows: list[list[float]]) -> Repeats:
    found = Repeats(np.array(rows[0], dtype=float))
    for row in rows[1:]:
        found.add(np.array(row, dtype=float))
    return found


def differences(scores: list[float], last: int) -> list[float]:
    """Late mean − early mean of one item under every choice of which of its scores came last; equally likely."""
    found = []
    for late in combinations(range(len(scores)), last):
        early = [scores[i] for i in range(len(scores)) if i not in late]
        found.append(sum(scores[i] for i in late) / last - sum(early) / len(early))
    return found


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[float]], int]:
    nights = draw(st.integers(2, 4))
    score = draw(st.sampled_from([st.sampled_from([0.0, 1.0]), st.integers(0, 10).map(lambda x: x / 10)]))
    row = st.lists(score, min_size=3, max_size=3)
    return draw(st.lists(row, min_size=nights, max_size=nights)), draw(st.integers(1, nights - 1))


@settings(max_examples=150)
@given(tables())
def test_no_arrangement_in_time_is_likelier_than_the_bound(table: tuple[list[list[float]], int]) -> None:
    rows, last = table
    observed = repeats(rows)
    change = observed.change(last)
    assert change is not None
    possible = [differences([row[item] for row in rows], last) for item in range(3)]
    sums = [sum(choice) for choice in product(*possible)]
    depth = change.estimate * change.n
    exact = sum(value <= depth + 1e-9 for value in sums) / len(sums)
    assert observed.bound_on_fall(last, NEVER_SKIPPED) >= exact - 1e-9


def test_one_night_against_one_is_chernoffs_bound_for_fair_signs() -> None:
    d = np.array([0.5, 0.2, 0.9, 1.0, 0.1, 0.7, 0.7])
    observed = repeats([[0.0] * 7, (-d).tolist()])
    best = minimize_scalar(
        lambda rate: sum(log(cosh(rate * x)) for x in d) - rate * d.sum() * 0.999,
        bounds=(0, 200),
        method="bounded",
    )
    # All signs negative: the bound tends to the product of halves.
    assert observed.bound_on_fall(1, NEVER_SKIPPED) == pytest.approx(2.0**-7, rel=0.1)
    assert exp(best.fun) >= 2.0**-7


@given(tables())
def test_change_is_the_difference_of_means(table: tuple[list[list[float]], int]) -> None:
    rows, last = table
    change = repeats(rows).change(last)
    assert change is not None
    assert change.n == 3
    expected = np.mean(rows[-last:]) - np.mean(rows[:-last])
    assert change.estimate == pytest.approx(expected, abs=1e-12)


@given(tables(), st.integers(-3, 3), st.integers(1, 4))
def test_units_do_not_matter(table: tuple[list[list[float]], int], shift: int, scale: int) -> None:
    rows, last = table
    moved = [[scale * value + shift for value in row] for row in rows]
    before, after = (repeats(each).bound_on_fall(last, NEVER_SKIPPED) for each in (rows, moved))
    assert after == pytest.approx(before, rel=1e-3, abs=1e-9)


@given(tables())
def test_only_falls_are_falls(table: tuple[list[list[float]], int]) -> None:
    rows, last = table
    change = repeats(rows).change(last)
    assert change is not None
    assume(change.estimate >= 0)
    assert repeats(rows).bound_on_fall(last, NEVER_SKIPPED) == 1.0


def test_items_that_never_vary_say_nothing() -> None:
    observed = repeats([[1.0, 0.0, 1.0]] * 30)
    assert observed.bound_on_fall(1, NEVER_SKIPPED) == 1.0
    change = observed.change(29)
    assert change == (0.0, None, 3)


def test_a_few_flips_among_stable_items_weigh_more_the_longer_they_were_stable() -> None:
    stable, fallen = [1.0] * 40, [0.0] * 3 + [1.0] * 37
    bounds = [repeats([stable] * nights + [fallen]).bound_on_fall(1, NEVER_SKIPPED) for nights in (1, 3, 30)]
    assert bounds[0] == pytest.approx(0.5**3, rel=0.05)
    assert bounds[1] == pytest.approx(0.25**3, rel=0.05)
    assert bounds[2] == pytest.approx((1 / 31) ** 3, rel=0.05)


def test_a_bound_far_above_the_level_is_not_computed() -> None:
    observed = repeats([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    assert observed.bound_on_fall(1, NEVER_SKIPPED) < 1.0
    assert observed.bound_on_fall(1, 1e-4) == 1.0


def test_items_are_compared_over_the_nights_that_have_them() -> None:
    nan = float("nan")
    observed = repeats([[1.0, nan, 0.5, 1.0], [1.0, 1.0, nan, nan], [0.0, 0.0, nan, 0.0]])
    change = observed.change(1)
    assert change is not None
    assert change.estimate == pytest.approx(-1.0)
    assert change.n == 3
    # Three, two and two scores of which the lowest came last.
    assert observed.bound_on_fall(1, NEVER_SKIPPED) == pytest.approx(1 / 3 / 2 / 2, rel=0.1)
    nothing = repeats([[1.0, nan], [nan, 1.0]])
    assert nothing.change(1) is None
    assert nothing.bound_on_fall(1, NEVER_SKIPPED) == 1.0


def test_rejects_no_more_often_than_its_level_on_lopsided_scores() -> None:
    rng = np.random.default_rng(6)
    chance = np.array([0.95] * 10 + [0.5] * 3 + [1.0] * 20)
    rejected = 0
    for _ in range(1500):
        rows = (rng.random((6, chance.size)) < chance).astype(float)
        rejected += repeats(rows.tolist()).bound_on_fall(2, 0.05) <= 0.05
    assert rejected <= 0.05 * 1500


def test_broken_input_is_refused() -> None:
    observed = repeats([[1.0, 0.0], [1.0, 0.0]])
    for row in ([1.0], [1.0, float("inf")]):
        with pytest.raises(ValueError, match="measurement"):
            observed.add(np.array(row))
    for last in (0, 2):
        with pytest.raises(ValueError, match="cannot be the last"):
            observed.bound_on_fall(last, 0.05)
