"""What one peer showed in one round. Times are in microseconds; None: it was not measured or does not apply."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Capacity:
    """All connections busy."""

    cpu_us: float
    per_s: float
    p50: float | None
    errors: int
    copied: float | None
    connected: float
    others: float
    """`copied`: copies that reached the shadow, of the requests answered. `connected`: connections opened to engine and
    shadow, for each request. `others`: share of the proxy's core that was taken by programs that are not part of this."""


@dataclass(frozen=True)
class Pace:
    """Added to direct at a constant rate: differences of percentiles. `brisk_p50`: at five times that rate."""

    p10: float | None
    p50: float | None
    p90: float | None
    brisk_p50: float | None
    errors: int


@dataclass(frozen=True)
class Streams:
    """`first`: from request to first chunk, `chunk`: from writing to reading, both added to direct."""

    first_p50: float | None
    chunk_p50: float | None
    cpu_us: float
    whole: float
    """`cpu_us` is for each chunk. `whole`: reads at the client that brought chunks, for each chunk; 1 is one by one."""
    errors: int


@dataclass(frozen=True)
class Trouble:
    """With a shadow that is not well: changes of the medians against the same round without trouble."""

    paced_p50: float | None
    full_p50: float | None
    errors: int


@dataclass(frozen=True)
class Record:
    """Our spool against what was asked: answers to clients, answers of the shadow, and marks of what was not written."""

    stable_expected: int
    stable_found: int
    shadow_expected: int
    shadow_found: int
    gaps: int

    @property
    def exact(self) -> bool:
        expected = (self.stable_expected, self.shadow_expected, 0)
        return expected == (self.stable_found, self.shadow_found, self.gaps)


@dataclass(frozen=True)
class Reading:
    peer: str
    round: int
    capacity: Capacity
    pace: Pace
    streams: Streams
    slow: Trouble | None
    dead: Trouble | None
    peak_mb: float
    record: Record | None
