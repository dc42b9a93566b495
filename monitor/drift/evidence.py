"""A sequential test on p-values whose chance of a false alarm is bounded at every number of observations.

Shin, Ramdas and Rinaldo, "E-detectors" (2022): R_n = (R_{n-1} + 1) · e_n, where each e_n is an e-value. While
the p-values are independent and uniform, R_n − n is a martingale: R reaches c within n observations with a chance of
at most n / c, and takes at least c of them on average. Here e = 1 − λ + λ · 1[p ≤ q] / q, a bet of the share λ on p
lying in the lowest q, and R is the average over a few such bettors: high shares find a shift of all traffic at once,
low shares one that touches a part of it.
"""

import numpy as np
from numpy.typing import NDArray

_SHARES = np.repeat((0.1, 0.3, 0.8), 3)
_TAILS = np.tile((0.02, 0.05, 0.2), 3)
BETTORS = _SHARES.size
NARROWEST_TAIL = float(_TAILS.min())


class Evidence:
    """`statistic` is R. It starts at 0 and its expected growth is 1 an observation while nothing changes."""

    def __init__(self, capital: NDArray[np.float64] | None = None) -> None:
        self.capital = np.zeros(BETTORS) if capital is None else capital

    def observe(self, p: float) -> None:
        won = np.where(p <= _TAILS, 1.0 / _TAILS, 0.0)
        self.capital = (self.capital + 1.0) * (1.0 - _SHARES + _SHARES * won)

    @property
    def statistic(self) -> float:
        return float(self.capital.mean())
