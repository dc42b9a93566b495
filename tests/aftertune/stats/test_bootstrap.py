"""The bootstrap against scipy's and the theory of means; seeds, clusters, and what is not known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aftertune.stats.bootstrap import Rows, bootstrap, mean, paired_bootstrap
from aftertune.stats.clustered import clustered_mean


def plain_mean(rows: Rows) -> float:
    """As `mean`, but without its fast path."""
    return float(np.mean(rows[:, 0]))


def ratio(rows: Rows) -> float:
    return float(rows[:, 0].sum() / rows[:, 1].sum())


def sample(n: int, columns: int = 1, seed: int = 5) -> Rows:
    return np.random.default_rng(seed).gamma(2.0, 1.0, (n, columns))


@settings(max_examples=25)
@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 2**32))
def test_the_fast_path_draws_what_the_slow_one_does(n: int, groups: int, seed: int) -> None:
    rows, clusters = sample(n, seed=seed), [i % groups for i in range(n)]
    for chosen in (None, clusters):
        fast = bootstrap(rows, chosen, mean, seed=seed, draws=200)
        slow = bootstrap(rows, chosen, plain_mean, seed=seed, draws=200)
        assert fast == pytest.approx(slow)


@pytest.mark.parametrize("aggregate", [mean, ratio])
def test_the_same_seed_gives_the_same_bytes(aggregate: object) -> None:
    assert callable(aggregate)
    rows = sample(50, 2)
    first, second = (bootstrap(rows, None, aggregate, seed=9, draws=300) for _ in range(2))
    assert repr(first) == repr(second)
    assert first != bootstrap(rows, None, aggregate, seed=10, draws=300)


def test_agrees_with_scipys_percentile_interval() -> None:
    rows = sample(120, 2)
    ours = bootstrap(rows, None, ratio, seed=1, draws=6000)
    theirs = stats.bootstrap(
        (rows[:, 0], rows[:, 1]),
        lambda x, y: x.sum() / y.sum(),
        paired=True,
        vectorized=False,
        n_resamples=6000,
        method="percentile",
        rng=np.random.default_rng(2),
    )
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.05)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), rel=0.02)


def test_standard_error_of_a_mean_of_clusters_is_the_formulas() -> None:
    clusters = [i // 4 for i in range(400)]
    values = np.random.default_rng(8).normal(0, 1, 100)[clusters] + sample(400)[:, 0]
    formula = clustered_mean(values.tolist(), clusters)
    drawn = bootstrap(values[:, None], clusters, mean, seed=4, draws=8000)
    assert drawn.clusters == 100
    assert drawn.standard_error == pytest.approx(formula.standard_error, rel=0.04)


def test_pairs_share_their_draws() -> None:
    """What both sides have in common cancels; for means the pairs are differences."""
    first = sample(80, 2)
    second = first * [0.9, 1.0]
    found = paired_bootstrap(first, second, None, ratio, seed=3)
    alone = bootstrap(first, None, ratio, seed=3)
    assert found.estimate == pytest.approx(0.1 * ratio(first))
    assert found.standard_error == pytest.approx(0.1 * (alone.standard_error or 0.0))
    fast = paired_bootstrap(first, second, None, mean, seed=3)
    assert fast == pytest.approx(paired_bootstrap(first, second, None, plain_mean, seed=3))
    assert fast == pytest.approx(bootstrap(first - second, None, mean, seed=3))


@pytest.mark.parametrize(
    ("rows", "clusters"),
    [([[0.3]], None), ([[0.1], [0.9]], ["a", "a"]), ([[1.0]] * 30, None), ([[0.1]] * 7, None)],
)
@pytest.mark.parametrize("aggregate", [mean, plain_mean])
def test_unknown_does_not_look_like_certain(
    rows: list[list[float]], clusters: list[str] | None, aggregate: object
) -> None:
    assert callable(aggregate)
    found = bootstrap(rows, clusters, aggregate, seed=1, draws=100)
    assert (found.standard_error, found.low, found.high) == (None, None, None)


def test_draws_without_a_number_give_no_interval_when_they_are_many() -> None:
    def of_positives(rows: Rows) -> float:
        positives = rows[rows[:, 1] > 0]
        return float(positives[:, 0].mean()) if len(positives) else float("nan")

    rare = np.column_stack([sample(50)[:, 0], [1.0] * 2 + [0.0] * 48])
    common = np.column_stack([sample(50)[:, 0], [1.0] * 10 + [0.0] * 40])
    assert bootstrap(rare, None, of_positives, seed=1).low is None
    assert bootstrap(common, None, of_positives, seed=1).low is not None
    nothing = bootstrap(common * [1.0, 0.0], None, of_positives, seed=1)
    assert np.isnan(nothing.estimate)
    assert nothing.standard_error is None


@pytest.mark.parametrize("rows", [[], [1.0, 2.0], [[float("nan")]], [[]]])
def test_broken_rows_are_refused(rows: list[object]) -> None:
    with pytest.raises(ValueError, match="rows"):
        bootstrap(rows, None, mean, seed=1)  # type: ignore[arg-type]


def test_broken_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="clusters"):
        bootstrap([[1.0], [2.0]], ["a"], mean, seed=1)
    with pytest.raises(ValueError, match="both sides"):
        paired_bootstrap([[1.0], [2.0]], [[1.0]], None, mean, seed=1)
    with pytest.raises(ValueError, match="draws"):
        bootstrap([[1.0], [2.0]], None, mean, seed=1, draws=1)
    with pytest.raises(ValueError, match="confidence"):
        bootstrap([[1.0], [2.0]], None, mean, seed=1, confidence=0.0)
