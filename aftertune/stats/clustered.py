"""Means of items that come in groups: several questions on one text, several answers to one question."""

from collections.abc import Hashable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftertune.stats.tails import t_quantile


class Estimate(NamedTuple):
    """A number with its interval. Standard error and bounds are None where the data say nothing of them.

    That is so with fewer than two clusters, and where all are alike: no spread was seen, which is not that there is
    none. `clusters` is the number of groups that stand for themselves: n when each item does.
    """

    estimate: float
    standard_error: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int


def clustered_mean(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, confidence: float = 0.95
) -> Estimate:
    """The mean of `values` with its cluster-robust interval; each item is a cluster of its own where none are given.

    The variance is G / (G − 1) · Σ over G clusters of (Σ of the cluster's deviations from the mean)² / n², and the
    interval Student's t with G − 1 degrees of freedom: Liang and Zeger, Biometrika 73 (1986), with Stata's
    small-sample factor for a mean; E. Miller, "Adding error bars to evals", arXiv 2411.00640 (2024), section 2.2,
    is the same without that factor and with the normal distribution. Clusters are taken to be independent draws, any
    dependence within one is allowed for. For a paired comparison give the differences, item by item.
    """
    x, groups = _checked(values, clusters)
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}")
    n, count = x.size, int(groups.max()) + 1
    mean = float(x.mean())
    if count < 2 or x.min() == x.max():
        return Estimate(mean, None, None, None, n, count)
    sums = np.bincount(groups, weights=x - mean, minlength=count)
    error = sqrt(count / (count - 1) * float(sums @ sums)) / n
    # Clusters that all lie at the mean leave rounding only.
    if error <= np.finfo(float).eps * max(1.0, float(np.abs(x).max())):
        return Estimate(mean, None, None, None, n, count)
    half = t_quantile(0.5 + confidence / 2, count - 1) * error
    return Estimate(mean, error, mean - half, mean + half, n, count)


def group_numbers(clusters: Sequence[Hashable]) -> NDArray[np.int64]:
    """0, 1, … in order of first appearance: the same clusters give the same numbers whatever their names hash to."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(cluster, len(seen)) for cluster in clusters], dtype=np.int64)


def _checked(
    values: Sequence[float], clusters: Sequence[Hashable] | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not np.all(np.isfinite(x)):
        raise ValueError("values must be a flat, non-empty sequence of finite numbers")
    if clusters is None:
        return x, np.arange(x.size)
    if len(clusters) != x.size:
        raise ValueError(f"{x.size} values need as many clusters, got {len(clusters)}")
    return x, group_numbers(clusters)
