"""What a scorer's number means, which way it improves, and how it is put together from samples."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from aftertune.values.evaluation import Better
from evals.suite.sample import Sample

Aggregate = Callable[[NDArray[np.float64]], float]
"""From the statistics of samples, one row each, to their number; NaN where they have none."""


class Kind(StrEnum):
    """share: each sample is 0 or 1. mean: a number each. aggregate: one number of all samples, from their statistics."""

    SHARE = "share"
    MEAN = "mean"
    AGGREGATE = "aggregate"


@dataclass(frozen=True)
class Metric:
    """`low` and `high` bound what a sample's score, or an aggregate, can be; None: nothing bounds it.

    A `reached` metric is a share of those answers only that came so far; every other counts for each sample to which
    it applies (None: to all that the scorer can score), whatever was answered.
    """

    name: str
    meaning: str
    kind: Kind = Kind.SHARE
    better: Better = Better.HIGHER
    reached: bool = False
    applies: Callable[[Sample], bool] | None = None
    aggregate: Aggregate | None = None
    signature: str = ""
    low: float | None = 0.0
    high: float | None = 1.0

    def __post_init__(self) -> None:
        if (self.kind is Kind.AGGREGATE) != (self.aggregate is not None):
            raise ValueError(f"{self.name}: an aggregate metric, and no other, has an aggregate")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"{self.name}: scores lie between two ends, not from {self.low} to {self.high}")

    @property
    def ends(self) -> tuple[float, float] | None:
        """The least and the most that a sample's score can be; None where one of them is not known, or it has none."""
        if self.kind is Kind.AGGREGATE or self.low is None or self.high is None:
            return None
        return self.low, self.high
