"""What the router is to reach, floor and target, and whether it does."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.router import figures
from benchmarks.router.figures import Figure
from benchmarks.router.ours import NAME
from benchmarks.router.peers import LITELLM_MIRROR, NGINX_MIRROR, PRODUCTION_STACK
from benchmarks.router.reading import Reading


@dataclass(frozen=True)
class Goal:
    """`most`: the value must not be above floor and target, else not below. A goal without figure was not measured."""

    what: str
    unit: str
    value: Figure | None
    floor: float
    target: float
    most: bool = True
    strict: bool = False
    """Below the target, not at it."""

    @property
    def floor_met(self) -> bool | None:
        return None if self.value is None else self._meets(self.floor)

    @property
    def target_met(self) -> bool | None:
        if self.value is None:
            return None
        return self._meets(self.target) and not (self.strict and self.value.value == self.target)

    def _meets(self, bound: float) -> bool:
        assert self.value is not None
        return self.value.value <= bound if self.most else self.value.value >= bound


PRODUCTION_STACK_CPU = 12.88
"""Of nginx mirror's: its router of August 2026, which neither mirrors nor records. Measured in November 2026 like here,
on 2 cores of AMD EPYC; for where it cannot be had."""


def estimate(readings: Sequence[Reading]) -> float | None:
    """Requests a second a core, of production-stack's, by that earlier measurement."""
    cpu = figures.ratio(readings, NAME, NGINX_MIRROR, figures.cpu_us)
    return None if cpu is None else PRODUCTION_STACK_CPU / cpu.value


def goals(readings: Sequence[Reading]) -> list[Goal]:
    """In the order of the page."""
    mine = [reading for reading in readings if reading.peer == NAME]

    def ratio(other: str, quantity: figures.Quantity) -> Figure | None:
        return figures.ratio(readings, NAME, other, quantity)

    def own(quantity: figures.Quantity) -> Figure | None:
        return figures.over_rounds(mine, NAME, quantity)

    return [
        Goal(
            "CPU a request, of nginx mirror's",
            "×",
            ratio(NGINX_MIRROR, figures.cpu_us),
            1.3,
            1.0,
            strict=True,
        ),
        Goal(
            "requests a second a core, of production-stack's",
            "×",
            ratio(PRODUCTION_STACK, figures.per_core),
            10,
            15,
            most=False,
        ),
        Goal("p50 added, of production-stack's", "×", ratio(PRODUCTION_STACK, figures.added_p50), 1.0, 0.1),
        Goal(
            "requests a second a core, of LiteLLM's with its mirror",
            "×",
            ratio(LITELLM_MIRROR, figures.per_core),
            200,
            300,
            most=False,
        ),
        Goal("p50 added at 200 requests a second", "µs", own(figures.added_p50), 300, 200),
        Goal("p50 added to a chunk of a stream", "µs", own(figures.chunk_p50), 90, 60),
        Goal("chunks a second a core", "", own(figures.chunks_per_core), 20_000, 30_000, most=False),
        *_trouble(mine),
        Goal(
            "requests mirrored at capacity, least round",
            "%",
            figures.worst((figures.copied_percent(reading) for reading in mine), most=False),
            99,
            99,
            most=False,
        ),
        Goal(
            "exchanges missing or twice in the spool, worst round",
            "",
            figures.worst(figures.misrecorded(reading) for reading in mine),
            0,
            0,
        ),
        Goal("peak memory of a process", "MB", own(figures.peak_mb), 80, 50),
    ]


def _trouble(mine: Sequence[Reading]) -> list[Goal]:
    """At capacity the medians are only targets: there the floor asks nothing."""
    slow = [reading.slow for reading in mine if reading.slow is not None]
    dead = [reading.dead for reading in mine if reading.dead is not None]
    endless = float("inf")
    return [
        goal
        for name, troubles in (("slow (500 ms)", slow), ("dead", dead))
        for goal in (
            Goal(
                f"shadow {name}: change of p50 at 200 requests a second",
                "µs",
                figures.figure(trouble.paced_p50 for trouble in troubles),
                100,
                100,
            ),
            Goal(
                f"shadow {name}: change of p50 at capacity",
                "µs",
                figures.figure(trouble.full_p50 for trouble in troubles),
                endless,
                100,
            ),
            Goal(
                f"shadow {name}: errors, worst round",
                "",
                figures.worst(float(trouble.errors) for trouble in troubles),
                0,
                0,
            ),
        )
    ]
