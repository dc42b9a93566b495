"""Quantiles and tails of three distributions, by SciPy.

It is loaded when one is first asked for: processes that never ask, which is most of them, are spared its memory.
"""

import numpy as np
from numpy.typing import NDArray


def t_quantile(p: float, freedom: int) -> float:
    """Of Student's t with `freedom` degrees of freedom."""
    from scipy.special import stdtrit  # noqa: PLC0415

    return float(stdtrit(freedom, p))


def t_tail(t: float, freedom: int) -> float:
    """The chance that Student's t with `freedom` degrees of freedom exceeds `t`."""
    from scipy.special import stdtr  # noqa: PLC0415

    return float(stdtr(freedom, -t))


def beta_quantile(p: float, a: float, b: float) -> float:
    """Of the beta distribution with parameters a and b."""
    from scipy.special import betaincinv  # noqa: PLC0415

    return float(betaincinv(a, b, p))


def binomial_tail(least: NDArray[np.float64], n: NDArray[np.int64], p: float) -> NDArray[np.float64]:
    """The chance of `least` or more successes in n trials, element by element; 1 ≤ least ≤ n."""
    from scipy.special import bdtrc  # noqa: PLC0415

    return np.asarray(bdtrc(least - 1, n, p))
