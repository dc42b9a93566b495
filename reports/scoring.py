"""Scores and differences of an evaluation run as figures."""

from aftertune.values.evaluation import Better, Budget, Difference, EvaluationRun, Gate, Score
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
        detectable=score.smallest_detectable,
        clusters=score.clusters,
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
        detectable=difference.smallest_detectable if difference.estimate is not None else None,
        clusters=difference.clusters,
        signature=_signed(run),
        missing="" if difference.estimate is not None else _why_none(difference),
    )


def budget_figure(budget: Budget, run: EvaluationRun) -> Figure:
    """What was spent; the interval's worse end is the most that it can be."""
    return Figure(
        value=budget.spent,
        n=budget.n,
        unmeasured=budget.unmeasured,
        high=budget.spent_at_most,
        detectable=budget.smallest_detectable if budget.spent is not None else None,
        signature=_signed(run),
        missing="" if budget.spent is not None else _why_none(budget),
    )


def tested(gate: Gate, run: EvaluationRun) -> str:
    """The metric, and what a difference is taken from."""
    if not gate.bound.of_difference:
        return gate.metric
    return (
        f"{gate.metric}, difference from {against(run, gate.baseline) if gate.baseline else 'the baseline'}"
    )


def named(measured: Score | Difference) -> str:
    """The metric, and which way it improves where that is not up."""
    return f"{measured.metric} (less is better)" if measured.better is Better.LOWER else measured.metric


def against(run: EvaluationRun, baseline: str) -> str:
    """A baseline with what it was to the run."""
    roles = run.signature.roles if run.signature else {}
    known = [role.replace("_", " ") for role, release in sorted(roles.items()) if release == baseline]
    return f"{baseline} ({' and '.join(known)})" if known else baseline


def _why_none(compared: Difference | Budget) -> str:
    if not compared.n:
        return "no pair was measured on both sides"
    return "there is no number of the samples measured"


def _signed(run: EvaluationRun) -> str:
    return run.signature.digest() if run.signature else ""
