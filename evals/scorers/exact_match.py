"""The answer is one of the right texts, blanks at its ends aside. A tool call is never the right text."""

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import ExactMatch

EXACT = "exact"


@scorer(
    "exact_match",
    version="2",
    kinds=("exact_match",),
    metrics=(Metric(EXACT, "of all samples: the answer is the right text"),),
)
def exact_match(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, ExactMatch)
    answer, wanted = given.answer, {each.strip() for each in sample.scoring.answers}
    right = not answer.tool_calls and answer.text.strip() in wanted
    return {EXACT: float(right)}
