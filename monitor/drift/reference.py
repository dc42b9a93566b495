"""What used to be normal, and how far an observation lies from it. Vectors have length 1; distances lie in [0, 2]."""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]

NEAREST = 3
"""Novelty is the mean distance to so many: one odd reference prompt hides nothing."""
ALIKE = 5
"""So many reference prompts say how far an answer usually lies from its prompt."""
FAMILIAR_SHARE = 0.9
SAME = 0.7
"""Texts that are no further apart say the same with other names and numbers, so none is newer than the other."""
STRAYS = 0.05
"""An answer that lies so little further from its prompt than usual is as usual."""


def novelties(prompts: Matrix, among: Matrix) -> NDArray[np.float64]:
    """The mean distance of each prompt to its nearest in `among`."""
    return _mean_nearest(_distances(prompts, among))


class PromptReference:
    """Prompts of the reference, one a row."""

    def __init__(self, rows: Matrix) -> None:
        self._prompts = _unit(rows)

    def scores(self, rows: Matrix) -> list[tuple[float] | None]:
        """How new each prompt is, at least SAME; never None."""
        return [(max(SAME, float(novelty)),) for novelty in novelties(_unit(rows), self._prompts)]


class AnswerReference:
    """Prompts and their answers, side by side in a row.

    Only familiar prompts are judged, those that are no newer than nine tenths of the reference's own: what an
    answer to a new kind of question looks like says nothing about the model.
    """

    def __init__(self, rows: Matrix) -> None:
        self._prompts, self._answers = _halves(rows)
        own = _distances(self._prompts, self._prompts)
        np.fill_diagonal(own, np.inf)
        self._familiar = float(np.quantile(_mean_nearest(own), FAMILIAR_SHARE))
        self._usual = _apart(self._prompts, self._answers)

    def scores(self, rows: Matrix) -> list[tuple[float, float] | None]:
        """Two for each row, None where the prompt is not familiar.

        First: how much further the answer lies from its prompt than the answers to the prompts most like it do, at
        least STRAYS. Second: the distance to the answer to the reference prompt that is most like it, at least SAME.
        """
        prompts, answers = _halves(rows)
        distances = _distances(prompts, self._prompts)
        familiar = _mean_nearest(distances) <= self._familiar
        alike = np.argsort(distances, axis=1, kind="stable")[:, :ALIKE]
        strayed = _apart(prompts, answers) - self._usual[alike].mean(axis=1)
        unlike = _apart(answers, self._answers[alike[:, 0]])
        return [
            (max(STRAYS, float(first)), max(SAME, float(second))) if known else None
            for first, second, known in zip(strayed, unlike, familiar, strict=True)
        ]


def _unit(rows: Matrix) -> Matrix:
    """Of length 1 again: rounding to 16 bits moves a vector away from itself."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _halves(rows: Matrix) -> tuple[Matrix, Matrix]:
    one, other = np.hsplit(rows, 2)
    return _unit(one), _unit(other)


def _distances(one: Matrix, other: Matrix) -> NDArray[np.float64]:
    return _chord((one @ other.T).astype(np.float64))


def _apart(one: Matrix, other: Matrix) -> NDArray[np.float64]:
    """Row by row."""
    return _chord(np.einsum("ij,ij->i", one, other).astype(np.float64))


def _chord(cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.sqrt(np.maximum(0.0, 2.0 - 2.0 * cosines))
    return distances


def _mean_nearest(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    nearest = np.partition(distances, NEAREST - 1, axis=1)[:, :NEAREST]
    return np.asarray(nearest.mean(axis=1))
