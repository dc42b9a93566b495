"""Figures over rounds: medians with their range, and ratios taken inside each round before they are summed up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from benchmarks.router.reading import Reading

Quantity = Callable[[Reading], float | None]


@dataclass(frozen=True)
class Figure:
    """Over n rounds: their median, or whatever else sums them up, with the least and the greatest."""

    value: float
    least: float
    greatest: float
    n: int


def figure(values: Iterable[float | None]) -> Figure | None:
    """None when no round has a value."""
    known = [value for value in values if value is not None]
    return Figure(median(known), min(known), max(known), len(known)) if known else None


def worst(values: Iterable[float | None], *, most: bool = True) -> Figure | None:
    """Summed up by the greatest, or by the least: one bad round is not hidden by a median."""
    found = figure(values)
    return found and replace(found, value=found.greatest if most else found.least)


def over_rounds(readings: Sequence[Reading], peer: str, quantity: Quantity) -> Figure | None:
    return figure(quantity(reading) for reading in readings if reading.peer == peer)


def ratio(readings: Sequence[Reading], peer: str, other: str, quantity: Quantity) -> Figure | None:
    """`peer` to `other`, of the rounds in which both were measured; rounds where the other has 0 or less do not count."""
    against = {reading.round: quantity(reading) for reading in readings if reading.peer == other}
    return figure(
        value / base
        for reading in readings
        if reading.peer == peer
        and (value := quantity(reading)) is not None
        and (base := against.get(reading.round)) is not None
        and base > 0
    )


def cpu_us(reading: Reading) -> float | None:
    """For each request."""
    return reading.capacity.cpu_us or None


def per_core(reading: Reading) -> float | None:
    """Requests a second that one core can carry: what a request's CPU leaves room for."""
    return 1e6 / reading.capacity.cpu_us if reading.capacity.cpu_us else None


def chunks_per_core(reading: Reading) -> float | None:
    return 1e6 / reading.streams.cpu_us if reading.streams.cpu_us else None


def added_p50(reading: Reading) -> float | None:
    return reading.pace.p50


def brisk_p50(reading: Reading) -> float | None:
    return reading.pace.brisk_p50


def chunk_p50(reading: Reading) -> float | None:
    return reading.streams.chunk_p50


def peak_mb(reading: Reading) -> float | None:
    return reading.peak_mb


def errors(reading: Reading) -> int:
    """While nothing is wrong."""
    return reading.capacity.errors + reading.pace.errors + reading.streams.errors


def copied_percent(reading: Reading) -> float | None:
    """Of the requests at capacity."""
    return None if reading.capacity.copied is None else 100 * reading.capacity.copied


def misrecorded(reading: Reading) -> float | None:
    """Exchanges that the spool lacks or has too many."""
    record = reading.record
    if record is None:
        return None
    return float(
        abs(record.stable_found - record.stable_expected) + abs(record.shadow_found - record.shadow_expected)
    )
