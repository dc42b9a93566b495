"""Whether stated risks are right as probabilities.

The expected calibration error is that of Guo et al., "On calibration of modern neural networks" (ICML 2017), with ten
bins of equal width; the Brier score is the mean squared distance (Brier, Monthly Weather Review 78, 1950).
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from aftertune.values.evaluation import Better
from evals.suite.metric import Kind, Metric

BINS = 10
RISK_STATED = "risk_stated"
BRIER = "risk_brier"
ECE = "risk_ece"


def bin_row(risk: float, outcome: float) -> tuple[float, ...]:
    """For each bin: how many, the sum of their risks, the sum of their outcomes. A bin has its upper end, the first both."""
    row = np.zeros((BINS, 3))
    # Edges as decimals round them: 0.3 belongs to the bin that ends there.
    row[max(ceil(round(risk * BINS, 9)) - 1, 0)] = 1, risk, outcome
    return tuple(row.ravel().tolist())


def calibration_error(rows: NDArray[np.float64]) -> float:
    """Mean over answers of how far the bin's mean risk is from its share of outcomes."""
    count, risk, outcome = rows.sum(axis=0).reshape(BINS, 3).T
    total = count.sum()
    return float(np.abs(risk - outcome).sum() / total) if total else float("nan")


def risk_metrics(positive: str) -> tuple[Metric, ...]:
    return (
        Metric(RISK_STATED, f"of all samples: the answer states a risk that it is {positive!r}"),
        Metric(
            BRIER,
            "of answers that state a risk: mean squared distance of the risk from what was true",
            Kind.MEAN,
            better=Better.LOWER,
            reached=True,
        ),
        Metric(
            ECE,
            f"of answers that state a risk: expected calibration error, {BINS} bins of equal width",
            Kind.AGGREGATE,
            better=Better.LOWER,
            reached=True,
            aggregate=calibration_error,
            signature=f"bins:{BINS}|width:equal|norm:1",
        ),
    )


def risk_scores(risk: float | None, *, outcome: bool) -> dict[str, float | tuple[float, ...]]:
    if risk is None:
        return {RISK_STATED: 0.0}
    return {RISK_STATED: 1.0, BRIER: (risk - outcome) ** 2, ECE: bin_row(risk, float(outcome))}
