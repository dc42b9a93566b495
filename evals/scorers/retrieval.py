"""What a rule can see in an answer from passages: its numbers. What it says in words is for judges (`retrieval.ragas`)."""

import re

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import RetrievalAnswer

GROUNDED, FOUND = "numbers_grounded", "numbers_found"

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


def _has_numbers(sample: Sample) -> bool:
    return isinstance(sample.scoring, RetrievalAnswer) and bool(numbers(sample.scoring.reference))


@scorer(
    "retrieval.grounded",
    version="1",
    kinds=("retrieval_answer",),
    metrics=(
        Metric(
            GROUNDED,
            "of all samples: the answer says something, and every number in it stands in the material",
        ),
        Metric(
            FOUND,
            "of the samples whose reference holds numbers: all of them are in the answer",
            applies=_has_numbers,
        ),
    ),
)
def retrieval_grounded(sample: Sample, given: Given) -> Scores:
    """The material is the passages and the question. Numbers are compared as digits, without thousands separators."""
    assert isinstance(sample.scoring, RetrievalAnswer)
    said = numbers(given.answer.text)
    known = numbers(" ".join((*sample.scoring.contexts, sample.question)))
    scores = {GROUNDED: float(bool(given.answer.text.strip()) and said <= known)}
    return (
        {**scores, FOUND: float(numbers(sample.scoring.reference) <= said)}
        if _has_numbers(sample)
        else scores
    )


def numbers(text: str) -> frozenset[str]:
    return frozenset(_NUMBER.findall(_THOUSANDS.sub("", text)))
