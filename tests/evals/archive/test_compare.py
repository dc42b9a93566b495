"""Two runs compared: paired, adjusted over all metrics, and refused when they asked different things."""

from math import sqrt
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aftertune.errors import BadInput
from aftertune.stats.mcnemar import mcnemar_midp
from evals.archive.compare import comparable, compared
from evals.conclusion.estimate import Pair, compare
from evals.conclusion.significance import p_value
from evals.suite.metric import Kind, Metric
from tests.evals.archive.conftest import Measured
from tests.evals.world import World

SHARE = Metric("right", "a share")
MEAN = Metric("level", "a mean", kind=Kind.MEAN)
SECONDS = Metric("seconds", "to the first token", kind=Kind.MEAN, low=None, high=None)


def pairs(*values: tuple[float, float]) -> list[Pair]:
    return [Pair((ours,), (theirs,), str(number)) for number, (ours, theirs) in enumerate(values)]


def test_a_worse_release_is_found(measured: Measured, others: None, world: World) -> None:
    good, bad = measured("memory", "run-1"), measured("memory", "run-2", "v2")
    found = compared(bad, good, world.suites["memory"])
    (row,) = found.rows
    assert (found.first, found.second) == ("v2 (run-2)", "v1 (run-1)")
    assert (row.difference.estimate, row.difference.n, len(row.difference.flipped_down)) == (-1.0, 20, 20)
    assert row.p == pytest.approx(mcnemar_midp(0, 20))
    assert row.adjusted == row.p
    assert found.ways == ()


def test_a_release_compared_with_itself_does_not_differ(measured: Measured, world: World) -> None:
    file = measured("manners")
    rows = compared(file, file, world.suites["manners"]).rows
    assert {row.difference.estimate for row in rows if row.p is not None} == {0.0}
    assert {row.p for row in rows} == {1.0, None}, "what was not measured has no p-value"


def test_p_values_are_adjusted_over_the_metrics_that_were_measured(
    measured: Measured, others: None, world: World
) -> None:
    good, bad = measured("calls", "run-1"), measured("calls", "run-2", "v2")
    rows = [row for row in compared(bad, good, world.suites["calls"]).rows if row.p is not None]
    assert len(rows) > 1
    assert all(row.adjusted is not None and row.p is not None and row.adjusted >= row.p for row in rows)


@pytest.mark.parametrize("field", ["suite_version", "dataset", "seed"])
def test_another_suite_is_refused(measured: Measured, field: str) -> None:
    file = measured("calls")
    signature = file.run.signature
    assert signature is not None
    other = signature.model_copy(update={field: 99 if field == "seed" else "other"})
    changed = file._replace(run=file.run.model_copy(update={"id": "run-2", "signature": other}))
    with pytest.raises(BadInput, match=f"run-1 and run-2 measured different things .*{field}") as refused:
        comparable(file, changed)
    assert refused.value.exit_code == 2


def test_another_way_of_measuring_is_told(measured: Measured, world: World) -> None:
    file = measured("calls")
    signature = file.run.signature
    assert signature is not None
    other = signature.model_copy(update={"decoding": {"temperature": 1.0}})
    changed = file._replace(run=file.run.model_copy(update={"signature": other}))
    assert compared(file, changed, world.suites["calls"]).ways == ("decoding",)


def p_of(metric: Metric, values: list[Pair]) -> float | None:
    return p_value(metric, values, compare(metric, values, seed=1))


@pytest.mark.parametrize("metric", [MEAN, SECONDS], ids=["bounded", "unbounded"])
@given(values=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=30))
def test_a_mean_s_p_value_is_student_s_and_a_score_test_s_where_it_has_ends(
    metric: Metric, values: list[tuple[float, float]]
) -> None:
    """The score test's spread is that of no difference: E|d|, not E|d| − (E d)²."""
    p = p_of(metric, pairs(*values))
    gains = [ours - theirs for ours, theirs in values]
    if not any(gains):
        assert p == 1.0
    elif p is not None and max(gains) - min(gains) > 1e-6:
        statistic = abs(float(stats.ttest_1samp(gains, 0).statistic))
        if metric is MEAN:
            size = fmean(map(abs, gains))
            statistic *= sqrt((size - fmean(gains) ** 2) / size)
        assert p == pytest.approx(2 * float(stats.t.sf(statistic, len(gains) - 1)), rel=1e-5, abs=1e-12)


def test_zeros_and_ones_are_mcnemar_s() -> None:
    values = pairs(*[(1.0, 0.0)] * 7, *[(0.0, 1.0)] * 2, *[(1.0, 1.0)] * 20)
    assert p_of(SHARE, values) == mcnemar_midp(7, 2)


def test_nothing_is_known_of_nothing() -> None:
    assert p_of(SHARE, []) is None
    assert p_of(MEAN, pairs((1.0, 0.0))) is None, "one pair has no spread"
    assert p_of(SHARE, pairs((1.0, 1.0), (0.0, 0.0))) == 1.0


def test_an_aggregate_s_p_value_is_small_when_it_moves() -> None:
    metric = Metric("sum", "a sum", kind=Kind.AGGREGATE, aggregate=lambda rows: float(rows.mean()))
    level = [((0.9, 0.1) if number % 7 else (0.4, 0.6)) for number in range(70)]
    small = p_of(metric, pairs(*level))
    assert small is not None
    assert small < 0.001
    assert p_of(metric, pairs(*[(0.5, 0.5)] * 9)) == 1.0
