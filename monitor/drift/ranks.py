"""Conformal p-values: how a new score ranks among all the scores before it.

Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2005), smoothed p-values. While the scores are
exchangeable, the p-values are independent and uniform, whatever the scores' law and however few came before: every
score joins the ranks after it was judged, so a small reference makes weak evidence, never false evidence.
"""

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST, STEP = -2.0, 2.0, 0.002
BINS = round((HIGHEST - LOWEST) / STEP) + 1
LEAST_P = 1e-6
"""A p-value is raised to this, which is on the safe side."""


class Ranks:
    """The scores so far, in [-2, 2], counted on a grid: constant size for ever; ties are broken by luck."""

    def __init__(self, counts: NDArray[np.int64] | None = None) -> None:
        self.counts = np.zeros(BINS, dtype=np.int64) if counts is None else counts

    def p_value(self, score: float, luck: float) -> float:
        """The share of scores at least as large; `luck`, uniform in [0, 1), stands for the order among equals."""
        place = _bin(score)
        above = int(self.counts[place + 1 :].sum())
        same = int(self.counts[place]) + 1
        return max(LEAST_P, (above + luck * same) / (int(self.counts.sum()) + 1))

    def add(self, score: float) -> None:
        self.counts[_bin(score)] += 1


def _bin(score: float) -> int:
    return round((min(HIGHEST, max(LOWEST, score)) - LOWEST) / STEP)
