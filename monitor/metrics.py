"""The room's metrics, in a registry of their own."""

from collections.abc import Callable

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
        self.spool_oldest = Gauge(
            telemetry.SPOOL_OLDEST_SECONDS,
            "Age of the oldest record in a router's segments",
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
        self.fallen_back = Gauge(
            telemetry.FALLEN_BACK,
            "1 while previous good answers in place of stable",
            ["deployment"],
            registry=self.registry,
        )
        self.last_success = Gauge(
            telemetry.TICK_TIMESTAMP, "When a loop last succeeded", ["job"], registry=self.registry
        )
        self.drift = DriftMetrics(self.registry)

    def stamped(self, job: str, step: Callable[[], None]) -> Callable[[], None]:
        """The step, with a note of when it last succeeded."""

        def stamp() -> None:
            step()
            self.last_success.labels(job=job).set_to_current_time()

        return stamp


class DriftMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.statistic = Gauge(
            telemetry.DRIFT_STATISTIC,
            "Evidence of a change, in powers of ten",
            ["deployment", "chart"],
            registry=registry,
        )
        self.threshold = Gauge(
            telemetry.DRIFT_THRESHOLD,
            "Where a chart alarms",
            ["deployment", "chart"],
            registry=registry,
        )
        self.alarm = Gauge(
            telemetry.DRIFT_ALARM, "1 while in alarm", ["deployment", "cause"], registry=registry
        )
        self.measured = Gauge(
            telemetry.DRIFT_MEASURED,
            "0 while drift cannot be measured",
            ["deployment"],
            registry=registry,
        )
        self.observations = Gauge(
            telemetry.DRIFT_OBSERVATIONS,
            "Conversations watched since the reference was learnt",
            ["deployment"],
            registry=registry,
        )
        self.passed_over = Counter(
            telemetry.DRIFT_PASSED_OVER,
            "Exchanges that drift did not observe",
            ["deployment", "reason"],
            registry=registry,
        )
