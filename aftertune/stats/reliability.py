"""Right every time, not once."""

from math import comb


def pass_hat_k(successes: int, trials: int, k: int) -> float:
    """The chance that k further trials of one task all succeed, estimated from `successes` of `trials`: C(c, k) / C(n, k).

    S. Yao et al., "τ-bench", arXiv 2406.12045 (2024). Unbiased; a suite's pass^k is the mean over its tasks, each of
    which is one cluster. In [0, 1].
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie in [0, trials], got {successes} of {trials}")
    if not 1 <= k <= trials:
        raise ValueError(f"k must lie in [1, trials], got {k} of {trials}: run the task more often")
    return comb(successes, k) / comb(trials, k)
