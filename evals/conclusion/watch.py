"""Nightly runs of one suite on one release: has something fallen that nobody changed? Pure.

Every look is bounded by `aftertune.stats.change` and spends its share of one error rate (`look_level`), split evenly
over the watched metrics and the comparisons made, so a suite that did not change alarms within a year with at most
that chance, all its metrics together. docs/statistics.md states the assumptions.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, isnan, nan
from statistics import NormalDist
from typing import NamedTuple, Self

import numpy as np

from aftertune.stats.change import Change, Repeats, Scores
from aftertune.stats.sequential import look_level, normal_mixture
from aftertune.values.evaluation import Better, EvaluationRun, SampleResult, Signature
from aftertune.values.watch import Alarm, Outcome, Reading, Shift
from evals.conclusion.slices import Slice, slices
from evals.conclusion.unmeasured import MOST_UNMEASURED
from evals.suite.metric import Kind
from evals.suite.suite import Suite

FALSE_ALARMS = 0.05
"""The chance that a suite that does not change ever alarms within a year."""

CONFIDENCE = 0.95
"""Of the interval since the reference, at all nights together."""

YOUNG = 8
"""Nights: until then the last two and three are taken together as well, because one alone has little to be held against."""


class Watched(NamedTuple):
    metric: str
    better: Better = Better.HIGHER

    @classmethod
    def of(cls, cut: Slice) -> Self:
        return cls(cut.name, cut.metric.better)


class Night(NamedTuple):
    """One run. `scores`: metric → sample → score, None where unmeasured; empty when the run measured nothing."""

    run: str
    signature: Signature | None
    scores: Mapping[str, Mapping[str, float | None]]


def gated(suite: Suite) -> tuple[Slice, ...]:
    """The metrics of gates and budgets that give each sample a number of its own; an aggregate has none to compare.

    Of a budget the whole is watched: its skills share the samples, and each would make every look a weaker one.
    """
    names = {gate.metric for gate in suite.card.gates}
    if suite.card.budget is not None:
        names.add(suite.card.budget.metric)
    return tuple(
        cut
        for cut in slices(suite)
        if cut.name in names and cut.metric.kind is not Kind.AGGREGATE and not cut.metric.reached
    )


def night_of(run: EvaluationRun, cuts: Sequence[Slice], results: Sequence[SampleResult]) -> Night:
    """The scores of the run's own release; baselines' are left out."""
    ours = {result.sample: result for result in results if result.release == run.release}
    scores: dict[str, dict[str, float | None]] = {}
    for cut in cuts:
        side = cut.side(ours)
        scores[cut.name] = {
            **{sample: found.row[0] for sample, found in side.measured.items()},
            **dict.fromkeys(side.unmeasured),
        }
    return Night(run.id, run.signature, scores)


def look(nights: Sequence[Night], metrics: Sequence[Watched], alpha: float = FALSE_ALARMS) -> Reading:
    """`nights`: one suite on one deployment, the earliest first, the reference (the registration's run) among them.

    The reference is the first measured night with the newest signature: another suite, data set, scorer, seed,
    decoding, release or weights starts anew. Versions of libraries do not: what an upgrade breaks is to be found. A
    missed or unmeasured night spends nothing and renews nothing.
    """
    if not nights or not metrics:
        raise ValueError("a watch needs a night and a metric")
    since = _since_the_last_change(nights)
    samples = {
        each.metric: sorted({sample for one in since for sample in one.scores.get(each.metric, {})})
        for each in metrics
    }
    measured = [each for each in since if _is_measured(each, samples)]
    newest = nights[-1]
    watched = tuple(each.metric for each in metrics)
    if not measured:
        why = _why(newest, samples)
        return Reading(outcome=Outcome.NOT_MEASURED, run=newest.run, metrics=watched, reason=why)
    found = _follow(measured, samples, metrics, alpha)
    if measured[-1] is newest:
        return found
    return found.model_copy(
        update={"outcome": Outcome.NOT_MEASURED, "run": newest.run, "reason": _why(newest, samples)}
    )


class Finding(NamedTuple):
    """A fall of the last `nights` nights: the chance that it is none is at most `bound`, and `level` was allowed."""

    change: Change
    nights: int
    bound: float
    level: float


class Watch:
    """One metric of one suite: a row of scores a night, the same samples in the same places."""

    def __init__(self, reference: Scores) -> None:
        self._repeats = Repeats(reference)

    def observe(self, scores: Scores, alpha: float) -> Finding | None:
        """The first comparison that finds a fall; None when the night is quiet.

        Scores rise with quality. `alpha` is this metric's share of the error rate.
        """
        self._repeats.add(scores)
        nights = len(self._repeats) - 1
        compared = _windows(nights)
        level = look_level(nights, alpha) / len(compared)
        for last in compared:
            bound = self._repeats.bound_on_fall(last, level)
            change = self._repeats.change(last) if bound <= level else None
            if change is not None:
                return Finding(change, last, bound, level)
        return None

    def since_reference(self) -> Change | None:
        """All nights against the reference; None when they share no sample."""
        return self._repeats.change(len(self._repeats) - 1)


def _windows(nights: int) -> list[int]:
    """How many of the last nights are held against all before: the newest, all since the reference, and few between."""
    few = (1, 2, 3) if nights <= YOUNG else (1,)
    return sorted({*(last for last in few if last <= nights), nights})


def _follow(
    measured: Sequence[Night],
    samples: Mapping[str, Sequence[str]],
    metrics: Sequence[Watched],
    alpha: float,
) -> Reading:
    """From the reference to the newest night, all of them measured."""
    reference, newest = measured[0], measured[-1]
    watches = {each.metric: Watch(_row(reference, each, samples)) for each in metrics}
    alarm: Alarm | None = None
    for one in measured[1:]:
        for each in metrics:
            found = watches[each.metric].observe(_row(one, each, samples), alpha / len(metrics))
            if found is not None and alarm is None:
                alarm = _alarm(each, one.run, found)
    nights = len(measured) - 1
    shifts = tuple(shift for each in metrics if (shift := _shift(each, watches[each.metric], nights)))
    outcome = Outcome.ALARM if alarm else Outcome.QUIET if nights else Outcome.REFERENCE
    return Reading(
        outcome=outcome,
        run=newest.run,
        reference=reference.run,
        nights=nights,
        metrics=tuple(each.metric for each in metrics),
        shifts=shifts,
        alarm=alarm,
        reason=_in_words(outcome, alarm, nights, reference.run),
    )


def _alarm(watched: Watched, run: str, found: Finding) -> Alarm:
    change, sign = found.change, 1.0 if watched.better is Better.HIGHER else -1.0
    half = None
    if change.standard_error is not None:
        half = NormalDist().inv_cdf(1 - found.level / 2) * change.standard_error
    estimate = sign * change.estimate
    return Alarm(
        metric=watched.metric,
        run=run,
        nights=found.nights,
        n=change.n,
        estimate=estimate,
        low=None if half is None else estimate - half,
        high=None if half is None else estimate + half,
        bound=found.bound,
        level=found.level,
    )


def _shift(watched: Watched, watch: Watch, nights: int) -> Shift | None:
    change = watch.since_reference() if nights else None
    if change is None:
        return None
    estimate = change.estimate if watched.better is Better.HIGHER else -change.estimate
    low = high = None
    if change.standard_error is not None:
        # The variance falls as 1 + 1/nights, the reference being one night: the first night's is the widest.
        information = change.standard_error**-2
        half = normal_mixture(information, information * (1 + 1 / nights) / 2, CONFIDENCE)
        low, high = estimate - half, estimate + half
    return Shift(metric=watched.metric, n=change.n, estimate=estimate, low=low, high=high)


def _since_the_last_change(nights: Sequence[Night]) -> list[Night]:
    """The newest nights with one signature; a night without one, which measured nothing, changes nothing."""
    current: tuple[object, ...] | None = None
    since: list[Night] = []
    for each in nights:
        identity = _identity(each.signature)
        if identity is not None and identity != current:
            current, since = identity, []
        since.append(each)
    return since


def _identity(signature: Signature | None) -> tuple[object, ...] | None:
    if signature is None:
        return None
    return (
        signature.suite,
        signature.suite_version,
        signature.dataset,
        sorted(signature.scorers.items()),
        signature.release,
        signature.weights,
        signature.seed,
        sorted(signature.decoding.items()),
    )


def _is_measured(night: Night, samples: Mapping[str, Sequence[str]]) -> bool:
    return all(
        bool(known) and _unmeasured(night, metric, known) <= MOST_UNMEASURED * len(known)
        for metric, known in samples.items()
    )


def _unmeasured(night: Night, metric: str, known: Sequence[str]) -> int:
    return sum(isnan(_score(night, metric, sample)) for sample in known)


def _score(night: Night, metric: str, sample: str) -> float:
    """NaN where there is none, or none that can be compared."""
    found = night.scores.get(metric, {}).get(sample)
    return found if found is not None and isfinite(found) else nan


def _why(night: Night, samples: Mapping[str, Sequence[str]]) -> str:
    if not any(night.scores.values()):
        return "The night's run measured nothing: it says neither that all is well nor that it is not."
    missing = "; ".join(
        f"{metric}: {_unmeasured(night, metric, known)} of {len(known)} samples unmeasured"
        for metric, known in samples.items()
    )
    return (
        f"Too little was measured for a comparison: more than {MOST_UNMEASURED:.0%} is missing ({missing})."
    )


def _row(night: Night, watched: Watched, samples: Mapping[str, Sequence[str]]) -> Scores:
    """So that more is better."""
    sign = 1.0 if watched.better is Better.HIGHER else -1.0
    return sign * np.array([_score(night, watched.metric, sample) for sample in samples[watched.metric]])


def _in_words(outcome: Outcome, alarm: Alarm | None, nights: int, reference: str) -> str:
    if alarm is not None:
        return (
            f"{alarm.metric} changed by {alarm.estimate:+.3f} on {alarm.n} samples over {alarm.nights} "
            f"night{'s' if alarm.nights > 1 else ''} up to run {alarm.run}; if nothing changed, the chance of that is "
            f"at most {alarm.bound:.1e}. Compare the samples that flipped, then look for what changed beside the "
            "release: engine, template, quantisation, tools, judge."
        )
    if outcome is Outcome.REFERENCE:
        return "The first measured night with this signature: the later ones are held against it."
    return f"{nights} nights since {reference}: nothing below what chance explains."
