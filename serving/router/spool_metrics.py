"""What a scrape is told of the spool: the writer's plain counts, read when somebody asks."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aftertune import telemetry
from serving.router.spool import SpoolWriter


class SpoolCollector(Collector):
    def __init__(self, writer: SpoolWriter, registry: CollectorRegistry) -> None:
        self._writer = writer
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        counts, syncs = self._writer.counts, self._writer.syncs
        yield CounterMetricFamily(telemetry.SPOOL_RECORDS, "Records written.", counts.records)
        yield CounterMetricFamily(telemetry.SPOOL_BYTES, "Bytes written.", counts.bytes)
        lost = CounterMetricFamily(telemetry.SPOOL_LOST, "Records not kept.", labels=("reason",))
        for reason, records in counts.lost.items():
            lost.add_metric((reason.value,), records)
        yield lost
        yield CounterMetricFamily(telemetry.SPOOL_FSYNCS, "Calls of fdatasync.", syncs.calls)
        yield CounterMetricFamily(telemetry.SPOOL_FSYNC_SECONDS, "Seconds in fdatasync.", syncs.seconds)
        yield CounterMetricFamily(telemetry.SPOOL_FSYNC_ERRORS, "Calls that failed.", syncs.errors)
        yield GaugeMetricFamily(telemetry.SPOOL_DISK_BYTES, "What segments hold.", counts.bytes_on_disk)
        yield GaugeMetricFamily(telemetry.SPOOL_BUDGET_BYTES, "What they may hold.", counts.budget_bytes)
        yield GaugeMetricFamily(
            telemetry.SPOOL_OLDEST_SECONDS, "Age of the oldest record in a segment.", counts.oldest_s
        )
