"""Does one question get one answer. Three definitions, because each is called consistency by somebody.

One answer that comes 98 % of the time, independently, scores 98 % by the first, 96 % by the second and 82 % by the
third over ten runs. Each is of one sample, None with fewer than two runs; a suite's number is the mean over samples.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np


def modal_share(answers: Sequence[Hashable]) -> float | None:
    """The share of runs that gave the most frequent answer: in [1/n, 1]."""
    if len(answers) < 2:
        return None
    return max(Counter(answers).values()) / len(answers)


def pairwise_agreement(answers: Sequence[Hashable]) -> float | None:
    """The share of pairs of different runs that agree: in [0, 1], unbiased for two fresh runs."""
    n = len(answers)
    if n < 2:
        return None
    return sum(count * (count - 1) for count in Counter(answers).values()) / (n * (n - 1))


def all_identical(answers: Sequence[Hashable]) -> float | None:
    """1 when all runs agree, else 0. It falls with the number of runs: name that with it."""
    if len(answers) < 2:
        return None
    return float(len(set(answers)) == 1)


class VarianceSplit(NamedTuple):
    """Variances of one rating: from a sample's one answer to its next, and from one judging of an answer to the next.

    None where nothing can tell: no sample with two answers, no answer judged twice.
    """

    answers: float | None
    judge: float | None


def variance_split(ratings: Sequence[Sequence[Sequence[float]]]) -> VarianceSplit:
    """`ratings[sample][answer][repeat]`, of any lengths: the nested analysis of variance, samples being fixed.

    S. Searle, G. Casella, C. McCulloch, "Variance components" (1992), section 3.6 and appendix F, for unequal
    numbers. An answers' variance estimated below 0 is 0, as usual: the judge's noise explains all that was seen.
    """
    samples = [
        [np.asarray(answer, dtype=np.float64) for answer in sample if len(answer)] for sample in ratings
    ]
    answers = [answer for sample in samples for answer in sample]
    repeats = sum(answer.size - 1 for answer in answers)
    if not repeats:
        return VarianceSplit(None, None)
    judge = sum(float(((answer - answer.mean()) ** 2).sum()) for answer in answers) / repeats
    several = [sample for sample in samples if len(sample) > 1]
    if not several:
        return VarianceSplit(None, judge)
    between = freedom = weight = 0.0
    for sample in several:
        sizes, everything = np.array([answer.size for answer in sample]), np.concatenate(sample)
        means = np.array([answer.mean() for answer in sample])
        between += float((sizes * (means - everything.mean()) ** 2).sum())
        freedom += len(sample) - 1
        weight += everything.size - float((sizes**2).sum()) / everything.size
    return VarianceSplit(max(0.0, (between - freedom * judge) / weight), judge)
