"""One measurement as a small drawing: its interval and estimate on a scale, against the limit."""

from typing import NamedTuple

from aftertune.values.verdict import Measurement

WIDTH, HEIGHT = 240.0, 34.0
_MARGIN = 8.0


class Chart(NamedTuple):
    """Positions in drawing units, from the left. The bad side of the limit runs from `bad_from` to `bad_to`."""

    limit: float
    estimate: float | None
    low: float | None
    high: float | None
    bad_from: float
    bad_to: float
    text: str


def chart(measurement: Measurement) -> Chart:
    """A guardrail's rate is bad above its limit, a comparison's estimate below it."""
    m = measurement
    marks = [value for value in (m.low, m.high, m.estimate, m.limit, 0.0) if value is not None]
    least, most = min(marks), max(marks)
    room = (most - least) * 0.08 or 0.05
    least, most = least - room, most + room

    def at(value: float) -> float:
        return round(_MARGIN + (value - least) / (most - least) * (WIDTH - 2 * _MARGIN), 1)

    limit = at(m.limit)
    bad_from, bad_to = (limit, WIDTH) if m.check == "guardrail" else (0.0, limit)
    return Chart(
        limit=limit,
        estimate=None if m.estimate is None else at(m.estimate),
        low=None if m.low is None else at(m.low),
        high=None if m.high is None else at(m.high),
        bad_from=bad_from,
        bad_to=bad_to,
        text=_text(m),
    )


def _text(m: Measurement) -> str:
    side = "at most" if m.check == "guardrail" else "at least"
    if m.estimate is None or m.low is None or m.high is None:
        return f"{m.metric}: nothing measured; should be {side} {m.limit:.3f}"
    return (
        f"{m.metric}: {m.estimate:.3f}, interval {m.low:.3f} to {m.high:.3f}; should be {side} {m.limit:.3f}"
    )
