"""Two systems on the same samples, scored between two ends, alone or in clusters: the mean difference by a score interval.

Where few samples differ the interval of Student's t is too narrow, for it takes the spread that was found for the true
one. A score interval takes, for each difference that it tries, the spread that goes with that one.
"""

from collections.abc import Hashable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from aftertune.stats.clustered import clustered_mean
from aftertune.stats.interval import Interval
from aftertune.stats.paired import score_interval
from aftertune.stats.tails import t_quantile, t_tail

_ROUNDING = 1e-12


class PairedMean(NamedTuple):
    """What was gained and what was lost, both ≥ 0 and averaged over all samples; their difference is the mean.

    `standard_error` is that of the mean, above 0. `clusters` are the groups that stand for themselves.
    """

    gain: float
    loss: float
    standard_error: float
    clusters: int

    @property
    def pairs(self) -> float:
        """As many independent pairs of zeros and ones with these gains and losses would have that standard error."""
        return (self.gain + self.loss - (self.gain - self.loss) ** 2) / self.standard_error**2

    def interval(self, confidence: float = 0.95) -> Interval:
        """Tango's (`aftertune.stats.paired`) of the effective number of pairs, with t of `clusters` − 1 for the normal.

        The effective size as `effective_wilson` has it (L. Kish 1965; E. Korn and B. Graubard 1998). With every sample
        for itself, differences of 0 and ±1 and the normal quantile it is Tango's own.
        """
        quantile = t_quantile(0.5 + confidence / 2, self.clusters - 1)
        return score_interval(self.gain * self.pairs, self.loss * self.pairs, self.pairs, quantile)

    def p_value(self) -> float:
        """Two-sided, of the score test that the interval inverts, for no difference: below 5 % where 0 lies outside."""
        statistic = abs(self.gain - self.loss) * sqrt(self.pairs / (self.gain + self.loss))
        return 2 * t_tail(statistic, self.clusters - 1)


def paired_mean(
    differences: Sequence[float], clusters: Sequence[Hashable] | None, width: float
) -> PairedMean | None:
    """Of scores that lie `width` apart at most; the result is in units of it. None where no spread was seen.

    The standard error is by clusters, and not below that of samples that stand for themselves: of few clusters an
    accident can make it small.
    """
    if width <= 0.0:
        raise ValueError(f"scores lie some width apart, got {width}")
    found, alone = clustered_mean(differences, clusters), clustered_mean(differences)
    if not found.standard_error or not alone.standard_error:
        return None
    scaled = np.asarray(differences, dtype=np.float64) / width
    if np.abs(scaled).max() > 1.0 + _ROUNDING:
        raise ValueError(f"a difference exceeds the width of {width}")
    gain, loss = float(np.maximum(scaled, 0.0).mean()), float(np.maximum(-scaled, 0.0).mean())
    # All but all of it gained, or lost: what is left is rounding.
    if gain + loss - (gain - loss) ** 2 <= _ROUNDING:
        return None
    error = max(found.standard_error, alone.standard_error) / width
    return PairedMean(gain, loss, error, found.clusters)
