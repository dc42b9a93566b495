"""Is a stated probability what happens. Both numbers are 0 at best; NaN without observations."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def brier(stated: ArrayLike, outcomes: ArrayLike) -> float:
    """The mean squared distance of stated probabilities from outcomes, 0 or 1 (G. Brier, Monthly Weather Review 78, 1950).

    Of two outcomes one is stated, so this is half of Brier's original sum. In [0, 1]; stating 1/2 always gives 1/4.
    """
    p, y = _checked(stated, outcomes)
    return float(((p - y) ** 2).mean()) if p.size else float("nan")


def expected_calibration_error(stated: ArrayLike, outcomes: ArrayLike, bins: int = 10) -> float:
    """The mean over items of |share that happened − mean stated| in the item's bin.

    M. P. Naeini, G. Cooper, M. Hauskrecht, AAAI 2015; C. Guo et al., ICML 2017: `bins` of equal width, each closed on
    the right, the first on both sides. In [0, 1]. It depends on the bins, and few items make it too large.
    """
    if bins < 1:
        raise ValueError(f"bins must be 1 or more, got {bins}")
    p, y = _checked(stated, outcomes)
    if not p.size:
        return float("nan")
    # Edges as decimals round them: 0.3 belongs to the bin that ends there.
    own = np.clip(np.ceil(np.round(p * bins, 9)).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(own, weights=y - p, minlength=bins)
    return float(np.abs(gaps).sum() / p.size)


def _checked(stated: ArrayLike, outcomes: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    p, y = np.asarray(stated, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    if p.ndim != 1 or p.shape != y.shape:
        raise ValueError("each stated probability needs one outcome")
    if not np.all((p >= 0.0) & (p <= 1.0)) or not np.all((y == 0.0) | (y == 1.0)):
        raise ValueError("stated probabilities lie in [0, 1], outcomes are 0 or 1")
    return p, y
