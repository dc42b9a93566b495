"""How much of a judged number is the model's own variation, and how much the judge's.

Where answers are repeated and each is judged more than once, variance between judgements of one answer is the judge's,
and what is left between answers of one sample is the model's: the nested analysis of variance of
`aftertune.stats.consistency.variance_split`, from sums that samples keep.
"""

import numpy as np
from numpy.typing import NDArray

from aftertune.values.evaluation import Better, Judgement
from evals.scorers.consistency.runs import KINDS
from evals.scorers.scorer import Given, Per, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample

ANSWERS = "variance_of_answers"
JUDGE = "variance_of_judge"

Ratings = dict[str, dict[int, list[float]]]
"""By question and answer, one rating for each time that the judge was asked."""


def judge_variance(rows: NDArray[np.float64]) -> float:
    """From one row a sample: squares within answers and their freedom, squares between, their freedom and weight."""
    within, repeats, *_ = rows.sum(axis=0)
    return float(within / repeats) if repeats else float("nan")


def answer_variance(rows: NDArray[np.float64]) -> float:
    """0 where the judge's own noise explains all that was seen."""
    within, repeats, between, freedom, weight = rows.sum(axis=0)
    if not repeats or not weight:
        return float("nan")
    return float(max(0.0, (between - freedom * within / repeats) / weight))


@scorer(
    "consistency.judged",
    version="1",
    kinds=KINDS,
    metrics=(
        Metric(
            ANSWERS,
            "variance of ratings from one answer to the next of the same sample, the judge's own taken off",
            Kind.AGGREGATE,
            better=Better.LOWER,
            aggregate=answer_variance,
            high=None,
        ),
        Metric(
            JUDGE,
            "variance of ratings from one judging to the next of the same answer",
            Kind.AGGREGATE,
            better=Better.LOWER,
            aggregate=judge_variance,
            high=None,
        ),
    ),
    per=Per.SAMPLE,
    judged=True,
)
def judged_consistency(sample: Sample, given: Given) -> Scores:
    """Unmeasured without a judgement that has a value."""
    assert sample.scoring.kind in KINDS
    ratings = _ratings(given.judgements)
    row = tuple(map(sum, zip(*(_sums(answers) for answers in ratings.values()), strict=True)))
    return dict.fromkeys((ANSWERS, JUDGE), row or None)


def _ratings(judgements: tuple[Judgement, ...]) -> Ratings:
    """A rating of an answer sentence by sentence is the mean of its sentences."""
    said: dict[tuple[str, int, int, bool], list[float]] = {}
    for each in judgements:
        if each.value is not None:
            said.setdefault((each.question, each.answer, each.repeat, each.swapped), []).append(each.value)
    ratings: Ratings = {}
    for (question, answer, _, _), values in said.items():
        ratings.setdefault(question, {}).setdefault(answer, []).append(sum(values) / len(values))
    return ratings


def _sums(answers: dict[int, list[float]]) -> tuple[float, ...]:
    rated = [np.asarray(values) for values in answers.values()]
    within = sum(float(((each - each.mean()) ** 2).sum()) for each in rated)
    repeats = float(sum(each.size - 1 for each in rated))
    if len(rated) < 2:
        return within, repeats, 0.0, 0.0, 0.0
    sizes, everything = np.array([each.size for each in rated]), np.concatenate(rated)
    means = np.array([each.mean() for each in rated])
    between = float((sizes * (means - everything.mean()) ** 2).sum())
    weight = everything.size - float((sizes**2).sum()) / everything.size
    return within, repeats, between, float(len(rated) - 1), weight
