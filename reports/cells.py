"""How sections write moments, shares, quantiles and tables."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from scipy.stats import binom

from aftertune.stats.interval import wilson
from reports.document import Cell, Column, Figure, Table

CONFIDENCE = 0.95
WILSON = "Wilson score"
ORDER = "order statistics"


def moment(at: datetime | None) -> str:
    """UTC to the second; a dash where there is none."""
    return "–" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def count(n: int, unit: str = "") -> Figure:
    """A complete count: no sample, hence no interval."""
    return Figure(value=n, unit=unit)


def share(hits: int, n: int, why: str, unmeasured: int | None = None) -> Figure:
    """A proportion with Wilson's interval; `why` it is missing when n = 0."""
    if n == 0:
        return Figure(value=None, unit="share", n=0, unmeasured=unmeasured, missing=why)
    low, high = wilson(hits, n, CONFIDENCE)
    return Figure(
        value=hits / n,
        unit="share",
        n=n,
        unmeasured=unmeasured,
        low=low,
        high=high,
        confidence=CONFIDENCE,
        method=WILSON,
    )


def quantile(values: Sequence[float], q: float, unit: str, why: str) -> Figure:
    """The smallest value with at least a share q of all at or below it.

    Its interval runs between order statistics and assumes no distribution (W. J. Conover, Practical
    Nonparametric Statistics, 3.2). An end that the sample is too small for is left out.
    """
    n = len(values)
    if n == 0:
        return Figure(value=None, unit=unit, n=0, missing=why)
    ordered = sorted(values)
    tail = (1 - CONFIDENCE) / 2
    low, high = int(binom.ppf(tail, n, q)), int(binom.ppf(1 - tail, n, q)) + 1
    return Figure(
        value=ordered[min(n - 1, max(0, -int(-q * n // 1) - 1))],
        unit=unit,
        n=n,
        low=ordered[low - 1] if low >= 1 else None,
        high=ordered[high - 1] if high <= n else None,
        confidence=CONFIDENCE,
        method=ORDER,
    )


def table(
    title: str, columns: Iterable[tuple[str, str]], rows: Iterable[Sequence[Cell]], note: str = ""
) -> Table:
    """Columns as (name, title); a name that ends in `*` is wide."""
    heads = tuple(
        Column(name=name.removesuffix("*"), title=head, wide=name.endswith("*")) for name, head in columns
    )
    return Table(title=title, note=note, columns=heads, rows=tuple(tuple(row) for row in rows))
