"""Have the same items, measured again and again, fallen? A bound that is exact for any distribution of scores.

When nothing changes, an item's scores are draws from one distribution of its own: which of them came last is chance.
So, given the scores each item has had, the last ones are a draw without replacement from them. Summed over the items,
what these lie below the earlier ones has mean zero, a known variance, and a tail bounded by its moment generating
function (H. Chernoff, Annals of Mathematical Statistics 23, 1952); that of a draw without replacement is at most that
of one with (W. Hoeffding, JASA 58, 1963, theorem 4). No limit theorem, no variance that is estimated: zeros and ones,
a few unstable items among hundreds of stable ones, and items that never vary are all covered alike.

It assumes that an item's measurements are exchangeable in time and that items vary independently of each other.
The first measurement is one like the others, so its noise, which all later comparisons with it share, is in the bound.
"""

from math import exp, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
"""One score an item; NaN where it was not measured."""

_WORTH_A_LOOK = 0.7
"""A normal tail bound this share of the way to the limit, on the log scale: below, the exact one is not computed."""

_STEPS = 8
_ALIKE = 1e-12


class Change(NamedTuple):
    """The last measurements less the earlier ones, on average over the `n` items that have both.

    `standard_error` takes the items for a sample of such items; None with fewer than two of them, or when all changed
    alike.
    """

    estimate: float
    standard_error: float | None
    n: int


class Repeats:
    """Scores of the same items, one measurement after the other, the earliest first."""

    def __init__(self, first: Scores) -> None:
        self._rows: list[Scores] = []
        self._measured: list[NDArray[np.bool_]] = []
        self._sums = np.zeros(first.size)
        self._squares = np.zeros(first.size)
        self._counts = np.zeros(first.size, dtype=np.int64)
        self.add(first)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Scores) -> None:
        if row.shape != self._sums.shape or np.any(np.isinf(row)):
            raise ValueError(f"a measurement is {self._sums.size} finite scores, NaN where there is none")
        measured = ~np.isnan(row)
        filled = np.where(measured, row, 0.0)
        self._rows.append(filled)
        self._measured.append(measured)
        self._counts += measured
        self._sums += filled
        self._squares += filled**2

    def change(self, last: int) -> Change | None:
        """The `last` measurements against all before them; None when no item has both."""
        differences = self._compared(last).differences
        n = differences.size
        if not n:
            return None
        spread = float(differences.std(ddof=1)) if n > 1 else 0.0
        return Change(float(differences.mean()), spread / sqrt(n) if spread > _ALIKE else None, n)

    def bound_on_fall(self, last: int, level: float) -> float:
        """The chance of so deep a fall of the `last` measurements below the earlier ones is at most this, if nothing changed.

        1 where that is plainly above `level`, so that most looks cost next to nothing.
        """
        both, late, early, differences = self._compared(last)
        depth = -float(differences.sum())
        if depth <= 0.0:
            return 1.0
        n = late + early
        # As a mean of the fewer draws: their deviations from the item's mean, times n / (late · early), make the change.
        draws, weight = np.minimum(late, early), n / (late * early)
        spread = np.maximum(self._squares[both] / n - (self._sums[both] / n) ** 2, 0.0)
        variance = float((draws * weight**2 * spread).sum())
        if variance <= _ALIKE or depth**2 / (2 * variance) < _WORTH_A_LOOK * -log(level):
            return 1.0
        varied = spread > _ALIKE
        drawn = np.where(late <= early, -weight, weight)[varied]
        return self._bound(np.flatnonzero(both)[varied], drawn, draws[varied], depth, variance)

    def _compared(self, last: int) -> "_Compared":
        if not 0 < last < len(self):
            raise ValueError(f"of {len(self)} measurements, {last} cannot be the last ones")
        first = len(self) - last
        # The shorter side is added up, the other one is the rest.
        side = slice(first, None) if last <= first else slice(0, first)
        sums, counts = np.sum(self._rows[side], axis=0), np.sum(self._measured[side], axis=0)
        rest, others = self._sums - sums, self._counts - counts
        both = (counts > 0) & (others > 0)
        counts, others = counts[both], others[both]
        gap = sums[both] / counts - rest[both] / others
        if last <= first:
            return _Compared(both, counts, others, gap)
        return _Compared(both, others, counts, -gap)

    def _bound(
        self,
        items: NDArray[np.int64],
        weight: Scores,
        draws: NDArray[np.int64],
        depth: float,
        variance: float,
    ) -> float:
        """Min over λ > 0 of exp(Σ draws · log E exp(λ · weight · deviation) − λ · depth), by Newton's steps.

        Every λ gives a bound, so the steps need not converge.
        """
        measured = np.array(self._measured)[:, items]
        n = measured.sum(axis=0)
        deviations = np.where(
            measured, (np.array(self._rows)[:, items] - self._sums[items] / n) * weight, 0.0
        )
        rate, best = depth / variance, 0.0
        for _ in range(_STEPS):
            exponent = np.where(measured, rate * deviations, -np.inf)
            top = exponent.max(axis=0)
            each = np.exp(exponent - top)
            size = each.sum(axis=0)
            best = min(best, float((draws * (top + np.log(size / n))).sum()) - rate * depth)
            slope = (each * deviations).sum(axis=0) / size
            bend = float((draws * ((each * deviations**2).sum(axis=0) / size - slope**2)).sum())
            wanted = depth - float((draws * slope).sum())
            step = wanted / bend if bend > _ALIKE else np.copysign(np.inf, wanted)
            rate = float(np.clip(rate + step, rate / 4, rate * 4))
        return exp(best)


class _Compared(NamedTuple):
    """Which items have early and late scores; of those: how many of each, and the late mean less the early one."""

    both: NDArray[np.bool_]
    late: NDArray[np.int64]
    early: NDArray[np.int64]
    differences: Scores
