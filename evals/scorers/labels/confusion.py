"""Precision and F1 of each class, and all three over classes, from counts that are added up over samples.

A class's own recall needs none of it: it is a share of that class's samples.

An unparseable answer misses its sample's class and belongs to none, so it lowers recall and no precision.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from evals.suite.metric import Aggregate, Kind, Metric

Cells = NDArray[np.float64]
"""(classes, 3): named and right, named and wrong, and missed."""


def cells(classes: Sequence[str], right: str, said: str | None) -> tuple[float, ...]:
    """One answer's row: three cells a class, in the order of the classes."""
    row: list[float] = []
    for each in classes:
        row += [
            float(each == right == said),
            float(each == said != right),
            float(each == right != said),
        ]
    return tuple(row)


def precision(counts: Cells) -> NDArray[np.float64]:
    """By class; NaN where the class was never named."""
    return _ratio(counts[:, 0], counts[:, 0] + counts[:, 1])


def recall(counts: Cells) -> NDArray[np.float64]:
    """By class; NaN where no sample has the class."""
    return _ratio(counts[:, 0], counts[:, 0] + counts[:, 2])


def f1(counts: Cells) -> NDArray[np.float64]:
    """By class: 2 right / (2 right + wrong + missed); NaN where the class neither is nor was named."""
    return _ratio(2 * counts[:, 0], 2 * counts[:, 0] + counts[:, 1] + counts[:, 2])


_MEASURES: dict[str, Callable[[Cells], NDArray[np.float64]]] = {
    "precision": precision,
    "recall": recall,
    "f1": f1,
}


def confusion_metrics(classes: Sequence[str]) -> tuple[Metric, ...]:
    """`precision_<class>` and `f1_<class>`, and the `macro_` means over classes."""
    found = []
    for measure, of in _MEASURES.items():
        for index, each in enumerate(classes if measure != "recall" else ()):
            found.append(
                Metric(
                    f"{measure}_{each}".replace(" ", "_"),
                    f"{measure} of the class {each!r}, over all samples",
                    Kind.AGGREGATE,
                    aggregate=_of_class(of, index, len(classes)),
                )
            )
        found.append(
            Metric(
                f"macro_{measure}",
                f"mean over classes of their {measure}; one that is missed altogether counts 0",
                Kind.AGGREGATE,
                aggregate=_over_classes(of, len(classes)),
            )
        )
    return tuple(found)


def _of_class(measure: Callable[[Cells], NDArray[np.float64]], index: int, classes: int) -> Aggregate:
    def aggregate(rows: NDArray[np.float64]) -> float:
        return float(measure(rows.sum(axis=0).reshape(classes, 3))[index])

    return aggregate


def _over_classes(measure: Callable[[Cells], NDArray[np.float64]], classes: int) -> Aggregate:
    def aggregate(rows: NDArray[np.float64]) -> float:
        counts = rows.sum(axis=0).reshape(classes, 3)
        there = counts.any(axis=1)
        return float(np.nan_to_num(measure(counts)[there]).mean()) if there.any() else float("nan")

    return aggregate


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
