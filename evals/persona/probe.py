"""A linear probe of one trait on embeddings, with probabilities, and the check that says whether it measures anything.

Ridge logistic regression on exemplars that come in pairs, with the trait and without it; the pair's subject is the same
in both, so that the probe learns the trait and not the subject. It is fitted in the span of the exemplars (the
representer theorem), so its size is that of the exemplars. Decision values become probabilities by Platt's method
("Probabilistic outputs for support vector machines", 1999, with his smoothed targets), fitted on the values of pairs
that were left out.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

RIDGE = 0.3
LEAST_PAIRS = 8
LEAST_ACCURACY = 0.75
"""Of left-out exemplars: with less, what the probe says of an answer means nothing."""

_STEPS = 50
_CLOSE = 1e-8


class Quality(NamedTuple):
    """How the probe does on exemplars that it was not fitted on: one pair is left out at a time."""

    pairs: int
    accuracy: float
    """Of the left-out exemplars on the right side."""
    ranked: float
    """Of the pairs whose shown side stands above the other: the area under the curve within pairs."""


class Probe(NamedTuple):
    """`weights` and `bias` give a decision value; `slope` and `offset` make it a probability."""

    weights: Vectors
    bias: float
    slope: float
    offset: float
    quality: Quality

    @property
    def refusal(self) -> str:
        """Why it measures nothing; empty where it does."""
        if self.quality.pairs < LEAST_PAIRS:
            return f"{self.quality.pairs} pairs of exemplars, at least {LEAST_PAIRS} are needed"
        if self.quality.accuracy < LEAST_ACCURACY:
            return (
                f"left-out exemplars are told apart {self.quality.accuracy:.0%} of the time, "
                f"at least {LEAST_ACCURACY:.0%} is needed"
            )
        return ""

    def probability(self, vectors: Vectors) -> Vectors:
        """Of the trait, for each row: in [0, 1]."""
        values = unit(vectors) @ self.weights + self.bias
        return _sigmoid(self.slope * values + self.offset)


def fit(shown: Vectors, not_shown: Vectors) -> Probe:
    """Row i of both is one pair. Raises ValueError without at least two pairs of equal length."""
    if shown.shape != not_shown.shape or shown.ndim != 2 or len(shown) < 2:
        raise ValueError(f"a probe needs at least two pairs, not {shown.shape} and {not_shown.shape}")
    with_it, without = unit(shown), unit(not_shown)
    left_out = np.array([_left_out(with_it, without, pair) for pair in range(len(with_it))])
    slope, offset = _platt(left_out)
    weights, bias = _logistic(np.vstack([with_it, without]), _labels(len(with_it)))
    return Probe(weights, bias, slope, offset, _quality(left_out))


def unit(vectors: Vectors) -> Vectors:
    """Rows of length one; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def nearest(vector: Vectors, kinds: Sequence[Vectors]) -> int:
    """Which of several sets of exemplars an embedding is most like: by the cosine with the mean of each, all centred."""
    means = np.array([unit(kind).mean(axis=0) for kind in kinds])
    centre = means.mean(axis=0)
    return int(np.argmax(unit(means - centre) @ (unit(vector) - centre)))


def _labels(pairs: int) -> Vectors:
    return np.concatenate([np.ones(pairs), np.zeros(pairs)])


def _left_out(shown: Vectors, not_shown: Vectors, pair: int) -> tuple[float, float]:
    """Decision values of a pair by a probe that has not seen it."""
    keep = np.arange(len(shown)) != pair
    weights, bias = _logistic(np.vstack([shown[keep], not_shown[keep]]), _labels(int(keep.sum())))
    return float(shown[pair] @ weights + bias), float(not_shown[pair] @ weights + bias)


def _quality(left_out: Vectors) -> Quality:
    """Ties count half."""
    right = np.concatenate([left_out[:, 0], -left_out[:, 1]])
    above = left_out[:, 0] - left_out[:, 1]
    return Quality(len(left_out), _share(right), _share(above))


def _share(values: Vectors) -> float:
    return float((values > 0).mean() + 0.5 * (values == 0).mean())


def _logistic(vectors: Vectors, labels: Vectors) -> tuple[Vectors, float]:
    """Newton's method on the dual coefficients, on centred vectors scaled to a mean square of one."""
    centre = vectors.mean(axis=0)
    centred = vectors - centre
    scale = float(np.sqrt((centred**2).sum(axis=1).mean())) or 1.0
    centred /= scale
    gram = centred @ centred.T
    dual, bias = np.zeros(len(labels)), 0.0
    for _ in range(_STEPS):
        p = _sigmoid(gram @ dual + bias)
        residual = labels - p - RIDGE * dual
        curve = np.maximum(p * (1 - p), 1e-9)
        # [W K + λ I, W 1; 1ᵀ, 0]: the optimum has Σ dual = 0, for the bias is not penalised.
        system = np.block(
            [
                [curve[:, None] * gram + RIDGE * np.eye(len(labels)), curve[:, None]],
                [np.ones((1, len(labels))), np.zeros((1, 1))],
            ]
        )
        step = np.linalg.solve(system, np.append(residual, -dual.sum()))
        dual, bias = dual + step[:-1], bias + float(step[-1])
        if np.abs(step).max() < _CLOSE:
            break
    weights = centred.T @ dual / scale
    return weights, bias - float(centre @ weights)


def _platt(left_out: Vectors) -> tuple[float, float]:
    """Slope and offset that fit the left-out values; targets are pulled in by one case each, against certainty.

    The slope is not negative: a probe that is worse than chance tells nothing, it is not to be turned round.
    """
    values = left_out.T.ravel()
    pairs = len(left_out)
    targets = np.where(_labels(pairs) > 0, (pairs + 1) / (pairs + 2), 1 / (pairs + 2))
    design = np.column_stack([values, np.ones_like(values)])
    found = np.zeros(2)
    for _ in range(_STEPS):
        p = _sigmoid(design @ found)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, design.T @ (targets - p))
        found = found + step
        if np.abs(step).max() < _CLOSE:
            break
    return (float(found[0]), float(found[1])) if found[0] > 0 else (0.0, 0.0)


def _sigmoid(values: Vectors) -> Vectors:
    return 1.0 / (1.0 + np.exp(-np.clip(values, -500, 500)))
