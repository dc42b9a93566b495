"""Agreement against statsmodels and Krippendorff's own examples."""

from math import isnan

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa  # type: ignore[import-untyped]

from aftertune.stats.agreement import Level, Weights, cohen_kappa, krippendorff_alpha, mean_bias

grades = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=60)

# Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section C; None where an observer did not rate.
OBSERVERS: list[list[float | None]] = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@given(ratings=grades)
def test_kappa_is_statsmodels(weights: Weights | None, ratings: list[tuple[int, int]]) -> None:
    first, second = [a for a, _ in ratings], [b for _, b in ratings]
    table = np.zeros((5, 5))
    for a, b in ratings:
        table[a - 1, b - 1] += 1
    found = cohen_kappa(first, second, weights, scale=[1, 2, 3, 4, 5])
    if len({*first, *second}) == 1:
        assert isnan(found)
    else:
        wt = {None: None, "linear": "linear", "quadratic": "quadratic"}[weights]
        expected = cohens_kappa(table, wt=wt, return_results=False)
        assert found == pytest.approx(expected, abs=1e-9)


def test_kappa_known_answer() -> None:
    """Cohen (1960), table 1: 200 cases, three categories, κ = 0.492 (of rounded proportions)."""
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    found = cohen_kappa([i for i, _ in pairs], [j for _, j in pairs])
    assert found == pytest.approx(0.492, abs=5e-4)


def test_an_unused_grade_stretches_the_scale() -> None:
    first, second = [1, 1, 3, 3, 1], [1, 3, 3, 1, 1]
    assert cohen_kappa(first, second, "linear") == cohen_kappa(first, second, "linear", scale=[1, 2, 3])
    first, second = [1, 2, 5, 5, 1], [1, 5, 5, 2, 2]
    shrunk = cohen_kappa(first, second, "quadratic")
    assert shrunk != pytest.approx(cohen_kappa(first, second, "quadratic", scale=[1, 2, 3, 4, 5]))


@pytest.mark.parametrize(
    ("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_of_four_observers_with_gaps(level: Level, expected: float) -> None:
    assert krippendorff_alpha(OBSERVERS, level) == pytest.approx(expected, abs=5e-4)


def test_alpha_of_two_observers() -> None:
    """The same text, sections A (binary) and B (nominal)."""
    binary: list[list[float | None]] = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert krippendorff_alpha(binary) == pytest.approx(0.095, abs=5e-4)
    ben, gerry = "aabbdcccedda", "babbbccceddd"
    assert krippendorff_alpha([[ord(c) for c in ben], [ord(c) for c in gerry]]) == pytest.approx(
        0.692, abs=5e-4
    )


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=6, max_size=6), min_size=2, max_size=4
    )
)
def test_alpha_does_not_care_who_rated_and_names_do_not_matter(rows: list[list[float | None]]) -> None:
    alpha = krippendorff_alpha(rows)
    assume(not isnan(alpha))
    assert alpha <= 1.0
    assert krippendorff_alpha(rows[::-1]) == pytest.approx(alpha)
    renamed = [[None if value is None else 7 - value for value in row] for row in rows]
    assert krippendorff_alpha(renamed) == pytest.approx(alpha)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_agreeing_throughout_is_one_and_having_nothing_to_disagree_on_is_nothing(level: Level) -> None:
    assert krippendorff_alpha([[0, 1, 2, None], [0, 1, 2, 5]], level) == pytest.approx(1.0)
    assert isnan(krippendorff_alpha([[1, 1, 1], [1, 1, 1]], level))
    assert isnan(krippendorff_alpha([[1, None, 3], [None, 2, None]], level))
    assert isnan(krippendorff_alpha([[], []], level))
    assert isnan(krippendorff_alpha([], level))


def test_without_items_kappa_is_nothing() -> None:
    assert isnan(cohen_kappa([], []))


def test_bias_is_shown_where_kappa_is_high() -> None:
    human = [1.0, 2.0, 3.0, 4.0, 5.0] * 20
    judge = [min(5.0, grade + 1.0) for grade in human]
    found = mean_bias(judge, human)
    assert found.estimate == pytest.approx(0.8)
    assert found.low is not None
    assert found.low > 0.7
    assert cohen_kappa(judge, human, "quadratic") > 0.7


def test_broken_input_is_refused() -> None:
    with pytest.raises(ValueError, match="as many"):
        cohen_kappa([1], [1, 2])
    with pytest.raises(ValueError, match="as many"):
        mean_bias([1.0], [])
    with pytest.raises(ValueError, match="not on the scale"):
        cohen_kappa([1], [4], scale=[1, 2, 3])
    with pytest.raises(ValueError, match="linear, quadratic"):
        cohen_kappa([1, 2], [2, 1], "cubic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="levels are"):
        krippendorff_alpha([[1, 2], [2, 1]], "cubic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        krippendorff_alpha([[-1, 2], [2, 1]], "ratio")
    with pytest.raises(ValueError, match="one entry a unit"):
        krippendorff_alpha([[1, 2], [2]])
