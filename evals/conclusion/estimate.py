"""From samples' scores to a number with its interval: pure. Which interval stands where is told in docs/statistics.md."""

from collections.abc import Sequence
from math import isfinite, nan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftertune.stats.bootstrap import bootstrap, paired_bootstrap
from aftertune.stats.clustered import Estimate, clustered_mean
from aftertune.stats.interval import effective_wilson, wilson
from aftertune.stats.paired import paired_difference, smallest_detectable_difference
from aftertune.stats.paired_mean import paired_mean
from aftertune.stats.power import smallest_detectable
from aftertune.stats.tails import t_quantile
from evals.suite.metric import Aggregate, Kind, Metric

WILSON = "Wilson score interval"
TANGO = "Tango score interval for paired proportions"
STUDENT = "Student's t on means"
CLUSTERED = "Student's t on clusters"
EFFECTIVE = "Wilson score interval, effective size, Student's t on means"
EFFECTIVE_CLUSTERED = "Wilson score interval, effective size, Student's t on clusters"
TANGO_EFFECTIVE = "Tango score interval, effective size, Student's t on means"
TANGO_EFFECTIVE_CLUSTERED = "Tango score interval, effective size, Student's t on clusters"
CONFIDENCE = 0.95
BOOTSTRAP = "bootstrap of samples"
BOOTSTRAP_CLUSTERED = "bootstrap of clusters"
ALIKE = "all alike: at most the upper Wilson end of none in so many differs, by as much as can be"
UNBOUNDED = "none: all alike, and nothing bounds them"
NOT_MEASURED = "could not measure"
RAGGED = "the scorer's rows of statistics differ in length"
LONGEST_FAULT = 200
"""Characters kept of what a failing aggregate says."""

Row = tuple[float, ...]


class Measured(NamedTuple):
    """One sample's score, or statistics, and the cluster it belongs to."""

    row: Row
    cluster: str


class Pair(NamedTuple):
    """The release's and the baseline's row on the same sample."""

    ours: Row
    theirs: Row
    cluster: str


class Estimated(NamedTuple):
    """All None but `n` when nothing was measured. `clusters` is None when each sample stands for itself.

    `method` says so where the metric's aggregate failed, and what it said.
    """

    n: int
    estimate: float | None
    low: float | None
    high: float | None
    clusters: int | None
    smallest_detectable: float | None
    method: str

    @property
    def fault(self) -> str:
        """That the aggregate failed, and what it said; empty where it did not."""
        return self.method if self.method.startswith(NOT_MEASURED) else ""


def estimate(metric: Metric, measured: Sequence[Measured], *, seed: int) -> Estimated:
    """One release's number."""
    n, groups = len(measured), _groups([each.cluster for each in measured])
    if metric.kind is Kind.AGGREGATE:
        return _aggregate(metric, measured, groups, seed)
    if not n:
        return Estimated(0, None, None, None, None, None, WILSON if metric.kind is Kind.SHARE else STUDENT)
    values = [each.row[0] for each in measured]
    if _is_share(metric, values) and groups is None:
        right = round(sum(values))
        low, high = wilson(right, n)
        return Estimated(n, right / n, low, high, None, _share_detectable(low, high, n), WILSON)
    return _near_the_ends(_mean(values, groups, metric.low, metric.high, sqrt(2)), metric, values, groups)


def compare(metric: Metric, pairs: Sequence[Pair], *, seed: int) -> Estimated:
    """Release − baseline on the same samples."""
    n, groups = len(pairs), _groups([pair.cluster for pair in pairs])
    if metric.kind is Kind.AGGREGATE:
        return _paired_aggregate(metric, pairs, groups, seed)
    if not n:
        return Estimated(0, None, None, None, None, None, TANGO if metric.kind is Kind.SHARE else STUDENT)
    values = [value for pair in pairs for value in (pair.ours[0], pair.theirs[0])]
    differences = [pair.ours[0] - pair.theirs[0] for pair in pairs]
    if _is_share(metric, values) and groups is None:
        up, down = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
        low, high = paired_difference(up, down, n)
        least = smallest_detectable_difference(up + down, n)
        return Estimated(n, (up - down) / n, low, high, None, least, TANGO)
    # What an earlier version of a scorer gave may lie outside the ends that it has now.
    if metric.ends is None or min(values) < metric.ends[0] or max(values) > metric.ends[1]:
        return _mean(differences, groups, None, None, 1.0)
    return _paired_mean(differences, groups, metric.ends[1] - metric.ends[0])


def _mean(
    values: Sequence[float],
    groups: Sequence[str] | None,
    bottom: float | None,
    top: float | None,
    spread: float,
) -> Estimated:
    """Values lie in [bottom, top]. `spread`: of the error of what is to be detected, in standard errors of the mean."""
    n, clusters = len(values), _count(groups)
    found = clustered_mean(values, groups)
    if found.standard_error:
        least = smallest_detectable(spread * found.standard_error)
        method = STUDENT if groups is None else CLUSTERED
        low, high = _within(bottom, top, found.low, found.high)
        return Estimated(n, found.estimate, low, high, clusters, least, method)
    # Without any spread among them, t would call the number certain.
    if bottom is None or top is None:
        return Estimated(n, found.estimate, None, None, clusters, None, UNBOUNDED)
    others = wilson(0, clusters or n).high
    low = found.estimate - others * (found.estimate - bottom)
    high = found.estimate + others * (top - found.estimate)
    return Estimated(n, found.estimate, low, high, clusters, others * (top - bottom), ALIKE)


