"""How surprising a paired difference would be if there were none: the p-value that goes with `evals.conclusion.estimate.compare`."""

from collections.abc import Sequence
from statistics import NormalDist

from aftertune.stats.clustered import clustered_mean
from aftertune.stats.mcnemar import mcnemar_midp
from aftertune.stats.paired_mean import paired_mean
from aftertune.stats.power import smallest_detectable
from aftertune.stats.tails import t_tail
from evals.conclusion.estimate import TANGO, TANGO_EFFECTIVE, TANGO_EFFECTIVE_CLUSTERED, Estimated, Pair
from evals.suite.metric import Kind, Metric


def p_value(metric: Metric, pairs: Sequence[Pair], found: Estimated) -> float | None:
    """Two-sided. McNemar's mid-p for zeros and ones, for other means between two ends the score test, for others Student's t
    by clusters, for aggregates the normal by bootstrap.

    `found` is what `compare` says of the pairs. None where nothing was measured or nothing is known of the spread; 1 where
    no pair differs.
    """
    if found.estimate is None:
        return None
    if all(pair.ours == pair.theirs for pair in pairs):
        return 1.0
    if metric.kind is Kind.AGGREGATE:
        return _by_bootstrap(found)
    clusters = [pair.cluster for pair in pairs]
    alone = len(set(clusters)) == len(clusters)
    gains = [pair.ours[0] - pair.theirs[0] for pair in pairs]
    if found.method == TANGO:
        return mcnemar_midp(sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains))
    by_score = found.method in (TANGO_EFFECTIVE, TANGO_EFFECTIVE_CLUSTERED)
    return _of_means(metric.ends if by_score else None, gains, None if alone else clusters)


def _of_means(
    ends: tuple[float, float] | None, gains: Sequence[float], groups: Sequence[str] | None
) -> float | None:
    if ends is not None:
        paired = paired_mean(gains, groups, ends[1] - ends[0])
        return None if paired is None else paired.p_value()
    mean = clustered_mean(gains, groups)
    if not mean.standard_error:
        return None
    return 2 * t_tail(abs(mean.estimate) / mean.standard_error, mean.clusters - 1)


def _by_bootstrap(found: Estimated) -> float | None:
    """The bootstrap's standard error is taken from the smallest detectable change, which is a multiple of it."""
    if found.estimate is None or found.smallest_detectable is None:
        return None
    error = found.smallest_detectable / smallest_detectable(1.0)
    return 2 * NormalDist().cdf(-abs(found.estimate) / error)
