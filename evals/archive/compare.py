"""Two runs of one suite, sample by sample: differences with their intervals, and p-values held to account together."""

from collections.abc import Sequence
from typing import NamedTuple

from aftertune.errors import BadInput
from aftertune.stats.multiplicity import holm
from aftertune.values.evaluation import Difference
from evals.archive.rescore import suite_of
from evals.archive.run_file import RunFile
from evals.conclusion.conclude import differences, of_release
from evals.suite.suite import Suite

SUITE_FIELDS = ("suite", "suite_version", "dataset", "seed")
"""Of a signature: where these differ, the samples are not the same question."""

WAY_FIELDS = ("scorers", "endpoint", "decoding", "judging", "versions")
"""Of a signature: where these differ, a difference may come from the way it was measured."""


class Compared(NamedTuple):
    """`p` is two-sided, of no difference; `adjusted` holds the chance of any false finding over all metrics to its level.

    Both are None where nothing was measured.
    """

    difference: Difference
    p: float | None
    adjusted: float | None


class Comparison(NamedTuple):
    """`ways`: in which fields of their signatures the runs differ besides release and weights."""

    first: str
    second: str
    rows: tuple[Compared, ...]
    ways: tuple[str, ...]


def comparable(first: RunFile, second: RunFile) -> None:
    """Raises BadInput when the runs did not ask the same samples in the same suite."""
    ours, theirs = first.run.signature, second.run.signature
    if ours is None or theirs is None:
        unsigned = first.run.id if ours is None else second.run.id
        raise BadInput(f"Run {unsigned} was not measured: there is nothing to compare.")
    changed = [
        f"{name}: {getattr(ours, name)} and {getattr(theirs, name)}"
        for name in SUITE_FIELDS
        if getattr(ours, name) != getattr(theirs, name)
    ]
    if changed:
        raise BadInput(
            f"Runs {first.run.id} and {second.run.id} measured different things ({'; '.join(changed)}).",
            "Run the suite as it is now on both releases.",
        )


def compared(first: RunFile, second: RunFile, suite: Suite) -> Comparison:
    """The first run's release − the second's, on the samples that both were asked. Pure. Raises BadInput."""
    comparable(first, second)
    suite_of(first.run, {suite.card.name: suite})
    ours = of_release(first.results, first.run.release)
    theirs = of_release(second.results, second.run.release)
    found = list(differences(suite, second.run.release, ours, theirs))
    p = [each.p for each in found]
    return Comparison(
        f"{first.run.release} ({first.run.id})",
        f"{second.run.release} ({second.run.id})",
        tuple(Compared(*row) for row in zip(found, p, _adjusted(p), strict=True)),
        _ways(first, second),
    )


def _adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    known = iter(holm([p for p in p_values if p is not None]) if any(p is not None for p in p_values) else ())
    return [None if p is None else next(known) for p in p_values]


def _ways(first: RunFile, second: RunFile) -> tuple[str, ...]:
    ours, theirs = first.run.signature, second.run.signature
    return tuple(name for name in WAY_FIELDS if getattr(ours, name) != getattr(theirs, name))
