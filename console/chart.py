"""One measured number as a small drawing: its interval and estimate on a scale, against the limit."""

from typing import NamedTuple

from aftertune.values.evaluation import Budget, Difference, Gate, Score
from aftertune.values.verdict import Measurement

WIDTH, HEIGHT = 240.0, 34.0
_MARGIN = 8.0


class Chart(NamedTuple):
    """Positions in drawing units, from the left. The bad side of the limit runs from `bad_from` to `bad_to`."""

    limit: float | None
    estimate: float | None
    low: float | None
    high: float | None
    bad_from: float
    bad_to: float
    text: str


class _Measured(NamedTuple):
    metric: str
    estimate: float | None
    low: float | None
    high: float | None


def chart(measurement: Measurement) -> Chart:
    """A guardrail's rate is bad above its limit, a comparison's estimate below it."""
    m = measurement
    return _drawn(_Measured(m.metric, m.estimate, m.low, m.high), m.limit, bad_above=m.check == "guardrail")


def score_chart(measured: Score | Difference, gates: tuple[Gate, ...]) -> Chart:
    """Against the strictest limit that a gate sets for it, if one does: below it is bad, or above where less is better."""
    limits = [gate for gate in gates if tests(gate, measured)]
    m = _Measured(measured.metric, measured.estimate, measured.low, measured.high)
    if low := [gate.limit for gate in limits if gate.bound.is_low]:
        return _drawn(m, max(low), bad_above=False)
    return _drawn(m, min((gate.limit for gate in limits), default=None), bad_above=True)


def tests(gate: Gate, measured: Score | Difference) -> bool:
    """Whether the gate stands on this number. A gate that names no baseline is of any."""
    if gate.metric != measured.metric or gate.bound.of_difference is isinstance(measured, Score):
        return False
    return isinstance(measured, Score) or gate.baseline in ("", measured.baseline)


def budget_chart(budget: Budget) -> Chart:
    """What was spent, and what at most, against the margin."""
    m = _Measured(f"{budget.skill} spent", budget.spent, budget.spent, budget.spent_at_most)
    return _drawn(m, budget.margin, bad_above=True)


def _drawn(m: _Measured, limit: float | None, *, bad_above: bool) -> Chart:
    marks = [value for value in (m.low, m.high, m.estimate, limit, 0.0) if value is not None]
    least, most = min(marks), max(marks)
    room = (most - least) * 0.08 or 0.05
    least, most = least - room, most + room

    def at(value: float | None) -> float | None:
        if value is None:
            return None
        return round(_MARGIN + (value - least) / (most - least) * (WIDTH - 2 * _MARGIN), 1)

    edge = at(limit)
    bad_from, bad_to = (0.0, 0.0) if edge is None else (edge, WIDTH) if bad_above else (0.0, edge)
    return Chart(
        edge, at(m.estimate), at(m.low), at(m.high), bad_from, bad_to, _text(m, limit, bad_above=bad_above)
    )


def _text(m: _Measured, limit: float | None, *, bad_above: bool) -> str:
    side = "at most" if bad_above else "at least"
    wanted = "" if limit is None else f"; should be {side} {limit:.3f}"
    if m.estimate is None or m.low is None or m.high is None:
        return f"{m.metric}: nothing measured{wanted}"
    return f"{m.metric}: {m.estimate:.3f}, interval {m.low:.3f} to {m.high:.3f}{wanted}"
