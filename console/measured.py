"""A run's numbers in the order of a page: a metric, and under it the same metric on each task."""

from collections.abc import Iterable
from typing import NamedTuple

from aftertune.values.evaluation import Difference, Gate, Score
from console.chart import Chart, score_chart


class Row(NamedTuple):
    measured: Score | Difference
    chart: Chart


class Group(NamedTuple):
    """`slices` are of single tasks, named metric/task."""

    whole: Row
    slices: tuple[Row, ...]


def grouped(numbers: Iterable[Score | Difference], gates: tuple[Gate, ...]) -> list[Group]:
    """In the order given; a slice whose whole metric is missing stands for itself."""
    groups: list[Group] = []
    for each in numbers:
        row = Row(each, score_chart(each, gates))
        if groups and _is_slice(each, groups[-1].whole.measured):
            groups[-1] = Group(groups[-1].whole, (*groups[-1].slices, row))
        else:
            groups.append(Group(row, ()))
    return groups


def _is_slice(number: Score | Difference, whole: Score | Difference) -> bool:
    return number.metric.startswith(f"{whole.metric}/") and _baseline(number) == _baseline(whole)


def _baseline(number: Score | Difference) -> str:
    return number.baseline if isinstance(number, Difference) else ""
