"""The week's exchanges as a pandas frame, and its tables."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from reports.cells import count, quantile, share
from reports.document import Cell, Figure, Point
from reports.evidence import Line

STEPS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
)
MOST_POINTS = 60


def frame_of(lines: Sequence[Line]) -> pd.DataFrame:
    """One row for each exchange; missing numbers are NaN."""
    frame = pd.DataFrame.from_records(lines, columns=Line._fields)
    for column in ("latency_s", "first_byte_s", "length", "prompt_tokens", "completion_tokens", "valid"):
        frame[column] = pd.to_numeric(frame[column], errors="coerce")
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    frame["role"] = frame["role"].astype(str)
    return frame


def by_day(frame: pd.DataFrame, time_zone: str) -> Iterator[tuple[Cell, ...]]:
    """Day, deployment, release, role, exchanges, without a complete answer, valid answers, tokens."""
    days = frame["at"].dt.tz_convert(time_zone).dt.strftime("%Y-%m-%d").rename("day")
    for key, group in frame.groupby([days, "deployment", "release", "role"], sort=True):
        scored = group["valid"].dropna()
        yield (
            *(str(part) for part in key),
            count(len(group)),
            share(int((group["error"] != "").sum()), len(group), "no exchange"),
            share(int((scored == 1.0).sum()), len(scored), "no answer was scored", len(group) - len(scored)),
            _tokens(group, "prompt_tokens"),
            _tokens(group, "completion_tokens"),
        )


def latencies(frame: pd.DataFrame) -> Iterator[tuple[Cell, ...]]:
    """Deployment, release, role, what was timed, then the median, 95th and 99th percentile in seconds."""
    timed = (("last byte", "latency_s"), ("first byte", "first_byte_s"))
    for key, group in frame.groupby(["deployment", "release", "role"], sort=True):
        for what, column in timed:
            values = group[column].dropna().tolist()
            figures = (quantile(values, q, "s", f"no {what} was seen") for q in (0.5, 0.95, 0.99))
            yield (*(str(part) for part in key), f"to the {what}", *figures)


def errors(frame: pd.DataFrame) -> list[tuple[Cell, ...]]:
    """Deployment, release, role, error, exchanges; the most frequent first."""
    failed = frame[frame["error"] != ""]
    counted = failed.groupby(["deployment", "release", "role", "error"]).size()
    rows = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [(*(str(part) for part in _key(key)), count(int(n))) for key, n in rows]


def trend(frame: pd.DataFrame) -> dict[str, tuple[Point, ...]]:
    """Share of valid answers over time, for each release that answered users; steps fit the span."""
    users = frame[frame["role"].isin(("stable", "canary"))].dropna(subset=["valid"])
    if users.empty:
        return {}
    step = _step(users["at"].min(), users["at"].max())
    series: dict[str, tuple[Point, ...]] = {}
    for release, group in users.groupby("release", sort=True):
        points = []
        for at, part in group.resample(step, on="at"):
            figure = share(int((part["valid"] == 1.0).sum()), len(part), "no answer")
            points.append(
                Point(
                    at=pd.Timestamp(str(at)).to_pydatetime(),
                    value=figure.value,
                    low=figure.low,
                    high=figure.high,
                )
            )
        series[str(release)] = tuple(points)
    return series


def _step(first: datetime, last: datetime) -> timedelta:
    return next((step for step in STEPS if (last - first) / step <= MOST_POINTS), STEPS[-1])


def _tokens(group: pd.DataFrame, column: str) -> Figure:
    known = group[column].dropna()
    if known.empty:
        return Figure(value=None, n=0, missing="no engine reported them")
    return Figure(value=int(known.sum()), n=len(known), unmeasured=len(group) - len(known))


def _key(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)
