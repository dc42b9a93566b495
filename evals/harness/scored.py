"""From what was answered and judged to a sample's result: pure, so that a stored run scores again to the same bytes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from aftertune.values.evaluation import Answer, Judgement, SampleResult
from evals.judging.unheard import unheard
from evals.scorers.scorer import Given, Scorer, Scores
from evals.suite.card import Truncated
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.suite import Suite

CUT_OFF = "length"
"""The finish reason of an answer that met the limit of tokens."""


class Scored(NamedTuple):
    """Scores, the statistics of aggregate metrics, and why something is unmeasured; empty when nothing is."""

    scores: dict[str, float | None]
    statistics: dict[str, tuple[float, ...] | None]
    error: str


def sample_result(
    suite: Suite,
    run: str,
    release: str,
    sample: Sample,
    answers: Sequence[Answer],
    judgements: Sequence[Judgement] = (),
    *,
    error: str = "",
    latency_s: float | None = None,
) -> SampleResult:
    """`error` is why there is no answer; where there are answers, it is found anew."""
    scored = score(suite, sample, answers, judgements)
    return SampleResult(
        run=run,
        sample=sample.id,
        release=release,
        answers=tuple(answers),
        judgements=tuple(judgements),
        scores=scored.scores,
        statistics=scored.statistics,
        error=scored.error if answers else error,
        latency_s=latency_s,
    )


def score(suite: Suite, sample: Sample, answers: Sequence[Answer], judgements: Sequence[Judgement]) -> Scored:
    """What a scorer cannot say is unmeasured: without an answer, when it raises, or when it says no number of its metric."""
    cut_off = [index for index, answer in enumerate(answers, 1) if is_cut_off(answer)]
    if cut_off and suite.card.ask.truncated is Truncated.UNMEASURED:
        reason = f"answer {cut_off[0]} of {len(answers)} was cut off at {suite.card.ask.max_tokens} tokens"
        return _unmeasured(suite, sample, reason)
    given = Given(tuple(answers), tuple(judgements), suite.tools_for(sample))
    scored = Scored({}, {}, "")
    reasons = []
    for scorer in suite.scorers:
        metrics = {metric.name: metric for metric in scorer.counts(sample)}
        if not metrics:
            continue
        found, failed = _found(scorer, sample, given)
        reasons += [failed] if failed else []
        for name, metric in metrics.items():
            if name not in found:
                continue
            value = found[name]
            if fault := _fault(metric, value):
                reasons.append(f"{name}: {fault}")
            if metric.kind is Kind.AGGREGATE:
                scored.statistics[name] = None if fault or not isinstance(value, tuple) else value
            else:
                scored.scores[name] = None if fault or isinstance(value, tuple) else value
    return scored._replace(error=reasons[0] if reasons else unheard(judgements))


def is_cut_off(answer: Answer) -> bool:
    return answer.finish == CUT_OFF


def _unmeasured(suite: Suite, sample: Sample, reason: str) -> Scored:
    expected = suite.expects(sample)
    return Scored(
        {metric.name: None for metric in expected if metric.kind is not Kind.AGGREGATE},
        {metric.name: None for metric in expected if metric.kind is Kind.AGGREGATE},
        reason,
    )


def _found(scorer: Scorer, sample: Sample, given: Given) -> tuple[Scores, str]:
    try:
        return dict(scorer.score(sample, given)), ""
    except Exception as error:  # noqa: BLE001  (a scorer may be a suite's own: whatever it does, nothing was measured)
        lost = dict.fromkeys((metric.name for metric in scorer.expects(sample)), None)
        return lost, f"{scorer.name} failed: {type(error).__name__}: {error}"[:500]


def _fault(metric: Metric, value: object) -> str:
    if value is None:
        return ""
    if metric.kind is Kind.AGGREGATE:
        row = value if isinstance(value, tuple) else ()
        return "" if row and all(map(_is_number, row)) else "the scorer gave no row of numbers"
    if not isinstance(value, int | float) or not _is_number(value):
        return f"the scorer gave {_shown(value)}, which is no number"[:200]
    if (metric.low is not None and value < metric.low) or (metric.high is not None and value > metric.high):
        return f"the scorer gave {value:g}, outside {metric.low} to {metric.high}"
    return ""


def _is_number(value: object) -> bool:
    """One that a float holds."""
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  (a value of a suite's own, or an integer with too many digits to write)
        return f"a {type(value).__name__}"
