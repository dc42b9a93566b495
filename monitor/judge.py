"""The judge: values in, a verdict out. It reads no clock, no database and no setting.

Comparisons are paired and anytime-valid: each holds at confidence 1 − alpha/k over all looks, k comparisons sharing
the plan's alpha. Guardrails bet against "the rate of bad answers is at most the limit", each with its own alpha.
A comparison fails when its whole interval is beyond the margin and passes when it is inside; each needs the plan's
number of pairs.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import rfc8785

from aftertune.stats.betting import confidence_sequence, evidence_above
from aftertune.stats.interval import Interval
from aftertune.store.exchanges import ScoredAnswer
from aftertune.values.pair import Pair
from aftertune.values.plan import (
    COMPARISON,
    Comparison,
    Guardrail,
    GuardrailMetric,
    PairMetric,
    Plan,
    ShadowStage,
)
from aftertune.values.rollout import Rollout, Stage
from aftertune.values.verdict import Measurement, Outcome, Verdict

JUDGE_VERSION = "1"
GUARDRAIL = "guardrail"

_WORST_FIRST = (Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.PASS)


def judge(
    plan: Plan, rollout: Rollout, pairs: Sequence[Pair], canary_answers: Sequence[ScoredAnswer], at: datetime
) -> Verdict:
    """The worst vote decides: fail, error, inconclusive, pass. Without any vote nothing was measured: inconclusive.

    `pairs` and `canary_answers` come in the order in which they ended. Guardrails vote in the canary stage only:
    before it nobody was answered by the candidate. Waived comparisons are measured but do not vote.
    """
    comparisons = [_comparison(c, plan, rollout, pairs) for c in plan.comparisons]
    in_canary = rollout.stage is Stage.CANARY
    guardrails = [_guardrail(g, canary_answers) for g in plan.guardrails] if in_canary else []
    waived = is_waived(rollout)
    votes = {m.outcome for m in (guardrails if waived else [*comparisons, *guardrails])}
    return Verdict(
        outcome=next((outcome for outcome in _WORST_FIRST if outcome in votes), Outcome.INCONCLUSIVE),
        rollout=rollout.id,
        stage=rollout.stage,
        release=rollout.candidate,
        baseline=rollout.baseline,
        measurements=(*comparisons, *guardrails),
        waived=tuple(f"{m.check} {m.metric}" for m in comparisons) if waived else (),
        plan=plan.digest(),
        evidence=_digest(pairs, canary_answers if in_canary else ()),
        judge_version=JUDGE_VERSION,
        at=at,
    )


def is_waived(rollout: Rollout) -> bool:
    """Somebody waived the rollout's comparison by name."""
    return any(override.check == COMPARISON for override in rollout.overrides)


def _comparison(comparison: Comparison, plan: Plan, rollout: Rollout, pairs: Sequence[Pair]) -> Measurement:
    alpha = plan.alpha / len(plan.comparisons)
    if fault := _unusable(rollout, pairs):
        return _unmeasured(COMPARISON, comparison.metric, Outcome.ERROR, _bound(comparison), alpha, fault)
    bound, compared = _bound(comparison), _compared(comparison.metric, pairs)
    n = len(compared.values)
    if n == 0:
        return _nothing(COMPARISON, comparison.metric, bound, alpha, compared.nothing)
    span = 1 - compared.least
    unit = confidence_sequence([(value - compared.least) / span for value in compared.values], alpha)
    interval = Interval(compared.least + span * unit.low, compared.least + span * unit.high)
    estimate = sum(compared.values) / n
    outcome = _place(interval, bound, n, plan.shadow)
    margin = f"margin {comparison.margin:g}"
    said = {
        Outcome.PASS: f"worse by less than the {margin}",
        Outcome.FAIL: f"worse by more than the {margin}",
        Outcome.INCONCLUSIVE: _undecided(n, plan.shadow.min_pairs, margin),
    }[outcome]
    return Measurement(
        check=COMPARISON,
        metric=comparison.metric,
        outcome=outcome,
        n=n,
        estimate=estimate,
        low=interval.low,
        high=interval.high,
        limit=bound,
        alpha=alpha,
        reason=f"{compared.what}: {_shown(estimate, interval)} over {n} pairs; {said}.",
    )


class _Compared(NamedTuple):
    """The numbers of a comparison, each in [least, 1], and its words."""

    what: str
    values: Sequence[float]
    least: float
    nothing: str


def _compared(metric: PairMetric, pairs: Sequence[Pair]) -> _Compared:
    match metric:
        case PairMetric.VALID_ANSWER:
            differences = [pair.candidate.valid_answer - pair.stable.valid_answer for pair in pairs]
            return _Compared(
                "valid answers, candidate − stable", differences, -1.0, "no pair is complete yet"
            )
        case PairMetric.AGREEMENT:
            # Where stable gave no whole answer there is nothing to agree with.
            agreements = [pair.agreement for pair in pairs if pair.stable.completed == 1.0]
            nothing = "no pair has a whole answer of stable yet"
            return _Compared("agreement with stable", agreements, 0.0, nothing)


