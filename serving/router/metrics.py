"""The router's metrics, in a registry of their own."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from aftertune import telemetry
from aftertune.values.exchange import ExchangeHeader

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
NONE = "none"
"""The labels of requests that reached no deployment: a client's own words never become a label."""


class Metrics:
    """Counts for one process; `render` is what a scrape gets."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            telemetry.REQUESTS,
            "Requests and copies, by how they ended.",
            ("deployment", "role", "code_class"),
            registry=registry,
        )
        self._seconds = Histogram(
            telemetry.REQUEST_SECONDS,
            "Arrival to last byte.",
            ("deployment", "role"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._first_byte = Histogram(
            telemetry.FIRST_BYTE_SECONDS,
            "Arrival to first byte.",
            ("deployment", "role"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._dropped = Counter(
            telemetry.MIRROR_DROPPED, "Copies that were not sent.", ("reason",), registry=registry
        )
        self._generation = Gauge(
            telemetry.ROUTE_GENERATION, "Generation in force.", ("deployment",), registry=registry
        )
        self.mirror_pending = Gauge(telemetry.MIRROR_PENDING, "Copies that wait.", registry=registry)
        self.spool_records = Counter(telemetry.SPOOL_RECORDS, "Records written.", registry=registry)
        self.spool_errors = Counter(telemetry.SPOOL_ERRORS, "Records lost.", registry=registry)
        self.revision = Gauge(
            telemetry.ROUTING_REVISION, "Revision of the routing table in force.", registry=registry
        )
        self.table_refused = Counter(
            telemetry.TABLE_REFUSED, "Routing tables refused as too old.", registry=registry
        )
        # A labelled child is costly to look up, and there are few.
        self._request_child = cache(self._requests.labels)
        self._seconds_child = cache(self._seconds.labels)
        self._first_byte_child = cache(self._first_byte.labels)

    def exchanged(self, header: ExchangeHeader) -> None:
        """Count one leg that ended."""
        labels = (header.deployment, header.role.value)
        self._request_child(*labels, code_class(header.status)).inc()
        if header.first_byte is not None:
            seconds = (header.first_byte - header.arrival).total_seconds()
            self._first_byte_child(*labels).observe(seconds)
        if header.last_byte is not None:
            self._seconds_child(*labels).observe((header.last_byte - header.arrival).total_seconds())

    def refused(self, status: int) -> None:
        """Count one request that reached no engine."""
        self._request_child(NONE, NONE, code_class(status)).inc()

    def dropped(self, reason: str) -> None:
        self._dropped.labels(reason).inc()

    def routed(self, revision: int, generations: dict[str, int]) -> None:
        """Show the table in force."""
        self.revision.set(revision)
        self._generation.clear()
        for deployment, generation in generations.items():
            self._generation.labels(deployment).set(generation)

    def render(self) -> bytes:
        return generate_latest(self._registry)


def code_class(status: int) -> str:
    """`2xx` to `5xx`; `none` when the engine gave no status."""
    return f"{status // 100}xx" if status else NONE
