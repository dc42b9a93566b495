"""What serving costs: time to the first token, tokens a second, memory. Numbers without a right answer and without gates."""

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aftertune.values.evaluation import Answer, Better
from evals.scorers.scorer import Given, Per, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Served

FIRST_TOKEN = "first_token_s"
LATENCY = "latency_s"
REQUEST_SPEED = "tokens_per_s"
TOTAL_SPEED = "total_tokens_per_s"
MEMORY = "memory_gib"
GIB = 2**30


def median(rows: NDArray[np.float64]) -> float:
    return float(np.median(rows[:, 0]))


def speed(rows: NDArray[np.float64]) -> float:
    """All tokens by all seconds, from one row a sample: tokens and seconds."""
    tokens, seconds = rows.sum(axis=0)
    return float(tokens / seconds) if seconds > 0 else float("nan")


def _alone(sample: Sample) -> bool:
    return isinstance(sample.scoring, Served) and sample.scoring.at_once == 1


def _crowded(sample: Sample) -> bool:
    return not _alone(sample)


@scorer(
    "served",
    version="1",
    kinds=("served",),
    metrics=(
        Metric(
            FIRST_TOKEN,
            "median over requests sent alone: seconds from sending to the first token",
            Kind.AGGREGATE,
            better=Better.LOWER,
            applies=_alone,
            aggregate=median,
            high=None,
        ),
        Metric(
            LATENCY,
            "mean over requests sent alone: seconds from sending to the last token",
            Kind.MEAN,
            better=Better.LOWER,
            applies=_alone,
            high=None,
        ),
        Metric(
            REQUEST_SPEED,
            "over requests sent alone: tokens generated a second",
            Kind.AGGREGATE,
            applies=_alone,
            aggregate=speed,
            high=None,
        ),
        Metric(
            TOTAL_SPEED,
            "over bursts of equal requests: tokens generated a second, all requests together",
            Kind.AGGREGATE,
            applies=_crowded,
            aggregate=speed,
            high=None,
        ),
        Metric(
            MEMORY,
            "mean over samples: GiB that the engine's processes take, where the engine tells",
            Kind.MEAN,
            better=Better.LOWER,
            high=None,
        ),
    ),
    per=Per.SAMPLE,
)
def served(sample: Sample, given: Given) -> Scores:
    """The mean over repeats; one that was not timed leaves the sample unmeasured."""
    seconds, firsts, tokens = _timings(given.answers)
    memory = _memory(given.answers)
    if _crowded(sample):
        return {TOTAL_SPEED: (tokens, seconds) if seconds and tokens else None, MEMORY: memory}
    return {
        FIRST_TOKEN: None if firsts is None else (firsts,),
        LATENCY: seconds,
        REQUEST_SPEED: (tokens, seconds) if seconds and tokens else None,
        MEMORY: memory,
    }


def _timings(answers: tuple[Answer, ...]) -> tuple[float | None, float | None, float | None]:
    return (
        _mean([answer.latency_s for answer in answers]),
        _mean([answer.first_token_s for answer in answers]),
        _mean([answer.completion_tokens for answer in answers]),
    )


def _memory(answers: tuple[Answer, ...]) -> float | None:
    told = [(answer.state or {}).get("memory_bytes") for answer in answers]
    found = _mean(told)
    return None if found is None else found / GIB


def _mean(values: list[Any]) -> float | None:
    if any(isinstance(v, bool) or not isinstance(v, int | float) or not isfinite(v) or v < 0 for v in values):
        return None
    return float(sum(values) / len(values))