def _paired_mean(differences: Sequence[float], groups: Sequence[str] | None, width: float) -> Estimated:
    """Of scores between two ends, Student's t on differences is too narrow where few differ."""
    by_t = _mean(differences, groups, -width, width, 1.0)
    found = paired_mean(differences, groups, width)
    if found is None:
        return by_t
    low, high = found.interval(CONFIDENCE)
    return by_t._replace(
        low=width * low,
        high=width * high,
        smallest_detectable=smallest_detectable(width * found.standard_error),
        method=TANGO_EFFECTIVE if groups is None else TANGO_EFFECTIVE_CLUSTERED,
    )


def _near_the_ends(
    found: Estimated, metric: Metric, values: Sequence[float], groups: Sequence[str] | None
) -> Estimated:
    """Of a score between two ends, Student's t comes too near to them, as it does of any share."""
    spread = clustered_mean(values, groups)
    if metric.low is None or metric.high is None or not spread.standard_error:
        return found
    width = metric.high - metric.low
    share = (spread.estimate - metric.low) / width
    if not 0.0 < share < 1.0:
        return found
    low, high = effective_wilson(
        share,
        spread.standard_error / width,
        t_quantile(0.5 + CONFIDENCE / 2, spread.clusters - 1),
    )
    method = EFFECTIVE if groups is None else EFFECTIVE_CLUSTERED
    return found._replace(low=metric.low + width * low, high=metric.low + width * high, method=method)


def _within(
    bottom: float | None, top: float | None, low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    """Student's t knows no bounds: an interval ends where the metric does."""
    return (
        low if low is None or bottom is None else max(low, bottom),
        high if high is None or top is None else min(high, top),
    )


class _Guarded:
    """An aggregate that raises nothing: it may be a suite's own. Where it fails, it has no number, and says why."""

    def __init__(self, aggregate: Aggregate) -> None:
        self._aggregate = aggregate
        self.fault = ""

    def __call__(self, rows: NDArray[np.float64]) -> float:
        try:
            return float(self._aggregate(rows))
        except Exception as error:  # noqa: BLE001  (whatever it does, nothing was measured)
            said = " ".join(f"{type(error).__name__}: {error}".split())
            self.fault = self.fault or said[:LONGEST_FAULT]
            return nan


def _aggregate(
    metric: Metric, measured: Sequence[Measured], groups: Sequence[str] | None, seed: int
) -> Estimated:
    assert metric.aggregate is not None
    method = BOOTSTRAP if groups is None else BOOTSTRAP_CLUSTERED
    n, guarded = len(measured), _Guarded(metric.aggregate)
    if not measured:
        return Estimated(0, None, None, None, None, None, method)
    if not _is_table([each.row for each in measured]):
        return _failed(n, groups, RAGGED)
    found = bootstrap(np.array([each.row for each in measured]), groups, guarded, seed=seed)
    return _resampled(found, groups, sqrt(2), method, guarded.fault)


def _paired_aggregate(
    metric: Metric, pairs: Sequence[Pair], groups: Sequence[str] | None, seed: int
) -> Estimated:
    assert metric.aggregate is not None
    method = f"paired {BOOTSTRAP if groups is None else BOOTSTRAP_CLUSTERED}"
    n, guarded = len(pairs), _Guarded(metric.aggregate)
    if not pairs:
        return Estimated(0, None, None, None, None, None, method)
    if not _is_table([row for pair in pairs for row in (pair.ours, pair.theirs)]):
        return _failed(n, groups, RAGGED)
    ours, theirs = np.array([pair.ours for pair in pairs]), np.array([pair.theirs for pair in pairs])
    found = paired_bootstrap(ours, theirs, groups, guarded, seed=seed)
    return _resampled(found, groups, 1.0, method, guarded.fault)


def _is_table(rows: Sequence[Row]) -> bool:
    return len({len(row) for row in rows}) == 1


def _failed(n: int, groups: Sequence[str] | None, fault: str) -> Estimated:
    return Estimated(n, None, None, None, _count(groups), None, f"{NOT_MEASURED}: {fault}")


def _resampled(
    found: Estimate, groups: Sequence[str] | None, spread: float, method: str, fault: str
) -> Estimated:
    """A number that does not exist for these samples is NaN, or infinite, and then nothing was measured.

    An aggregate that fails on some of the draws only has a number, and an interval if they are few (`MOST_UNDEFINED`).
    """
    if not isfinite(found.estimate):
        if fault:
            return _failed(found.n, groups, fault)
        return Estimated(found.n, None, None, None, _count(groups), None, method)
    error = found.standard_error
    least = smallest_detectable(spread * error) if error else None
    if fault and error is None:
        method = f"{method}: no interval, for some draws failed: {fault}"
    return Estimated(found.n, found.estimate, found.low, found.high, _count(groups), least, method)


def _share_detectable(low: float, high: float, n: int) -> float:
    """The variance is taken at the end of the interval that is nearer to a half, to be on the safe side."""
    p = min(max(0.5, low), high)
    return smallest_detectable(sqrt(2 * p * (1 - p) / n))


def _is_share(metric: Metric, values: Sequence[float]) -> bool:
    """Averages over repeats are no zeros and ones."""
    return metric.kind is Kind.SHARE and all(value in (0.0, 1.0) for value in values)


def _groups(clusters: Sequence[str]) -> list[str] | None:
    """None when no two samples share a cluster."""
    return None if len(set(clusters)) == len(clusters) else list(clusters)


def _count(groups: Sequence[str] | None) -> int | None:
    return None if groups is None else len(set(groups))
