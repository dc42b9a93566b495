"""The room's metrics, in a registry of their own."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from aftertune import telemetry


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reports = Counter(
            telemetry.REPORTS, "Reports that were built or failed", ["outcome"], registry=self.registry
        )
        self.last_success = Gauge(
            telemetry.TICK_TIMESTAMP, "When a job last succeeded", ["job"], registry=self.registry
        )
