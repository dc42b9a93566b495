"""The room's metrics, in a registry of their own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aftertune import telemetry


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.ingested = Counter(telemetry.INGESTED, "Exchanges stored", ["role"], registry=self.registry)
        self.refused = Counter(
            telemetry.INGEST_REFUSED,
            "Spool records or segments that could not be read",
            ["reason"],
            registry=self.registry,
        )
        self.pairs = Counter(telemetry.PAIRS, "Pairs stored", ["deployment"], registry=self.registry)
        self.verdicts = Counter(
            telemetry.VERDICTS, "Verdicts stored", ["stage", "outcome"], registry=self.registry
        )
        self.rollbacks = Counter(
            telemetry.ROLLBACKS, "Rollbacks that ended", ["state"], registry=self.registry
        )
        self.rollback_seconds = Histogram(
            telemetry.ROLLBACK_SECONDS,
            "From a rollback's request to its end",
            buckets=(0.25, 0.5, 1, 2, 5, 10, 30, 60),
            registry=self.registry,
        )
        self.revision = Gauge(
            telemetry.ROUTING_REVISION, "Revision of the published routing table", registry=self.registry
        )
        self.last_success = Gauge(
            telemetry.TICK_TIMESTAMP, "When a loop last succeeded", ["job"], registry=self.registry
        )
