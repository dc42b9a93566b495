"""Nights that were read once and need not be read again: the watch holds each new one against all before it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from math import inf, isfinite, isinf, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun, SampleResult, Signature
from evals.conclusion.slices import Slice
from evals.conclusion.watch import Night, night_of

MOST_SCORES = 4_000_000
"""Kept in memory, of 8 bytes each: a year of 25 suites with 400 samples and a metric; what was not used longest goes."""


class Nights:
    """Of runs that have ended, whose scores do not change any more. For one room, whose suites are always the same."""

    def __init__(self, most: int = MOST_SCORES) -> None:
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._scores = 0

    def night(self, tx: Transaction, run: EvaluationRun, cuts: Sequence[Slice]) -> Night:
        """The run's, by these metrics, which are those of its suite. It is read from the store the first time only."""
        kept = self._kept.pop(run.id, None)
        if kept is None:
            found = read_night(tx, run, cuts)
            kept = _Kept(found.signature, {cut.name: _packed(found.scores[cut.name], cut) for cut in cuts})
            self._scores += kept.size
        else:
            found = Night(
                run.id, kept.signature, {cut.name: _unpacked(kept.scores[cut.name], cut) for cut in cuts}
            )
        self._kept[run.id] = kept
        while self._scores > self._most and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._scores -= oldest.size
        return found


def read_night(tx: Transaction, run: EvaluationRun, cuts: Sequence[Slice]) -> Night:
    """A run without scores measured nothing, whatever of it was answered."""
    stored = tx.evaluations.scores(run.id, run.release) if run.scores else {}
    results = [
        SampleResult(run=run.id, sample=sample, release=run.release, scores=scores)
        for sample, scores in stored.items()
    ]
    return night_of(run, cuts, results)


class _Kept(NamedTuple):
    """By metric, in the order of its slice: a score, NaN where it was not measured, infinity where nothing is stored."""

    signature: Signature | None
    scores: Mapping[str, NDArray[np.float64]]

    @property
    def size(self) -> int:
        return sum(each.size for each in self.scores.values())


def _packed(scores: Mapping[str, float | None], cut: Slice) -> NDArray[np.float64]:
    return np.array([_number(scores[sample]) if sample in scores else inf for sample in cut.clusters])


def _number(score: float | None) -> float:
    return score if score is not None and isfinite(score) else nan


def _unpacked(scores: NDArray[np.float64], cut: Slice) -> dict[str, float | None]:
    return {
        sample: score if isfinite(score) else None
        for sample, score in zip(cut.clusters, scores.tolist(), strict=True)
        if not isinf(score)
    }
