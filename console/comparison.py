"""Two runs of one suite that somebody chose, sample by sample.

The console knows samples' scores, not which samples belong together: where they come in groups, or where a number exists
for all samples only, it shows the difference of the two estimates without an interval.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Annotated

from fastapi import Query

from aftertune.errors import Conflict
from aftertune.identity import Permission
from aftertune.stats.clustered import clustered_mean
from aftertune.stats.mcnemar import mcnemar_midp
from aftertune.stats.paired import paired_difference, smallest_detectable_difference
from aftertune.stats.paired_mean import PairedMean, paired_mean
from aftertune.stats.power import smallest_detectable
from aftertune.stats.tails import t_tail
from aftertune.store import Transaction
from aftertune.values.evaluation import Better, Difference, EvaluationRun, Score
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.concealment import run_for
from console.regression import Regression, regression

router = guarded_router("evaluations")

SAME = ("suite", "suite_version", "dataset", "seed")
"""Of a signature: where these differ, the samples are not the same questions."""

WAYS = ("scorers", "endpoint", "decoding", "judging", "versions")
"""Of a signature: where these differ, a difference may come from the way it was measured."""

GROUPED = "none: the samples come in groups, or the number is of all samples; use aftertune evals compare"

RunName = Annotated[str, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Scores = Mapping[str, Mapping[str, float | None]]
"""Sample → metric → score."""


class Comparison(Value):
    """`release` is the run looked at, `baseline` the one it is held against; `ways`: in which ways they were asked apart."""

    release: EvaluationRun
    baseline: EvaluationRun
    ways: tuple[str, ...]
    found: Regression


@router.get("/v1/comparisons", dependencies=[needs(Permission.READ)])
def get_comparison(run: RunName, with_run: RunName, context: ContextOf, caller: CallerOf) -> Comparison:
    """Run − with_run, sample by sample. Refused when they did not ask the same samples of the same suite."""
    with context.store.read() as tx:
        return comparison_for(tx, caller, run, with_run)


def comparison_for(tx: Transaction, caller: Caller, run: str, with_run: str) -> Comparison:
    """Raises NotFound, Conflict."""
    release, baseline = (run_for(caller, tx.evaluations.get(each)) for each in (run, with_run))
    require_comparable(release, baseline)
    differences = tuple(
        compared(
            release,
            baseline,
            tx.evaluations.scores(release.id, release.release),
            tx.evaluations.scores(baseline.id, baseline.release),
        )
    )
    ours, theirs = release.signature, baseline.signature
    return Comparison(
        release=release,
        baseline=baseline,
        ways=tuple(name for name in WAYS if getattr(ours, name) != getattr(theirs, name)),
        found=regression(release.model_copy(update={"differences": differences, "gates": ()})),
    )


def require_comparable(release: EvaluationRun, baseline: EvaluationRun) -> None:
    """Raises Conflict that says what differs."""
    for run in (release, baseline):
        if run.signature is None or not run.scores:
            raise Conflict(f"The run {run.id} measured nothing.", "Compare runs that ended with scores.")
    changed = [
        f"{name.replace('_', ' ')}: {getattr(release.signature, name)} and {getattr(baseline.signature, name)}"
        for name in SAME
        if getattr(release.signature, name) != getattr(baseline.signature, name)
    ]
    if changed:
        raise Conflict(
            f"The runs {release.id} and {baseline.id} measured different things ({'; '.join(changed)}).",
            "Run the suite as it is now on both releases.",
        )


def compared(
    release: EvaluationRun, baseline: EvaluationRun, ours: Scores, theirs: Scores
) -> Iterator[Difference]:
    """Of every metric that both runs have and that all answers have; single tasks are left out."""
    before = {score.metric: score for score in baseline.scores}
    both = [sample for sample in ours if sample in theirs]
    for score in release.scores:
        name = score.metric
        if name not in before or "/" in name:
            continue
        if any((name in ours[sample]) != (name in theirs[sample]) for sample in both):
            continue  # only answers that came so far have it
        counted = [sample for sample in both if name in ours[sample]]
        measured = {
            sample: us - them
            for sample in counted
            if (us := ours[sample][name]) is not None and (them := theirs[sample][name]) is not None
        }
        whole = all(ours[s][name] in (0.0, 1.0) and theirs[s][name] in (0.0, 1.0) for s in measured)
        alone = score.clusters is None and before[name].clusters is None and bool(measured)
        found = (
            _difference(score, baseline, measured, _width(score, before[name]), shares=whole)
            if alone
            else _of_estimates(score, before[name], baseline, measured)
        )
        yield found.model_copy(update={"unmeasured": len(counted) - len(measured)})


def _difference(
    score: Score, baseline: EvaluationRun, gains: Mapping[str, float], width: float | None, *, shares: bool
) -> Difference:
    n, worse, better = len(gains), *_flipped(score, gains)
    known = {
        "metric": score.metric,
        "baseline": baseline.release,
        "better": score.better,
        "n": n,
        "flipped_down": worse,
        "flipped_up": better,
    }
    up, down = sum(g > 0 for g in gains.values()), sum(g < 0 for g in gains.values())
    if shares:
        low, high = paired_difference(up, down, n)
        return Difference(
            **known,
            estimate=(up - down) / n,
            low=low,
            high=high,
            smallest_detectable=smallest_detectable_difference(up + down, n),
            p=mcnemar_midp(up, down),
            method="Tango score interval for paired proportions",
        )
    paired = _paired(list(gains.values()), width)
    if paired is not None and width is not None:
        low, high = paired.interval()
        return Difference(
            **known,
            estimate=fmean(gains.values()),
            low=width * low,
            high=width * high,
            smallest_detectable=smallest_detectable(width * paired.standard_error),
            p=paired.p_value(),
            method="Tango score interval, effective size, Student's t on means",
        )
    found = clustered_mean(list(gains.values()))
    error = found.standard_error
    return Difference(
        **known,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        smallest_detectable=smallest_detectable(error) if error else None,
        p=2 * t_tail(abs(found.estimate) / error, n - 1) if error else None,
        method="Student's t on means" if error else "none: all alike",
    )


def _width(score: Score, before: Score) -> float | None:
    """How far a sample's scores lie apart at most; None where the runs do not say the same."""
    return score.ends[1] - score.ends[0] if score.ends and score.ends == before.ends else None


def _paired(gains: Sequence[float], width: float | None) -> PairedMean | None:
    return None if width is None else paired_mean(gains, None, width)


def _of_estimates(
    score: Score, before: Score, baseline: EvaluationRun, gains: Mapping[str, float]
) -> Difference:
    worse, better = _flipped(score, gains)
    estimate = None
    if score.estimate is not None and before.estimate is not None:
        estimate = score.estimate - before.estimate
    return Difference(
        metric=score.metric,
        baseline=baseline.release,
        better=score.better,
        n=len(gains) or min(score.n, before.n),
        estimate=estimate,
        low=None,
        high=None,
        smallest_detectable=None,
        method=GROUPED,
        flipped_down=worse,
        flipped_up=better,
    )


def _flipped(score: Score, gains: Mapping[str, float]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Samples on which the release is worse, and better, the most first."""
    sign = 1 if score.better is Better.HIGHER else -1
    ordered: Sequence[str] = sorted(gains, key=lambda sample: (-abs(gains[sample]), sample))
    return (
        tuple(s for s in ordered if sign * gains[s] < 0),
        tuple(s for s in ordered if sign * gains[s] > 0),
    )
