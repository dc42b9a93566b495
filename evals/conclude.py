"""From answers to scores, differences, gates and the run's end: pure. Gates stand on bounds, never on points.

What is unmeasured is neither right nor wrong: a gate is decided only when it would be the same either way.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aftertune.stats.interval import wilson
from aftertune.stats.paired import paired_difference, smallest_detectable_difference
from aftertune.values.evaluation import Bound, Difference, Gate, RunState, SampleResult, Score
from evals.harness import MOST_UNMEASURED, is_unanswered
from evals.judge_model import SCORER as JUDGED
from evals.suite import GateCard, Suite

WILSON = "Wilson score interval"
TANGO = "Tango score interval for paired proportions"


class Conclusion(NamedTuple):
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    gates: tuple[Gate, ...]
    state: RunState
    reason: str


def conclude(suite: Suite, release: str, baseline: str, results: Sequence[SampleResult]) -> Conclusion:
    """`baseline` is empty when there is none. Too much unmeasured is an error, not a failure."""
    ours = {result.sample: result for result in results if result.release == release}
    theirs = {result.sample: result for result in results if result.release == baseline}
    scores = _scores(suite, ours)
    differences = _differences(suite, baseline, ours, theirs) if baseline else ()
    gates = tuple(_gate(gate, scores, differences) for gate in suite.card.gates)
    state, reason = _end(suite, results, gates)
    return Conclusion(scores, differences, gates, state, reason)


def _scores(suite: Suite, results: Mapping[str, SampleResult]) -> tuple[Score, ...]:
    scorer, judged = suite.scorer, suite.card.judged
    scores = [
        _score(metric, f"{scorer.name} {scorer.version}", f"{scorer.meaning(metric)}.", results)
        for metric in scorer.metrics(suite.samples)
    ]
    if judged:
        scores.append(_score(judged.metric, JUDGED, judged.definition, results))
    return tuple(scores)


def _score(metric: str, scorer: str, meaning: str, results: Mapping[str, SampleResult]) -> Score:
    counted = [result for result in results.values() if metric in result.scores]
    measured = [score for result in counted if (score := result.scores[metric]) is not None]
    n, right = len(measured), round(sum(measured))
    low, high = wilson(right, n) if n else (None, None)
    reasons = sorted({result.error for result in counted if result.scores[metric] is None})
    why = f" Unmeasured: {reasons[0]}" if reasons else ""
    return Score(
        metric=metric,
        scorer=scorer,
        n=n,
        unmeasured=len(counted) - n,
        estimate=right / n if n else None,
        low=low,
        high=high,
        method=WILSON,
        detail=f"{meaning}{why}",
    )


def _differences(
    suite: Suite, baseline: str, ours: Mapping[str, SampleResult], theirs: Mapping[str, SampleResult]
) -> tuple[Difference, ...]:
    metrics = dict.fromkeys(metric for sample in suite.samples for metric in suite.scorer.expects(sample))
    return tuple(_difference(metric, baseline, ours, theirs) for metric in metrics)


def _difference(
    metric: str, baseline: str, ours: Mapping[str, SampleResult], theirs: Mapping[str, SampleResult]
) -> Difference:
    """Over the samples that count for the metric; a pair with an unmeasured side is counted, not compared."""
    counted = [sample for sample in ours if metric in ours[sample].scores and sample in theirs]
    pairs = [
        (sample, us, them)
        for sample in counted
        if (us := ours[sample].scores[metric]) is not None
        and (them := theirs[sample].scores.get(metric)) is not None
    ]
    up = tuple(sorted(sample for sample, us, them in pairs if us > them))
    down = tuple(sorted(sample for sample, us, them in pairs if us < them))
    n = len(pairs)
    low, high = paired_difference(len(up), len(down), n) if n else (None, None)
    return Difference(
        metric=metric,
        baseline=baseline,
        n=n,
        unmeasured=len(counted) - n,
        estimate=(len(up) - len(down)) / n if n else None,
        low=low,
        high=high,
        smallest_detectable=smallest_detectable_difference(len(up) + len(down), n) if n else None,
        method=TANGO,
        flipped_down=down,
        flipped_up=up,
    )


def _gate(card: GateCard, scores: Sequence[Score], differences: Sequence[Difference]) -> Gate:
    measured: Sequence[Score | Difference] = scores if card.bound is Bound.SCORE_LOW else differences
    found = next((each for each in measured if each.metric == card.metric), None)
    low = found.low if found else None
    passed = None
    if found is None or low is None or found.estimate is None:
        reason = f"{card.in_words()}: nothing was measured."
    else:
        worst, best = _extremes(found)
        passed = True if worst >= card.limit else False if best < card.limit else None
        verb = {True: "holds", False: "does not hold", None: "is not known"}[passed]
        unsure = f", and {found.unmeasured} unmeasured could turn it" if passed is None else ""
        reason = (
            f"{card.in_words()}: {verb} with {low:.3f} (point {found.estimate:.3f}, n = {found.n}{unsure})."
        )
    return Gate(
        metric=card.metric, bound=card.bound, limit=card.limit, value=low, passed=passed, reason=reason
    )


def _extremes(found: Score | Difference) -> tuple[float, float]:
    """The lower end if everything unmeasured were against the release, and if it were for it."""
    lost, n = found.unmeasured, found.n + found.unmeasured
    if isinstance(found, Score):
        right = round((found.estimate or 0.0) * found.n)
        return wilson(right, n).low, wilson(right + lost, n).low
    up, down = len(found.flipped_up), len(found.flipped_down)
    return paired_difference(up, down + lost, n).low, paired_difference(up + lost, down, n).low


def _end(suite: Suite, results: Sequence[SampleResult], gates: Sequence[Gate]) -> tuple[RunState, str]:
    unmeasured = {result.sample: result.error for result in results if is_unanswered(result)}
    if len(unmeasured) > MOST_UNMEASURED * len(suite.samples):
        return RunState.ERROR, (
            f"At least {len(unmeasured)} of {len(suite.samples)} samples are unmeasured, more than "
            f"{MOST_UNMEASURED:.0%}: {next(iter(unmeasured.values()))} Run the suite again once the engine answers."
        )
    if failed := [gate.reason for gate in gates if gate.passed is False]:
        return RunState.FAILED, " ".join(failed)
    if unknown := [gate.reason for gate in gates if gate.passed is None]:
        return RunState.ERROR, " ".join(unknown)
    return RunState.SUCCESSFUL, " ".join(gate.reason for gate in gates)
