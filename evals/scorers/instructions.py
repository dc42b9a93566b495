"""Checkable instructions, strictly and loosely, by prompt and by instruction (Zhou et al. 2023).

The instructions of one prompt hang together, so the share of instructions is a ratio whose interval resamples prompts.
"""

import numpy as np
from numpy.typing import NDArray

from evals.instructions import is_followed, is_followed_loosely
from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import VerifiableInstructions


def _ratio(rows: NDArray[np.float64]) -> float:
    followed, asked = rows.sum(axis=0)
    return float(followed / asked) if asked else float("nan")


METRICS = (
    Metric("prompt_strict", "of all samples: every instruction followed by the answer as it is"),
    Metric(
        "prompt_loose",
        "of all samples: every instruction followed, with a first or last line and asterisks forgiven",
    ),
    Metric(
        "instruction_strict",
        "of all instructions: followed by the answer as it is",
        kind=Kind.AGGREGATE,
        aggregate=_ratio,
    ),
    Metric(
        "instruction_loose",
        "of all instructions: followed, forgivingly",
        kind=Kind.AGGREGATE,
        aggregate=_ratio,
    ),
)


@scorer("instructions", version="2", kinds=("verifiable_instructions",), metrics=METRICS)
def instructions(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, VerifiableInstructions)
    asked, said = sample.scoring.instructions, given.answer.text
    strict = sum(is_followed(each.id, each.kwargs, said) for each in asked)
    loose = sum(is_followed_loosely(each.id, each.kwargs, said) for each in asked)
    return {
        "prompt_strict": float(strict == len(asked)),
        "prompt_loose": float(loose == len(asked)),
        "instruction_strict": (float(strict), float(len(asked))),
        "instruction_loose": (float(loose), float(len(asked))),
    }
