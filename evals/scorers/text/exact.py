"""The answer is one of the references to the letter, blanks at its ends aside."""

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Text

EXACT_TEXT = "exact_text"


@scorer(
    "text.exact",
    version="1",
    kinds=("text",),
    metrics=(Metric(EXACT_TEXT, "of all samples: the answer is one of the references to the letter"),),
)
def exact_text(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, Text)
    right = {reference.strip() for reference in sample.scoring.references}
    return {EXACT_TEXT: float(not given.answer.tool_calls and given.answer.text.strip() in right)}
