"""Intervals for numbers that are no means, by drawing the clusters again.

B. Efron and R. Tibshirani, "An introduction to the bootstrap" (1993), chapters 6, 8 and 13: the percentile interval,
and the standard deviation of the draws as standard error. Whole clusters are drawn, with replacement, so dependence
within one is kept. The same seed gives the same bytes (NumPy's PCG64).
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aftertune.stats.clustered import Estimate, group_numbers

Rows = NDArray[np.float64]
"""One row an item, one column a statistic."""

Aggregate = Callable[[Rows], float]
"""From the stacked rows to one number; NaN where they have none."""

MOST_UNDEFINED = 0.05
"""Share of draws: with more of them without a number, the interval would be that of the others only."""

_AT_ONCE = 1 << 21
"""Draws times clusters held in memory together."""


def mean(rows: Rows) -> float:
    """The mean of the first column. Given as the aggregate, all draws are computed at once."""
    return float(rows[:, 0].mean())


def bootstrap(
    rows: ArrayLike,
    clusters: Sequence[Hashable] | None,
    aggregate: Aggregate,
    *,
    seed: int,
    draws: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """The aggregate of `rows`, shaped (n, d), with its percentile interval over `draws` resamples of clusters.

    Bounds and standard error are None with fewer than two clusters, when all draws agree, when the aggregate of the
    rows themselves is NaN, and when more than 5 % of the draws have none.
    """
    data = _checked(rows)
    groups = _groups(clusters, len(data))
    if aggregate is mean:
        sampled = _means(data[:, 0], groups, seed, draws)
    else:
        sampled = np.array([aggregate(data[items]) for items in _resamples(groups, seed, draws)])
    return _summary(aggregate(data), sampled, len(data), groups, confidence)


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    clusters: Sequence[Hashable] | None,
    aggregate: Aggregate,
    *,
    seed: int,
    draws: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """aggregate(first) − aggregate(second) on the same items: each draw takes the same items for both.

    P. Koehn, "Statistical significance tests for machine translation evaluation", EMNLP 2004. Both are shaped (n, d),
    row for row the same item. None as in `bootstrap`.
    """
    ours, theirs = _checked(first), _checked(second)
    if len(ours) != len(theirs):
        raise ValueError(f"pairs need as many rows on both sides, got {len(ours)} and {len(theirs)}")
    groups = _groups(clusters, len(ours))
    if aggregate is mean:
        sampled = _means(ours[:, 0] - theirs[:, 0], groups, seed, draws)
    else:
        sampled = np.array(
            [aggregate(ours[items]) - aggregate(theirs[items]) for items in _resamples(groups, seed, draws)]
        )
    return _summary(aggregate(ours) - aggregate(theirs), sampled, len(ours), groups, confidence)


def _summary(
    estimate: float, sampled: NDArray[np.float64], n: int, groups: NDArray[np.int64], confidence: float
) -> Estimate:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}")
    count = int(groups.max()) + 1
    defined = sampled[np.isfinite(sampled)]
    enough = defined.size > 1 and defined.size >= (1 - MOST_UNDEFINED) * sampled.size
    if count < 2 or not np.isfinite(estimate) or not enough:
        return Estimate(estimate, None, None, None, n, count)
    error = float(defined.std(ddof=1))
    # Draws that differ by rounding only do not differ.
    if error <= np.finfo(float).eps * max(1.0, abs(estimate)) * 4:
        return Estimate(estimate, None, None, None, n, count)
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(estimate, error, float(low), float(high), n, count)


def _drawn(groups: NDArray[np.int64], seed: int, draws: int) -> Iterator[NDArray[np.int64]]:
    """Numbers of the clusters drawn, shaped (some draws, clusters)."""
    if draws < 2:
        raise ValueError(f"draws must be 2 or more, got {draws}")
    rng = np.random.Generator(np.random.PCG64(seed))
    count = int(groups.max()) + 1
    block = max(1, _AT_ONCE // count)
    for start in range(0, draws, block):
        yield rng.integers(0, count, size=(min(block, draws - start), count))


def _resamples(groups: NDArray[np.int64], seed: int, draws: int) -> Iterator[NDArray[np.int64]]:
    """Numbers of the items of each draw."""
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(groups))[:-1])
    alone = len(members) == len(groups)
    for block in _drawn(groups, seed, draws):
        for chosen in block:
            yield order[chosen] if alone else np.concatenate([members[cluster] for cluster in chosen])


def _means(x: NDArray[np.float64], groups: NDArray[np.int64], seed: int, draws: int) -> NDArray[np.float64]:
    sums, sizes = np.bincount(groups, weights=x), np.bincount(groups)
    blocks = [sums[block].sum(axis=1) / sizes[block].sum(axis=1) for block in _drawn(groups, seed, draws)]
    return np.concatenate(blocks)


def _checked(rows: ArrayLike) -> Rows:
    data = np.asarray(rows, dtype=np.float64)
    if data.ndim != 2 or data.size == 0 or not np.all(np.isfinite(data)):
        raise ValueError("rows must be a non-empty table of finite numbers, one row an item")
    return data


def _groups(clusters: Sequence[Hashable] | None, n: int) -> NDArray[np.int64]:
    if clusters is None:
        return np.arange(n)
    if len(clusters) != n:
        raise ValueError(f"{n} rows need as many clusters, got {len(clusters)}")
    return group_numbers(clusters)
