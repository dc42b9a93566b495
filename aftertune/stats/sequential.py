"""Looking many times at what keeps coming in."""

from math import log, sqrt


def normal_mixture(information: float, tuned_for: float, confidence: float = 0.95) -> float:
    """Half the width of a confidence sequence for a mean or a difference: valid at every look together.

    H. Robbins, Annals of Mathematical Statistics 41 (1970); S. Howard et al., "Time-uniform, nonparametric,
    nonasymptotic confidence sequences", Annals of Statistics 49 (2021), equation 14; for estimates that are normal
    only in the limit, I. Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence
    sequences", Annals of Statistics 52 (2024). `information` is one over the estimate's variance at this look; it
    only rises, and the estimates times their information have independent increments. `tuned_for` is the
    information at which the sequence is to be narrowest: fixed beforehand, not looked up in the data.
    """
    alpha = 1.0 - confidence
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}")
    if information <= 0.0 or tuned_for <= 0.0:
        raise ValueError(f"information must be positive, got {information} and {tuned_for}")
    # The mixture's precision that is best at one point: Howard et al., proposition 3, with the logarithms that
    # approximate Lambert's W there, as Waudby-Smith et al. do.
    rho = tuned_for / (-2.0 * log(alpha) + log(1.0 - 2.0 * log(alpha)))
    return sqrt((information + rho) * log((information + rho) / (rho * alpha**2))) / information


def look_level(look: int, alpha: float, a_year: int = 366, first: float = 0.75) -> float:
    """What the `look`-th look, from 1, may spend of `alpha`: any `a_year` looks in a row spend at most that together.

    A share `first` falls off as 1 / (look · (look + 1)), which sums to at most 1: the first looks have the least to
    compare with and get the most. The rest is the same for every look, for ever. The bound on the chance of any
    false alarm in a year is the sum (Bonferroni), so it holds however the looks depend on each other.
    """
    if look < 1 or a_year < 1 or not 0.0 < alpha < 1.0 or not 0.0 <= first <= 1.0:
        raise ValueError(
            f"impossible: look {look} at level {alpha}, {a_year} looks a year, {first} of it first"
        )
    return alpha * (first / (look * (look + 1)) + (1.0 - first) / a_year)
