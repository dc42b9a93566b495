"""One of several choices, by its letter or its whole text."""

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.choices import KINDS, chosen, presented
from evals.suite.metric import Metric
from evals.suite.sample import Sample

METRICS = (
    Metric("choice", "of all samples: the right choice, and no other, can be read from the answer"),
    Metric("choice_read", "of all samples: exactly one choice can be read from the answer"),
)


@scorer("choice", version="2", kinds=KINDS, metrics=METRICS)
def choice(sample: Sample, given: Given) -> Scores:
    presentation = presented(sample)
    letter = chosen(presentation, given.answer.text)
    return {"choice": float(letter == presentation.letter), "choice_read": float(bool(letter))}
