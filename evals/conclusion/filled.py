"""What a number would be, whatever the unmeasured samples are: pure.

Gates and budgets are decided only where all these agree.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from statistics import fmean
from typing import TypeVar

from aftertune.values.evaluation import Better
from evals.conclusion.estimate import Estimated, Measured, Pair, Row, compare, estimate
from evals.conclusion.slices import Both, Side, Slice
from evals.suite.metric import Kind, Metric

_T = TypeVar("_T")

Filled = tuple[Estimated, ...] | None
"""One for each way to fill what is unmeasured; None where nothing limits what that is."""

MOST_CLUSTERS = 12
"""That are filled apart from the others, those with the most unmeasured samples."""


def filled_score(cut: Slice, side: Side, *, seed: int) -> Filled:
    """`side` has unmeasured samples."""
    ends = _ends(cut.metric)
    if ends is None:
        return None
    measured = list(side.measured.values())
    clusters = [cut.clusters[sample] for sample in side.unmeasured]
    like = _like(cut.metric, [each.row for each in measured])
    return tuple(
        estimate(
            cut.metric,
            [*measured, *(Measured((value,), where) for value, where in zip(fill, clusters, strict=True))],
            seed=seed,
        )
        for fill in _fills(ends, () if like is None else (like,), clusters, _unlike(clusters, measured))
    )


def filled_difference(cut: Slice, both: Both, *, seed: int) -> Filled:
    """`both` has unmeasured samples; of such a pair both sides are filled, the worst of one with the best of the other."""
    ends = _ends(cut.metric)
    if ends is None:
        return None
    pairs = list(both.pairs.values())
    clusters = [cut.clusters[sample] for sample in both.unmeasured]
    us, them = (_like(cut.metric, rows) for rows in ([p.ours for p in pairs], [p.theirs for p in pairs]))
    worst, best = ends
    levels = ((worst, best), (worst, worst), (best, worst))
    likes = () if us is None or them is None else ((us, them),)
    return tuple(
        compare(
            cut.metric,
            [
                *pairs,
                *(Pair((o,), (t,), where) for (o, t), where in zip(fill, clusters, strict=True)),
            ],
            seed=seed,
        )
        for fill in _fills(levels, likes, clusters, _unlike(clusters, pairs))
    )


def _ends(metric: Metric) -> tuple[float, float] | None:
    """Of a sample's score, the worst and the best; None where the metric has no end, or is no number of samples."""
    if metric.ends is None:
        return None
    return metric.ends if metric.better is Better.HIGHER else metric.ends[::-1]


def _like(metric: Metric, rows: Sequence[Row]) -> float | None:
    """What a sample like those measured has; where every sample is 0 or 1 none can be in between, and it is None."""
    values = [row[0] for row in rows]
    between = metric.kind is not Kind.SHARE or any(value not in (metric.low, metric.high) for value in values)
    return fmean(values) if between and values else None


def _fills(
    levels: Sequence[_T], likes: Sequence[_T], clusters: Sequence[str], apart: Sequence[str]
) -> list[list[_T]]:
    """Of samples in these `clusters`: all alike, all but the first, or all but those of one cluster, of those `apart`.

    The ends alone do not decide: a sample, or a cluster, that is far off the others also makes the interval wider, so a
    better one can lower its lower end; and where all are alike in clusters, they are bounded otherwise.
    """
    fills = [[level] * len(clusters) for level in (*levels, *likes)]
    for one, rest in permutations(levels, 2):
        fills.append([one, *[rest] * (len(clusters) - 1)])
        fills += [[one if where == cluster else rest for where in clusters] for cluster in apart]
    return fills


def _unlike(clusters: Sequence[str], measured: Sequence[Measured] | Sequence[Pair]) -> list[str]:
    """One of all clusters that would give the same numbers: equally many unmeasured, and the same measured beside them."""
    beside: dict[str, list[tuple[object, ...]]] = {where: [] for where in clusters}
    for each in measured:
        if each.cluster in beside:
            beside[each.cluster].append(each[:-1])
    sizes = Counter(clusters)
    unlike = {(sizes[where], *sorted(map(repr, rows))): where for where, rows in beside.items()}
    return sorted(unlike.values(), key=lambda where: (-sizes[where], where))[:MOST_CLUSTERS]