def _bound(comparison: Comparison) -> float:
    """What the comparison's interval must stay above."""
    zero = {PairMetric.VALID_ANSWER: 0.0, PairMetric.AGREEMENT: 1.0}
    return zero[comparison.metric] - comparison.margin


def _place(interval: Interval, bound: float, n: int, needed: ShadowStage) -> Outcome:
    if interval.high < bound and n >= needed.min_pairs_to_fail:
        return Outcome.FAIL
    if interval.low > bound and n >= needed.min_pairs:
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def _guardrail(guardrail: Guardrail, answers: Sequence[ScoredAnswer]) -> Measurement:
    """Fails once the evidence that the rate exceeds the limit reaches 1/alpha, passes at a rate within the limit.

    Both need enough answers. A rate that is over the limit but may be so by chance never passes.
    """
    if not answers:
        return _nothing(
            GUARDRAIL, guardrail.metric, guardrail.limit, guardrail.alpha, "no user was answered yet"
        )
    bad = [badness(guardrail.metric, answer) for answer in answers]
    n, rate = len(bad), sum(bad) / len(bad)
    interval = confidence_sequence(bad, guardrail.alpha)
    evidence = evidence_above(bad, guardrail.limit)
    if n < guardrail.min_answers:
        outcome, said = Outcome.INCONCLUSIVE, f"{guardrail.min_answers} answers are needed"
    elif evidence >= 1 / guardrail.alpha:
        outcome, said = Outcome.FAIL, f"above the limit {guardrail.limit:g} (evidence {evidence:.3g})"
    elif rate > guardrail.limit:
        outcome, said = Outcome.INCONCLUSIVE, f"over the limit {guardrail.limit:g}, which may be chance"
    else:
        outcome, said = Outcome.PASS, f"within the limit {guardrail.limit:g}"
    name = guardrail.metric.replace("_", " ")
    return Measurement(
        check=GUARDRAIL,
        metric=guardrail.metric,
        outcome=outcome,
        n=n,
        estimate=rate,
        low=interval.low,
        high=interval.high,
        limit=guardrail.limit,
        alpha=guardrail.alpha,
        reason=f"rate of {name}: {_shown(rate, interval)} over {n} answers to users; {said}.",
    )


def badness(metric: GuardrailMetric, answer: ScoredAnswer) -> float:
    """How bad an answer is by a guardrail's metric, in [0, 1]."""
    good = {
        GuardrailMetric.ERRORS: answer.scores.completed,
        GuardrailMetric.INVALID_ANSWERS: answer.scores.valid_answer,
    }
    return 1.0 - good[metric]


def _unusable(rollout: Rollout, pairs: Sequence[Pair]) -> str:
    expected = (rollout.deployment, rollout.baseline, rollout.candidate)
    for pair in pairs:
        if (pair.deployment, pair.stable_release, pair.candidate_release) != expected:
            return f"pair {pair.pair_id} compares other releases than {rollout.baseline} and {rollout.candidate}."
    if len({pair.pair_id for pair in pairs}) < len(pairs):
        return "a pair is counted twice."
    return ""


def _nothing(check: str, metric: str, limit: float, alpha: float, why: str) -> Measurement:
    reason = f"{metric.replace('_', ' ')}: nothing measured, {why}."
    return _unmeasured(check, metric, Outcome.INCONCLUSIVE, limit, alpha, reason)


def _unmeasured(
    check: str, metric: str, outcome: Outcome, limit: float, alpha: float, reason: str
) -> Measurement:
    return Measurement(
        check=check,
        metric=metric,
        outcome=outcome,
        n=0,
        estimate=None,
        low=None,
        high=None,
        limit=limit,
        alpha=alpha,
        reason=reason,
    )


def _undecided(n: int, min_n: int, against: str) -> str:
    return f"{min_n} pairs are needed" if n < min_n else f"the {against} lies inside"


def _shown(estimate: float, interval: Interval) -> str:
    return f"{estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]".replace("-", "−")


def _digest(pairs: Sequence[Pair], answers: Sequence[ScoredAnswer]) -> str:
    """SHA-256 over exactly the ids and numbers that were judged, in order."""
    judged: dict[str, Any] = {
        "pairs": [
            [p.pair_id, p.stable.completed, p.stable.valid_answer, p.candidate.valid_answer, p.agreement]
            for p in pairs
        ],
        "answers": [[a.exchange_id, a.scores.completed, a.scores.valid_answer] for a in answers],
    }
    return hashlib.sha256(rfc8785.dumps(judged)).hexdigest()
