"""Alerts, as Alertmanager told them."""

from aftertune.values.alert import Alert
from reports.cells import moment, table
from reports.document import Cell, Figure, Missing, Section
from reports.evidence import Evidence

COLUMNS = (
    ("alert", "Alert"),
    ("severity", "Severity"),
    ("deployment", "Deployment"),
    ("starts_at", "Fired (UTC)"),
    ("ends_at", "Resolved (UTC)"),
    ("lasted", "Lasted"),
    ("summary*", "Summary"),
)


def alerts(evidence: Evidence) -> Section:
    if not evidence.alerts:
        nothing = Missing(
            text="No alert was received in this week. That is no proof of health: alerts come from "
            "Prometheus and Alertmanager, and none are received where these are not connected."
        )
        return Section(name="alerts", title="Alerts", blocks=(nothing,))
    found = table("Alerts", COLUMNS, (_row(alert) for alert in evidence.alerts))
    return Section(name="alerts", title="Alerts", blocks=(found,))


def _row(alert: Alert) -> tuple[Cell, ...]:
    lasted = Figure(value=None, unit="s", missing="still firing at the watermark")
    if alert.ends_at is not None:
        lasted = Figure(value=round((alert.ends_at - alert.starts_at).total_seconds(), 1), unit="s", n=1)
    return (
        alert.name,
        alert.severity,
        alert.deployment or "all",
        moment(alert.starts_at),
        moment(alert.ends_at),
        lasted,
        alert.summary,
    )
