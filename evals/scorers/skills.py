"""One number for every kind of skill, so that what was forgotten can be held against one budget: is the answer right?"""

from collections.abc import Callable

from evals.scorers.choice import choice
from evals.scorers.final_number import final_number
from evals.scorers.instructions import instructions
from evals.scorers.scorer import Given, Scorer, Scores, scorer
from evals.scorers.stated_answer import stated_answer
from evals.scorers.tool_calls import tool_calls_strict
from evals.suite.choices import KINDS
from evals.suite.metric import Metric
from evals.suite.sample import Sample

RIGHT = "right"


def _abstained_or_called(sample: Sample) -> str:
    return "abstention" if sample.scoring.kind == "no_tool_call" else "end_to_end"


_BY_KIND: dict[str, tuple[Scorer, str | Callable[[Sample], str]]] = {
    **dict.fromkeys(KINDS, (choice, "choice")),
    "final_number": (final_number, "last_number"),
    "exact_match": (stated_answer, "stated"),
    "verifiable_instructions": (instructions, "prompt_strict"),
    "tool_calls": (tool_calls_strict, _abstained_or_called),
    "no_tool_call": (tool_calls_strict, _abstained_or_called),
}


@scorer(
    "skills",
    version="2",
    kinds=tuple(_BY_KIND),
    metrics=(
        Metric(
            RIGHT,
            "of all samples: the right choice, the right last number, the right stated text, every instruction followed, "
            "or the right calls",
        ),
    ),
)
def skills(sample: Sample, given: Given) -> Scores:
    by, metric = _BY_KIND[sample.scoring.kind]
    value = by.score(sample, given)[metric if isinstance(metric, str) else metric(sample)]
    return {RIGHT: None if isinstance(value, tuple) else value}
