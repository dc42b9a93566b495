"""Drawings over time: scores of a suite, and the drift charts."""

import threading
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from aftertune.plot import TrendPoint, trend_svg
from aftertune.values.drift import DriftReading, DriftState
from aftertune.values.evaluation import Bound, Difference, EvaluationRun, Gate, Score
from aftertune.values.value import Value

RELEASES_DRAWN = 4
"""Lines that a reader can tell apart."""

_ONE_AT_A_TIME = threading.Lock()
"""matplotlib's settings belong to the process, and pages are made in threads."""


class Trend(Value):
    """One gated number of a suite. `role`: what a difference is taken from. `series`: release → its runs, oldest first."""

    metric: str
    bound: Bound
    role: str
    limit: float
    series: dict[str, tuple[TrendPoint, ...]]

    @property
    def label(self) -> str:
        name = self.metric.replace("_", " ")
        if not self.bound.of_difference:
            return name
        return f"{name}, release − {self.role.replace('_', ' ') or 'baseline'}"


def suite_trends(runs: Sequence[EvaluationRun]) -> tuple[Trend, ...]:
    """One for each gate of the newest run that has gates. `runs` are of one suite, newest first.

    Of many releases, those that ran last are drawn.
    """
    newest = next((run for run in runs if run.gates), None)
    if newest is None:
        return ()
    drawn = list(dict.fromkeys(run.release for run in runs if run.state.final))[:RELEASES_DRAWN]
    oldest_first = [run for run in reversed(runs) if run.state.final]
    return tuple(
        Trend(
            metric=gate.metric,
            bound=gate.bound,
            role=role_of(newest, gate.baseline),
            limit=gate.limit,
            series={
                release: tuple(
                    _point(run, gate, role_of(newest, gate.baseline))
                    for run in oldest_first
                    if run.release == release
                )
                for release in reversed(drawn)
            },
        )
        for gate in newest.gates
    )


def role_of(run: EvaluationRun, baseline: str) -> str:
    """What a baseline was to the run: base, last_good, both, or unknown (empty)."""
    roles = run.signature.roles if run.signature else {}
    return " and ".join(role for role, release in sorted(roles.items()) if release == baseline)


def drift_series(readings: Sequence[DriftReading]) -> dict[str, tuple[TrendPoint, ...]]:
    """Chart → its statistic as a share of its threshold, oldest first; a gap where nothing was measured.

    `readings` are newest first.
    """
    names = dict.fromkeys(chart.name for reading in readings for chart in reading.charts)
    return {
        name: tuple(TrendPoint(reading.at, _share(reading, name)) for reading in reversed(readings))
        for name in sorted(names, reverse=True)
    }


def drawing(
    series: Mapping[str, Sequence[TrendPoint]], *, y_label: str, limit: float, limit_label: str
) -> Markup:
    """Of points at the same moment the last one is drawn."""
    moments = {name: tuple({point.at: point for point in points}.values()) for name, points in series.items()}
    with _ONE_AT_A_TIME:
        return Markup(  # noqa: S704  (made by our own drawing, which escapes names)
            trend_svg(moments, y_label=y_label, limit=limit, limit_label=limit_label)
        )


def _point(run: EvaluationRun, gate: Gate, role: str) -> TrendPoint:
    """A run of another time may have had another release in the baseline's role."""
    found: Score | Difference | None
    if gate.bound.of_difference:
        of_metric = [each for each in run.differences if each.metric == gate.metric]
        in_role = [each for each in of_metric if not role or role_of(run, each.baseline) == role]
        found = next(iter(in_role), None)
    else:
        found = next((each for each in run.scores if each.metric == gate.metric), None)
    at = run.ended_at or run.requested_at
    return TrendPoint(at, None) if found is None else TrendPoint(at, found.estimate, found.low, found.high)


def _share(reading: DriftReading, name: str) -> float | None:
    if reading.state is DriftState.NOT_MEASURED:
        return None
    chart = next((each for each in reading.charts if each.name == name), None)
    return None if chart is None or not chart.threshold else chart.statistic / chart.threshold
