"""What a number would be, whatever the unmeasured samples are: pure.

Gates and budgets are decided only where all these agree.
"""

from collections.abc import Sequence
from statistics import fmean

from aftertune.values.evaluation import Better
from evals.conclusion.estimate import Estimated, Measured, Pair, Row, compare, estimate
from evals.conclusion.slices import Both, Side, Slice
from evals.suite.metric import Kind, Metric

Filled = tuple[Estimated, ...] | None
"""One for each way to fill what is unmeasured; None where nothing limits what that is."""


def filled_score(cut: Slice, side: Side, *, seed: int) -> Filled:
    """`side` has unmeasured samples."""
    measured = list(side.measured.values())
    fills = _fills(cut.metric, len(side.unmeasured), [each.row for each in measured])
    if fills is None:
        return None
    clusters = [cut.clusters[sample] for sample in side.unmeasured]
    return tuple(
        estimate(
            cut.metric,
            [*measured, *(Measured((value,), where) for value, where in zip(fill, clusters, strict=True))],
            seed=seed,
        )
        for fill in fills
    )


def filled_difference(cut: Slice, both: Both, *, seed: int) -> Filled:
    """`both` has unmeasured samples; of such a pair both sides are filled, the worst of one with the best of the other."""
    pairs, count = list(both.pairs.values()), len(both.unmeasured)
    us = _fills(cut.metric, count, [pair.ours for pair in pairs])
    them = _fills(cut.metric, count, [pair.theirs for pair in pairs], turned=True)
    if us is None or them is None:
        return None
    clusters = [cut.clusters[sample] for sample in both.unmeasured]

    def with_values(ours: Sequence[float], theirs: Sequence[float]) -> Estimated:
        filled = (
            Pair((our,), (their,), where) for our, their, where in zip(ours, theirs, clusters, strict=True)
        )
        return compare(cut.metric, [*pairs, *filled], seed=seed)

    # The fill between the ends may be there for one side only.
    return tuple(with_values(ours, theirs) for ours, theirs in zip(us, them, strict=False))


def _fills(
    metric: Metric, count: int, rows: Sequence[Row], *, turned: bool = False
) -> tuple[list[float], ...] | None:
    """What `count` unmeasured samples could have been: all at one end or all but one, or all like those measured.

    The worst comes first, or last if `turned`. The ends alone do not decide: a sample that is far off the others also
    makes the interval wider, so a better one can lower its lower end. None where the metric has no end.
    """
    if metric.kind is Kind.AGGREGATE or metric.low is None or metric.high is None:
        return None
    ends = (metric.low, metric.high)
    first, last = ends if (metric.better is Better.HIGHER) is not turned else ends[::-1]
    values = [row[0] for row in rows]
    # Where every sample is 0 or 1 none can be in between.
    between = metric.kind is not Kind.SHARE or any(value not in ends for value in values)
    return (
        [first] * count,
        [last] * count,
        [last, *[first] * (count - 1)],
        [first, *[last] * (count - 1)],
        *([[fmean(values)] * count] if between and values else []),
    )
