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
                Query(total(rate(counter(telemetry.SPOOL_ERRORS))), "not written"),
                Query(_REFUSED, "refused {{reason}}"),
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
            "Tables that a router refused as older than its own.",
            Unit.NUMBER,
            (Query(total(events(counter(telemetry.TABLE_REFUSED)), "instance"), "{{instance}}"),),
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
