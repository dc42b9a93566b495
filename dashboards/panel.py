"""What one panel of the board shows, and the queries that show it."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """Grafana's names of units."""

    PER_SECOND = "reqps"
    RECORDS_PER_SECOND = "cps"
    SHARE = "percentunit"
    SECONDS = "s"
    NUMBER = "short"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    SCORE = "none"


class Kind(StrEnum):
    """A course over time, or the newest values side by side."""

    COURSE = "timeseries"
    NEWEST = "stat"


@dataclass(frozen=True)
class Query:
    """`legend` names labels as `{{label}}`."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """`limit` is drawn as a line, in the panel's unit."""

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    kind: Kind = Kind.COURSE
    limit: float | None = None


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]
