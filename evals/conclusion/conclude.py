"""From answers to scores, differences, gates and the run's end: pure.

What is unmeasured is neither right nor wrong; too much of it is an error, not a failure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from aftertune.values.evaluation import (
    Better,
    Budget,
    Difference,
    Gate,
    RunState,
    SampleResult,
    Score,
    Unmeasured,
)
from evals.conclusion.budget import budgets
from evals.conclusion.estimate import Pair, compare, estimate
from evals.conclusion.gates import gate_on_difference, gate_on_score
from evals.conclusion.significance import p_value
from evals.conclusion.slices import Both, Results, Side, Slice, slices
from evals.conclusion.unmeasured import MOST_UNMEASURED, is_unanswered, unmeasured_reasons
from evals.judging.beside import beside, why_unmeasured
from evals.judging.ceiling import withheld
from evals.suite.card import Role
from evals.suite.metric import Kind, Metric
from evals.suite.suite import Suite

Baselines = Mapping[Role, str]
"""The releases that were compared with, by what they are; a role without a release is absent."""


class Conclusion(NamedTuple):
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    gates: tuple[Gate, ...]
    budgets: tuple[Budget, ...]
    unmeasured: tuple[Unmeasured, ...]
    state: RunState
    reason: str


def conclude(suite: Suite, release: str, baselines: Baselines, results: Sequence[SampleResult]) -> Conclusion:
    """`results` are those of all releases, in any order."""
    ours = of_release(results, release)
    gates = tuple(_gates(suite, baselines, ours, results))
    scores = tuple(_score(suite, cut, ours) for cut in slices(suite))
    theirs = {baseline: of_release(results, baseline) for baseline in baselines.values()}
    compared = tuple(
        difference
        for baseline, answered in theirs.items()
        for difference in differences(suite, baseline, ours, answered)
    )
    state, reason = _end(suite, baselines, results, gates)
    kept = tuple(budgets(suite, compared, ours, theirs))
    return Conclusion(scores, compared, gates, kept, unmeasured_reasons(results), state, reason)


def of_release(results: Sequence[SampleResult], release: str) -> Results:
    return {result.sample: result for result in results if result.release == release}


def differences(suite: Suite, baseline: str, ours: Results, theirs: Results) -> Iterator[Difference]:
    """Of every metric that all answers have, on the samples that both were asked."""
    for cut in slices(suite):
        if cut.metric.reached:
            continue
        both = cut.both(ours, theirs)
        pairs = list(both.pairs.values())
        found = compare(cut.metric, pairs, seed=suite.card.seed)
        worse, better = _flips(cut.metric, both.pairs)
        yield Difference(
            metric=cut.name,
            baseline=baseline,
            better=cut.metric.better,
            unmeasured=len(both.unmeasured),
            p=p_value(cut.metric, pairs, found),
            flipped_down=worse,
            flipped_up=better,
            **found._asdict(),
        )


def _score(suite: Suite, cut: Slice, results: Results) -> Score:
    side = cut.side(results)
    found = estimate(cut.metric, list(side.measured.values()), seed=suite.card.seed)
    reasons = sorted({_why_unmeasured(cut, results[sample]) for sample in side.unmeasured} - {""})
    why = f" Unmeasured: {reasons[0]}" if reasons else ""
    if found.fault:
        # The detail says it; beside it the method would say it again.
        why, found = f" {found.fault[:1].upper()}{found.fault[1:]}.{why}", found._replace(method="none")
    return Score(
        metric=cut.name,
        scorer=f"{cut.scorer.name} {cut.scorer.version}",
        better=cut.metric.better,
        unmeasured=len(side.unmeasured),
        ends=cut.metric.ends,
        signature=cut.metric.signature,
        detail=f"{cut.metric.meaning}.{why}{_beside(suite, cut, results)}",
        **found._asdict(),
    )


def _flips(metric: Metric, pairs: Mapping[str, Pair]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Samples on which the release is worse, and better, the most first. An aggregate is no number of samples."""
    if metric.kind is Kind.AGGREGATE:
        return (), ()
    sign = 1 if metric.better is Better.HIGHER else -1
    gain = {sample: sign * (pair.ours[0] - pair.theirs[0]) for sample, pair in pairs.items()}
    ordered = sorted(gain, key=lambda sample: (-abs(gain[sample]), sample))
    return tuple(s for s in ordered if gain[s] < 0), tuple(s for s in ordered if gain[s] > 0)


def _gates(
    suite: Suite, baselines: Baselines, ours: Results, results: Sequence[SampleResult]
) -> Iterator[Gate]:
    cuts, seed = {cut.name: cut for cut in slices(suite)}, suite.card.seed
    for card in suite.card.gates:
        cut = cuts[card.metric]
        if not card.bound.of_difference:
            yield _judged(suite, cut, gate_on_score(card, cut, ours, seed=seed), cut.side(ours))
        elif card.baseline in baselines:
            baseline = baselines[card.baseline]
            theirs = of_release(results, baseline)
            gate = gate_on_difference(card, cut, baseline, ours, theirs, seed=seed)
            yield _judged(suite, cut, gate, cut.both(ours, theirs))


def _judged(suite: Suite, cut: Slice, gate: Gate, measured: Side | Both) -> Gate:
    if not cut.scorer.judged:
        return gate
    lost = len(measured.unmeasured)
    return withheld(gate, suite.card.judge, unmeasured=lost, counted=lost + len(measured[0]))


def _why_unmeasured(cut: Slice, result: SampleResult) -> str:
    return why_unmeasured(cut.metric.name, result) if cut.scorer.judged else result.error


def _beside(suite: Suite, cut: Slice, results: Results) -> str:
    if not cut.scorer.judged:
        return ""
    counted = [results[sample] for sample in cut.clusters if sample in results]
    said = beside(cut.metric.name, counted, suite.calibrations)
    return f" {said}" if said else ""


def _end(
    suite: Suite, baselines: Baselines, results: Sequence[SampleResult], gates: Sequence[Gate]
) -> tuple[RunState, str]:
    lost = sorted((each.sample, each.release, each.error) for each in results if is_unanswered(each))
    unmeasured = {sample for sample, _, _ in lost}
    if len(unmeasured) > MOST_UNMEASURED * len(suite.samples):
        return RunState.ERROR, (
            f"At least {len(unmeasured)} of {len(suite.samples)} samples are unmeasured, more than "
            f"{MOST_UNMEASURED:.0%}: {next((why for _, _, why in lost if why), 'nobody said why.')} "
            "Run the suite again once the engine answers."
        )
    if failed := [gate.reason for gate in gates if gate.passed is False]:
        return RunState.FAILED, " ".join(failed)
    if unknown := [gate.reason for gate in gates if gate.passed is None]:
        return RunState.ERROR, " ".join(unknown)
    return RunState.SUCCESSFUL, " ".join((*(gate.reason for gate in gates), *_not_gated(suite, baselines)))


def _not_gated(suite: Suite, baselines: Baselines) -> Iterator[str]:
    for gate in suite.card.gates:
        if gate.bound.of_difference and gate.baseline not in baselines:
            yield f"{gate.in_words()}: there is no such release yet, so nothing was compared."
    if not suite.card.gates:
        yield "The suite has no gates: its numbers are reported only."
