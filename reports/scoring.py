"""Scores and differences of an evaluation run as figures."""

from aftertune.values.evaluation import Difference, EvaluationRun, Score
from reports.document import Figure


def score_figure(score: Score | None, run: EvaluationRun) -> Figure:
    """None: the run has no such score."""
    if score is None:
        return Figure(value=None, missing="not in this run")
    if score.estimate is None:
        why = score.detail or "no sample could be measured"
        return Figure(value=None, n=score.n, unmeasured=score.unmeasured, signature=_signed(run), missing=why)
    return Figure(
        value=score.estimate,
        n=score.n,
        unmeasured=score.unmeasured,
        low=score.low,
        high=score.high,
        confidence=score.confidence,
        method=score.method,
        signature=_signed(run),
    )


def difference_figure(difference: Difference | None, run: EvaluationRun) -> Figure:
    """None: the run made no such comparison."""
    if difference is None:
        return Figure(value=None, missing="not compared")
    return Figure(
        value=difference.estimate,
        n=difference.n,
        unmeasured=difference.unmeasured,
        low=difference.low,
        high=difference.high,
        confidence=difference.confidence,
        method=difference.method,
        signature=_signed(run),
        missing="" if difference.estimate is not None else "no pair was measured on both sides",
    )


def _signed(run: EvaluationRun) -> str:
    return run.signature.digest() if run.signature else ""
