"""Which release is in force, and what the judge and the controller did."""

from aftertune import telemetry
from dashboards.panel import Kind, Panel, Query, Row, Unit
from dashboards.promql import DEPLOYMENT, WINDOW, counter, events, greatest, or_zero, quantile, series, total

_GENERATION = series(telemetry.ROUTE_GENERATION, DEPLOYMENT)
_PINNED = or_zero(
    total(series(telemetry.ROUTE_PINNED, DEPLOYMENT), "deployment"), greatest(_GENERATION, "deployment")
)
_FALLEN_BACK = or_zero(
    greatest(series(telemetry.FALLEN_BACK, DEPLOYMENT), "deployment"), greatest(_GENERATION, "deployment")
)
SWITCHES = f"{greatest(f'changes({_GENERATION}[{WINDOW}])', 'deployment')} > 0"
"""Where the board draws a mark. A query needs no token, and its marks survive a restore of Grafana."""

ROUTE = Row(
    "Route, verdicts, rollbacks",
    (
        Panel(
            "Generation",
            "The generation in force at each router. It rises at every switch; two lines apart: a router lags.",
            Unit.NUMBER,
            (Query(greatest(_GENERATION, "deployment", "instance"), "{{deployment}} at {{instance}}"),),
        ),
        Panel(
            "Fallen back",
            "1 while previous good answers because every engine of stable is down. Pages.",
            Unit.NUMBER,
            (Query(_FALLEN_BACK, "{{deployment}}"),),
        ),
        Panel(
            "Pinned",
            "How many routers hold a deployment on one release by a pin file on their host.",
            Unit.NUMBER,
            (Query(_PINNED, "{{deployment}}"),),
        ),
        Panel(
            "Verdicts",
            "Verdicts in the time shown, by stage and outcome.",
            Unit.NUMBER,
            (Query(total(events(counter(telemetry.VERDICTS)), "stage", "outcome"), "{{stage}} {{outcome}}"),),
            Kind.NEWEST,
        ),
        Panel(
            "Rollbacks",
            "Rollbacks in the time shown, by how they ended. Anything but completed pages.",
            Unit.NUMBER,
            (Query(total(events(counter(telemetry.ROLLBACKS)), "state"), "{{state}}"),),
            Kind.NEWEST,
        ),
        Panel(
            "Rollback to proof",
            "From a rollback's request to its end: half and 99 % of them took no longer.",
            Unit.SECONDS,
            (
                Query(quantile(0.5, telemetry.ROLLBACK_SECONDS), "p50"),
                Query(quantile(0.99, telemetry.ROLLBACK_SECONDS), "p99"),
            ),
        ),
    ),
)
