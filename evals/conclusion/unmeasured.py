"""When a sample, and when a whole run, counts as not measured."""

from collections import Counter
from collections.abc import Iterable

from aftertune.values.evaluation import SampleResult, Unmeasured

MOST_UNMEASURED = 0.05
"""Share of samples: with more of them unmeasured a run measures nothing."""


def is_unanswered(result: SampleResult) -> bool:
    """No metric of it was measured."""
    return all(value is None for value in (*result.scores.values(), *result.statistics.values()))


def unmeasured_reasons(results: Iterable[SampleResult]) -> tuple[Unmeasured, ...]:
    """Why samples lack a number, the most samples first."""
    counted = Counter((result.release, result.error) for result in results if result.error)
    ordered = sorted(counted.items(), key=lambda found: (-found[1], found[0]))
    return tuple(
        Unmeasured(release=release, reason=reason, samples=samples) for (release, reason), samples in ordered
    )
