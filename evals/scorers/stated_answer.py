"""A short right answer, read from where an answer states it."""

import re

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import ExactMatch

_STATES = re.compile(r"answer\s*(?:is|:|=)", re.IGNORECASE)
_AROUND = " \t\n\"'`*.,;:!()[]"


@scorer(
    "stated_answer",
    version="1",
    kinds=("exact_match",),
    metrics=(
        Metric(
            "stated",
            "of all samples: the right text is the whole answer, or follows the last 'answer is' or 'answer:'; "
            "case and punctuation around it aside",
        ),
    ),
)
def stated_answer(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, ExactMatch)
    said = given.answer.text
    wanted = {_folded(answer) for answer in sample.scoring.answers}
    stated = _stated(said)
    right = not given.answer.tool_calls and (
        _folded(said) in wanted or (stated is not None and _folded(stated) in wanted)
    )
    return {"stated": float(right)}


def _stated(said: str) -> str | None:
    """The rest of the line after the last place that states an answer; None where none does."""
    for found in reversed(list(_STATES.finditer(said))):
        if rest := said[found.end() :].lstrip():
            return rest.split("\n", 1)[0]
    return None


def _folded(text: str) -> str:
    return " ".join(text.strip(_AROUND).lower().split())
