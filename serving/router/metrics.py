"""The router's metrics: plain numbers in the event loop, given their Prometheus form when they are scraped."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from aftertune import telemetry
from aftertune.values.exchange import ExchangeRole

BUCKETS: Final[tuple[float, ...]] = (0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds in seconds."""
NONE: Final = "none"
"""The labels of requests that reached no deployment: a client's own words never become a label."""


class _Seconds:
    """A histogram."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        bucket = 0
        for bound in BUCKETS:
            if seconds <= bound:
                break
            bucket += 1
        self.counts[bucket] += 1
        self.sum += seconds

    def buckets(self) -> list[tuple[str, float]]:
        total, cumulated = 0, []
        for bound, n in zip((*map(str, BUCKETS), "+Inf"), self.counts, strict=True):
            total += n
            cumulated.append((bound, float(total)))
        return cumulated


class _Series:
    """What is counted for one deployment and role."""

    __slots__ = ("first_byte", "statuses", "whole")

    def __init__(self) -> None:
        self.statuses = [0] * 6
        self.first_byte = _Seconds()
        self.whole = _Seconds()


class Metrics(Collector):
    """Counts for one process; `render` is what a scrape gets."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._series: dict[tuple[str, str], _Series] = {}
        self._counters: dict[str, Counter[str]] = {name: Counter() for name in _COUNTERS}
        self._gauges: dict[str, Callable[[], float]] = {}
        self._generations: dict[str, int] = {}
        self._revision = -1
        self._pinned: tuple[str, ...] = ()
        self.registry.register(self)

    def exchanged(
        self,
        deployment: str,
        role: ExchangeRole,
        status: int,
        first_byte_s: float | None,
        whole_s: float | None,
    ) -> None:
        """Count one leg that ended; seconds from its arrival, None where nothing came."""
        series = self._series.get((deployment, role))
        if series is None:
            series = self._series[deployment, role] = _Series()
        series.statuses[status // 100 if status < 600 else 0] += 1
        if first_byte_s is not None:
            series.first_byte.observe(first_byte_s)
        if whole_s is not None:
            series.whole.observe(whole_s)

    def refused(self, status: int) -> None:
        """Count one request that reached no engine."""
        self._series.setdefault((NONE, NONE), _Series()).statuses[status // 100] += 1

    def dropped(self, reason: str) -> None:
        """A copy that was not sent."""
        self._counters[telemetry.MIRROR_DROPPED][reason] += 1

    def limited(self, limit: str) -> None:
        """A request that its key's limit refused."""
        self._counters[telemetry.LIMITED][limit] += 1

    def retried(self, why: str) -> None:
        """A request that went to another engine because one gave no answer."""
        self._counters[telemetry.RETRIES][why] += 1

    def turned_away(self) -> None:
        """A connection too many."""
        self._counters[telemetry.TURNED_AWAY][NONE] += 1

    def refused_table(self) -> None:
        """A routing table that is older than the one in force."""
        self._counters[telemetry.TABLE_REFUSED][NONE] += 1

    def routed(self, revision: int, generations: Mapping[str, int]) -> None:
        """Show the table in force."""
        self._revision = revision
        self._generations = dict(generations)

    def gauge(self, name: str, value: Callable[[], float]) -> None:
        """Show what `value` says at each scrape."""
        self._gauges[name] = value

    def pinned(self, pinned: Mapping[str, str]) -> None:
        """Show the pins in force: deployment → release."""
        self._pinned = tuple(pinned)

    def refused_pin(self) -> None:
        """A pin file that cannot be trusted."""
        self._counters[telemetry.PIN_REFUSED][NONE] += 1

    def render(self) -> bytes:
        return generate_latest(self.registry)

    def collect(self) -> Iterable[Metric]:
        yield from self._exchanges()
        for name, counter in self._counters.items():
            what, label = _COUNTERS[name]
            family = CounterMetricFamily(name, what, labels=(label,) if label else ())
            for value in counter if label else (NONE,):
                family.add_metric((value,) if label else (), counter[value])
            yield family
        for name, shown in self._gauges.items():
            yield GaugeMetricFamily(name, _GAUGES[name], shown())
        yield GaugeMetricFamily(
            telemetry.ROUTING_REVISION, "Revision of the routing table in force.", self._revision
        )
        generations = GaugeMetricFamily(
            telemetry.ROUTE_GENERATION, "Generation in force.", labels=("deployment",)
        )
        for deployment, generation in self._generations.items():
            generations.add_metric((deployment,), generation)
        yield generations
        pinned = GaugeMetricFamily(
            telemetry.ROUTE_PINNED, "1 while a pin file holds it.", labels=("deployment",)
        )
        for deployment in self._pinned:
            pinned.add_metric((deployment,), 1)
        yield pinned

    def _exchanges(self) -> Iterator[Metric]:
        labels = ("deployment", "role")
        requests = CounterMetricFamily(
            telemetry.REQUESTS, "Requests and copies, by how they ended.", labels=(*labels, "code_class")
        )
        whole = HistogramMetricFamily(telemetry.REQUEST_SECONDS, "Arrival to last byte.", labels=labels)
        first = HistogramMetricFamily(telemetry.FIRST_BYTE_SECONDS, "Arrival to first byte.", labels=labels)
        for (deployment, role), series in self._series.items():
            for hundreds, n in enumerate(series.statuses):
                if n:
                    requests.add_metric((deployment, role, code_class(hundreds * 100)), n)
            if deployment != NONE:
                whole.add_metric((deployment, role), series.whole.buckets(), series.whole.sum)
                first.add_metric((deployment, role), series.first_byte.buckets(), series.first_byte.sum)
        yield from (requests, whole, first)


_COUNTERS: Final = {
    telemetry.MIRROR_DROPPED: ("Copies that were not sent.", "reason"),
    telemetry.LIMITED: ("Requests that a key's limit refused.", "reason"),
    telemetry.RETRIES: ("Requests that went to another engine.", "reason"),
    telemetry.TURNED_AWAY: ("Connections beyond the most that are served.", ""),
    telemetry.TABLE_REFUSED: ("Routing tables refused as too old.", ""),
    telemetry.PIN_REFUSED: ("Pin files that could not be trusted.", ""),
}
_GAUGES: Final = {
    telemetry.MIRROR_PENDING: "Copies that wait.",
    telemetry.CONNECTIONS: "Clients that are connected.",
    telemetry.ENGINE_CONNECTIONS: "Connections to engines.",
    telemetry.DRAINING: "1 while the router stops and lets answers end.",
}


def code_class(status: int) -> str:
    """`2xx` to `5xx`; `none` when the engine gave no status."""
    return f"{status // 100}xx" if status else NONE
