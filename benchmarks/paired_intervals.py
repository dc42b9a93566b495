"""How often the interval of a paired difference holds the truth, with few clusters and few samples that differ.

    python -m benchmarks.paired_intervals > benchmarks/paired_intervals.md

Beside `aftertune.stats.paired_mean` stands Student's t on the clusters' differences, on the same draws.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aftertune.stats.clustered import clustered_mean
from evals.conclusion.estimate import Pair, compare
from evals.suite.metric import Kind, Metric

DRAWS = 2000
SEED = 2026
SHAPES = ((5, 4), (10, 2), (10, 5), (20, 5), (40, 2), (100, 2), (40, 1), (200, 1))
"""Clusters, and samples in each."""

SHARE = Metric("right", "right or wrong")
MEAN = Metric("level", "between 0 and 1", kind=Kind.MEAN)

_ROUNDING = 1e-12

Row = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], tuple[Row, Row]]
"""The release's scores and the baseline's, of so many clusters of so many samples."""


@dataclass(frozen=True)
class Case:
    name: str
    metric: Metric
    difference: float
    draw: Draw


def lost(share: float, together: float) -> Draw:
    """The baseline is always right; the release loses a share, whose intra-cluster correlation is `together`."""

    def draw(rng: np.random.Generator, clusters: int, size: int) -> tuple[Row, Row]:
        wrong = rng.random(clusters * size) < _rates(rng, share, together, clusters, size)
        return np.where(wrong, 0.0, 1.0), np.ones(clusters * size)

    return draw


def both(ours: float, theirs: float, together: float) -> Draw:
    """Both are right by chance, cluster by cluster."""

    def draw(rng: np.random.Generator, clusters: int, size: int) -> tuple[Row, Row]:
        n = clusters * size
        first, second = (rng.random(n) < _rates(rng, p, together, clusters, size) for p in (ours, theirs))
        return np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)

    return draw


def rarely(rng: np.random.Generator, clusters: int, size: int) -> tuple[Row, Row]:
    """One sample in ten loses up to everything."""
    n = clusters * size
    return 1.0 - (rng.random(n) < 0.1) * rng.random(n), np.ones(n)


def everywhere(rng: np.random.Generator, clusters: int, size: int) -> tuple[Row, Row]:
    """Every sample moves a little, and those of a cluster together."""
    n = clusters * size
    moved = rng.normal(-0.02, 0.02, n) + np.repeat(rng.normal(0.0, 0.02, clusters), size)
    return 0.5 + moved, np.full(n, 0.5)


CASES = (
    Case("share 0.98 on both sides", SHARE, 0.0, both(0.98, 0.98, 0.3)),
    Case("share 0.02 on both sides", SHARE, 0.0, both(0.02, 0.02, 0.3)),
    Case("share 0.95 to 0.93", SHARE, -0.02, both(0.93, 0.95, 0.2)),
    Case("share 0.5 to 0.4", SHARE, -0.1, both(0.4, 0.5, 0.2)),
    Case("share, 5 % lost, correlation 0.1", SHARE, -0.05, lost(0.05, 0.1)),
    Case("share, 5 % lost, correlation 0.5", SHARE, -0.05, lost(0.05, 0.5)),
    Case("share, 10 % lost, correlation 0.1", SHARE, -0.1, lost(0.1, 0.1)),
    Case("mean, one sample in ten loses", MEAN, -0.05, rarely),
    Case("mean, every sample moves a little", MEAN, -0.02, everywhere),
)


class Counted:
    """Draws whose interval holds the truth, and draws whose interval lies above it."""

    def __init__(self, truth: float) -> None:
        self._truth = truth
        self.held = 0
        self.passed = 0

    def add(self, low: float, high: float) -> None:
        self.held += low <= self._truth + _ROUNDING and high >= self._truth - _ROUNDING
        self.passed += low > self._truth + _ROUNDING


def measured(case: Case, clusters: int, size: int, draws: int = DRAWS) -> tuple[Counted, Counted]:
    """The metric's interval, and Student's t; where all clusters are alike t has none, and the metric's stands for it."""
    rng = np.random.default_rng([SEED, clusters, size])
    names = [str(cluster) for cluster in range(clusters) for _ in range(size)]
    ours, by_t = Counted(case.difference), Counted(case.difference)
    for _ in range(draws):
        release, baseline = (side.tolist() for side in case.draw(rng, clusters, size))
        pairs = [
            Pair((first,), (second,), name)
            for first, second, name in zip(release, baseline, names, strict=True)
        ]
        found = compare(case.metric, pairs, seed=0)
        assert found.low is not None
        assert found.high is not None
        ours.add(found.low, found.high)
        student = clustered_mean([pair.ours[0] - pair.theirs[0] for pair in pairs], names)
        if student.low is None or student.high is None:
            by_t.add(found.low, found.high)
        else:
            by_t.add(student.low, student.high)
    return ours, by_t


def _rates(rng: np.random.Generator, share: float, together: float, clusters: int, size: int) -> Row:
    strength = 1 / together - 1
    return np.repeat(rng.beta(share * strength, (1 - share) * strength, clusters), size)


def main() -> None:
    print("# Intervals of paired differences: how often they hold the truth\n")
    print(
        f"Made by `python -m benchmarks.paired_intervals`, seed {SEED}, {DRAWS:,} draws each. 95 % is promised."
    )
    print(
        "*Gate passed*: the lower end lies above the truth, so a gate set at just the true loss would hold; 2.5 % is"
    )
    print("promised. Where all clusters are alike Student's t has no interval, and is given ours.\n")
    print("| difference | clusters × samples | holds | gate passed | t holds | t's gate passed |")
    print("|---|---|---|---|---|---|")
    for case in CASES:
        for clusters, size in SHAPES:
            shown = (
                f"{count / DRAWS:.1%}"
                for counted in measured(case, clusters, size)
                for count in (counted.held, counted.passed)
            )
            print(f"| {case.name} | {clusters} × {size} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
