"""Whether records are kept and the rooms work."""

from aftertune import telemetry
from dashboards.panel import Kind, Panel, Query, Row, Unit
from dashboards.promql import counter, events, greatest, or_zero, rate, series, total

_PUBLISHED = series(telemetry.ROUTING_REVISION, 'job="monitor"')
_IN_FORCE = series(telemetry.ROUTING_REVISION, 'job="router"')
_BEHIND = f"scalar({greatest(_PUBLISHED)}) - {greatest(_IN_FORCE, 'instance')}"
_REFUSED = or_zero(total(rate(counter(telemetry.INGEST_REFUSED)), "reason"), total(_PUBLISHED))
# The metric's own label `job` meets the scrape's: Prometheus keeps ours as `exported_job`.
_AGE = f"time() - {greatest(series(telemetry.TICK_TIMESTAMP), 'job', 'exported_job')}"
_SYNC_SECONDS = (
    f"{total(rate(counter(telemetry.SPOOL_FSYNC_SECONDS)), 'instance')}"
    f" / {total(rate(counter(telemetry.SPOOL_FSYNCS)), 'instance')}"
)

ROOMS = Row(
    "Records and rooms",
    (
        Panel(
            "Spool and ingest",
            "Exchanges a second that routers wrote and that the monitor stored: apart for long, the monitor lags.",
            Unit.RECORDS_PER_SECOND,
            (
                Query(total(rate(counter(telemetry.SPOOL_RECORDS))), "written"),
                Query(total(rate(counter(telemetry.INGESTED)), "role"), "stored {{role}}"),
            ),
        ),
        Panel(
            "Records lost or refused",
            "Should be zero: records that routers could not write, and that the monitor could not read.",
            Unit.RECORDS_PER_SECOND,
            (
                Query(total(rate(counter(telemetry.SPOOL_LOST)), "reason"), "not written {{reason}}"),
                Query(_REFUSED, "refused {{reason}}"),
            ),
        ),
        Panel(
            "Age of the oldest record in the spool",
            "Ingest deletes what it has stored: raw payloads wait here, at most an hour while it works.",
            Unit.SECONDS,
            (
                Query(
                    greatest(series(telemetry.SPOOL_OLDEST_SECONDS), "job", "instance"),
                    "{{job}} {{instance}}",
                ),
            ),
        ),
        Panel(
            "Spool on disk",
            "What routers' segments hold; at the budget, exchanges are no longer recorded.",
            Unit.BYTES,
            (
                Query(greatest(series(telemetry.SPOOL_DISK_BYTES), "instance"), "held {{instance}}"),
                Query(greatest(series(telemetry.SPOOL_BUDGET_BYTES)), "budget"),
            ),
        ),
        Panel(
            "Spool written",
            "Bytes a second that routers wrote.",
            Unit.BYTES_PER_SECOND,
            (Query(total(rate(counter(telemetry.SPOOL_BYTES)), "instance"), "{{instance}}"),),
        ),
        Panel(
            "Spool to disk",
            "Seconds that one fdatasync takes, and how many a second the disk refuses.",
            Unit.SECONDS,
            (
                Query(_SYNC_SECONDS, "each {{instance}}"),
                Query(total(rate(counter(telemetry.SPOOL_FSYNC_ERRORS)), "instance"), "refused {{instance}}"),
            ),
        ),
        Panel(
            "Since the last success",
            "How long ago each loop last finished a step.",
            Unit.SECONDS,
            (Query(_AGE, "{{job}} {{exported_job}}"),),
        ),
        Panel(
            "Engines",
            "Engines by state.",
            Unit.NUMBER,
            (Query(total(series(telemetry.ENGINES), "state"), "{{state}}"),),
        ),
        Panel(
            "Console",
            "Responses a second of the console, by class.",
            Unit.PER_SECOND,
            (Query(total(rate(counter(telemetry.CONSOLE_REQUESTS)), "code_class"), "{{code_class}}"),),
        ),
        Panel(
            "Routing tables behind",
            "How many tables each router is behind the monitor.",
            Unit.NUMBER,
            (Query(_BEHIND, "{{instance}}"),),
        ),
        Panel(
            "Routing tables refused",
            "Tables that a router refused as older than its own, and pin files that it could not trust.",
            Unit.NUMBER,
            (
                Query(total(events(counter(telemetry.TABLE_REFUSED)), "instance"), "{{instance}}"),
                Query(total(events(counter(telemetry.PIN_REFUSED)), "instance"), "pin file at {{instance}}"),
            ),
            Kind.NEWEST,
        ),
        Panel(
            "Routers that stop",
            "1 while a router takes no new connections and lets answers under way end.",
            Unit.NUMBER,
            (Query(greatest(series(telemetry.DRAINING), "instance"), "{{instance}}"),),
            Kind.NEWEST,
        ),
        Panel(
            "Alerts told",
            "Alerts that Alertmanager told the monitor in the time shown.",
            Unit.NUMBER,
            (Query(total(events(counter(telemetry.ALERTS)), "state"), "{{state}}"),),
            Kind.NEWEST,
        ),
        Panel(
            "Rooms that answer",
            "1 while a room answers its scrape.",
            Unit.NUMBER,
            (Query("min by (job) (up)", "{{job}}"),),
            Kind.NEWEST,
        ),
    ),
)
