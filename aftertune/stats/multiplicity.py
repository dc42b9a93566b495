"""Many tests at once: p-values adjusted so that each can be held against the level of the whole family."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted for the chance of any false rejection (S. Holm, Scandinavian Journal of Statistics 6, 1979).

    Valid under any dependence. In the order given; each in [0, 1].
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    return _in_order(stepped, order)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted for the expected share of false among the rejections (Benjamini and Hochberg, JRSS-B 57, 1995).

    Valid for independent tests, and for positively dependent ones (Benjamini and Yekutieli, 2001). In the order given.
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _in_order(stepped, order)


def _in_order(stepped: NDArray[np.float64], order: NDArray[np.intp]) -> tuple[float, ...]:
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1.0)
    return tuple(adjusted.tolist())


def _checked(p_values: Sequence[float]) -> NDArray[np.float64]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0.0) & (p <= 1.0)):
        raise ValueError("p-values must be a flat sequence of numbers in [0, 1]")
    return p
