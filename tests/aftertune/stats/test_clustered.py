"""Clustered means against scipy's t interval and statsmodels' cluster-robust regression, and what is not known."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import sem, t
from statsmodels.api import OLS  # type: ignore[import-untyped]

from aftertune.stats.clustered import clustered_mean

scores = st.lists(st.floats(-5, 5).map(lambda x: round(x, 3)), min_size=2, max_size=40)
confidences = st.sampled_from([0.8, 0.95, 0.99])


@given(scores, confidences)
def test_without_clusters_it_is_the_t_interval(values: list[float], confidence: float) -> None:
    assume(len(set(values)) > 1)
    found = clustered_mean(values, None, confidence)
    expected = t.interval(confidence, len(values) - 1, loc=np.mean(values), scale=sem(values))
    assert found.standard_error == pytest.approx(sem(values))
    assert (found.low, found.high) == pytest.approx(expected)
    assert (found.n, found.clusters) == (len(values), len(values))


@given(scores, st.data())
def test_with_clusters_it_is_statsmodels(values: list[float], data: st.DataObject) -> None:
    clusters = data.draw(st.lists(st.integers(0, 6), min_size=len(values), max_size=len(values)))
    found = clustered_mean(values, clusters)
    assume(found.standard_error is not None)
    fit = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(clusters)}, use_t=True
    )
    assert found.estimate == pytest.approx(fit.params[0], abs=1e-9)
    assert found.standard_error == pytest.approx(fit.bse[0], rel=1e-6, abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-6, abs=1e-9)


@given(scores)
def test_asking_everything_twice_adds_nothing(values: list[float]) -> None:
    assume(len(set(values)) > 1)
    once = clustered_mean(values)
    twice = clustered_mean([*values, *values], [*range(len(values)), *range(len(values))])
    assert twice.clusters == once.clusters
    assert twice.standard_error == pytest.approx(once.standard_error)


@given(scores, st.permutations(range(5)))
def test_names_of_clusters_do_not_matter(values: list[float], names: list[int]) -> None:
    clusters = [i % 5 for i in range(len(values))]
    assert clustered_mean(values, clusters) == clustered_mean(values, [f"c{names[c]}" for c in clusters])


@pytest.mark.parametrize(
    ("values", "clusters"),
    [
        ([0.7], None),
        ([0.1, 0.9, 0.4], ["a", "a", "a"]),
        ([1.0] * 50, None),
        ([1.0] * 6, [0, 0, 1, 1, 2, 2]),
        # Every cluster lies at the mean.
        ([0.1, 0.7, 0.1, 0.7, 0.1, 0.7], [0, 0, 1, 1, 2, 2]),
    ],
)
def test_unknown_does_not_look_like_certain(values: list[float], clusters: list[int] | None) -> None:
    found = clustered_mean(values, clusters)
    assert found.estimate == pytest.approx(float(np.mean(values)))
    assert (found.standard_error, found.low, found.high) == (None, None, None)


def test_covers_dependent_items_where_the_plain_interval_does_not() -> None:
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(40), 10)
    covered = plain = 0
    for _ in range(400):
        values = rng.normal(0, 1, 40)[clusters] + rng.normal(0, 1, 400)
        robust, naive = clustered_mean(values.tolist(), clusters.tolist()), clustered_mean(values.tolist())
        assert robust.low is not None
        assert robust.high is not None
        assert naive.low is not None
        assert naive.high is not None
        covered += robust.low <= 0 <= robust.high
        plain += naive.low <= 0 <= naive.high
    assert 0.91 < covered / 400 < 0.98
    assert plain / 400 < 0.75


@pytest.mark.parametrize(
    ("values", "clusters"),
    [([], None), ([float("nan")], None), ([1.0, float("inf")], None), ([1.0], ["a", "b"])],
)
def test_broken_input_is_refused(values: list[float], clusters: list[str] | None) -> None:
    with pytest.raises(ValueError, match="values"):
        clustered_mean(values, clusters)


def test_impossible_confidence_is_refused() -> None:
    with pytest.raises(ValueError, match="confidence"):
        clustered_mean([1.0, 2.0], None, 1.0)
