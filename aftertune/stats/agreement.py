"""Do two raters say the same: chance-corrected agreement, and by how much one rates higher."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aftertune.stats.clustered import Estimate, clustered_mean

Weights = Literal["linear", "quadratic"]
Level = Literal["nominal", "ordinal", "interval", "ratio"]


def cohen_kappa(
    first: Sequence[float],
    second: Sequence[float],
    weights: Weights | None = None,
    *,
    scale: Sequence[float] | None = None,
) -> float:
    """Cohen's kappa of two raters on the same items (J. Cohen, Educational and Psychological Measurement 20, 1960).

    `weights`: how much a disagreement counts by its distance in steps of the scale (J. Cohen, Psychological Bulletin
    70, 1968): None all alike, linear |i − j|, quadratic (i − j)². `scale` is every grade in order; by default those
    that occur, which shortens distances where a grade was never used. 1 is agreement, 0 what chance gives; NaN when
    chance leaves nothing to disagree on, because both raters used one and the same grade throughout, or without items.
    """
    if len(first) != len(second):
        raise ValueError(f"two raters need as many ratings, got {len(first)} and {len(second)}")
    grades = sorted(set(first) | set(second)) if scale is None else list(scale)
    if unknown := sorted((set(first) | set(second)) - set(grades)):
        raise ValueError(f"not on the scale {grades}: {unknown}")
    if not first:
        return float("nan")
    rank = {grade: i for i, grade in enumerate(grades)}
    table = np.zeros((len(grades), len(grades)))
    np.add.at(table, ([rank[grade] for grade in first], [rank[grade] for grade in second]), 1.0)
    return kappa_of(table, weights)


def kappa_of(table: NDArray[np.float64], weights: Weights | None = None) -> float:
    """Cohen's kappa from how often each grade of the first met each of the second, grades in order; NaN as there.

    Tables of parts add up to that of the whole, so that a kappa can be resampled from the items' own.
    """
    first, second, cost = table.sum(axis=1), table.sum(axis=0), _costs(len(table), weights)
    expected = float(first @ cost @ second) / max(1.0, float(first.sum()))
    return 1.0 - float(np.vdot(cost, table)) / expected if expected > 0.0 else float("nan")


def krippendorff_alpha(ratings: Sequence[Sequence[float | None]], level: Level = "nominal") -> float:
    """Krippendorff's alpha: any number of raters, ratings missing at will.

    K. Krippendorff, "Computing Krippendorff's alpha-reliability" (2011): 1 − observed over expected disagreement, from
    the matrix of coincidences. `ratings` holds one row a rater and one column a unit, None where a rater did not
    rate. Units with fewer than two ratings say nothing. NaN when no two ratings differ, or none can be paired.
    """
    table = _table(ratings)
    values = np.unique(table[~np.isnan(table)])
    return alpha_of(_coincidences(table, values), values, level)


def alpha_of(coincidences: NDArray[np.float64], values: NDArray[np.float64], level: Level) -> float:
    """Krippendorff's alpha from how often each pair of `values`, in order, met in a unit; NaN as there.

    A unit of m ratings adds 1 / (m − 1) for each ordered pair of them. Matrices of parts add up to that of the whole.
    """
    margins = coincidences.sum(axis=1)
    distance = _distances(values, margins, level)
    total = float(margins.sum())
    expected = float((distance * np.outer(margins, margins)).sum())
    if expected <= 0.0:
        return float("nan")
    return 1.0 - (total - 1.0) * float((distance * coincidences).sum()) / expected


def mean_bias(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Estimate:
    """How much higher the first rater rates, on average over the same items, in grades.

    Bland and Altman, The Lancet 327 (1986): the mean difference, with its t interval. A kappa does not show it.
    """
    if len(first) != len(second):
        raise ValueError(f"two raters need as many ratings, got {len(first)} and {len(second)}")
    return clustered_mean([a - b for a, b in zip(first, second, strict=True)], None, confidence)


@lru_cache(maxsize=64)
def _costs(grades: int, weights: Weights | None) -> NDArray[np.float64]:
    steps = np.abs(np.subtract.outer(np.arange(grades), np.arange(grades))).astype(np.float64)
    if weights is None:
        return (steps > 0).astype(np.float64)
    if weights not in ("linear", "quadratic"):
        raise ValueError(f"weights are linear, quadratic or None, got {weights!r}")
    return steps if weights == "linear" else steps**2


def _table(ratings: Sequence[Sequence[float | None]]) -> NDArray[np.float64]:
    if len({len(row) for row in ratings}) > 1:
        raise ValueError("every rater needs one entry a unit; None where there is no rating")
    rows = [[np.nan if value is None else value for value in row] for row in ratings]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)


def _coincidences(table: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each pair of values meets in a unit, both ways round; a unit of m ratings counts m times in all."""
    counts = np.equal(table, values[:, None, None]).sum(axis=1).astype(np.float64)
    rated = counts.sum(axis=0)
    counts, rated = counts[:, rated > 1], rated[rated > 1]
    pairs = counts @ (counts / (rated - 1)).T
    return np.asarray(pairs - np.diag((counts / (rated - 1)).sum(axis=1)))


def _distances(
    values: NDArray[np.float64], margins: NDArray[np.float64], level: Level
) -> NDArray[np.float64]:
    """Squared differences between values, by level of measurement."""
    if level == "nominal":
        return np.asarray(np.not_equal.outer(values, values), dtype=np.float64)
    if level == "ordinal":
        # The ratings that lie between two grades, half of those at the ends.
        place = np.cumsum(margins) - margins / 2
        return np.asarray(np.subtract.outer(place, place) ** 2)
    if level == "interval":
        return np.asarray(np.subtract.outer(values, values) ** 2)
    if level == "ratio":
        if np.any(values < 0.0):
            raise ValueError("a ratio scale has no negative values")
        total = np.add.outer(values, values)
        return np.asarray((np.subtract.outer(values, values) / np.where(total > 0.0, total, 1.0)) ** 2)
    raise ValueError(f"levels are nominal, ordinal, interval and ratio, got {level!r}")
