"""Cross-entropy and perplexity of fixed texts: what a model has forgotten shows here first, and cheaply."""

from math import exp, nan

import numpy as np
from numpy.typing import NDArray

from aftertune.values.evaluation import Better
from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample

CROSS_ENTROPY = "cross_entropy"
PERPLEXITY = "perplexity"
TEXT_LOSS = "text_loss"
_LARGEST = 700.0
"""Nats a token of which a float still holds the exponential."""


def cross_entropy(rows: NDArray[np.float64]) -> float:
    """Nats a token over all texts, from one row a text: nats and tokens. Long texts weigh more than short ones."""
    nats, tokens = rows.sum(axis=0)
    return float(nats / tokens) if tokens else float("nan")


def perplexity(rows: NDArray[np.float64]) -> float:
    """The exponential of it; NaN where that is no float."""
    found = cross_entropy(rows)
    return exp(found) if found <= _LARGEST else nan


@scorer(
    "loss",
    version="1",
    kinds=("passage",),
    metrics=(
        Metric(
            CROSS_ENTROPY,
            "nats a token over all texts: how surprised the model is by text that it does not write",
            Kind.AGGREGATE,
            better=Better.LOWER,
            aggregate=cross_entropy,
            high=None,
        ),
        Metric(
            PERPLEXITY,
            "e to the cross-entropy: comparable between models with one tokeniser only",
            Kind.AGGREGATE,
            better=Better.LOWER,
            aggregate=perplexity,
            low=1.0,
            high=None,
        ),
        Metric(
            TEXT_LOSS,
            "mean over texts of their nats a token: each text weighs alike, and shows which one got worse",
            Kind.MEAN,
            better=Better.LOWER,
            high=None,
        ),
    ),
)
def loss(sample: Sample, given: Given) -> Scores:
    """An engine that could not tell leaves it unmeasured."""
    assert sample.scoring.kind == "passage"
    told = given.answer.loss
    row = (told.nats, float(told.tokens)) if told else None
    return {CROSS_ENTROPY: row, PERPLEXITY: row, TEXT_LOSS: told.nats / told.tokens if told else None}
