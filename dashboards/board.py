"""The Grafana board, built with Grafana's own typed builders."""

import json
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)

from aftertune import telemetry
from dashboards import links
from dashboards.panel import Kind, Panel, Query
from dashboards.rows import ROWS, panel_id
from dashboards.rows.route import SWITCHES

TITLE = "Aftertune"
WIDTH, HEIGHT = 12, 8
_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_NAMES = "ABCDEFGH"


def board() -> dict[str, Any]:
    """As file provisioning takes it, and the field `dashboard` of POST /api/dashboards/db."""
    built = (
        dashboard.Dashboard(TITLE)
        .uid(links.BOARD_UID)
        .description(
            "What users get, what the judge sees, how the rooms are. Written by `python -m dashboards`."
        )
        .tags(["aftertune"])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .variables([_data_source(), _deployment()])
        .annotation(_switches())
    )
    for row in ROWS:
        built = built.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            built = built.with_panel(_panel(panel))
    encoded: dict[str, Any] = json.loads(JSONEncoder().encode(built.build()))
    return encoded


def _data_source() -> dashboard.DatasourceVariable:
    return dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _deployment() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("deployment")
        .label("Deployment")
        .datasource(_SOURCE)
        .query(f"label_values({telemetry.ROUTE_GENERATION}, deployment)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def _switches() -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name("Switches")
        .datasource(_SOURCE)
        .enable(True)
        .icon_color("purple")
        .expr(SWITCHES)
        .step("15s")
        .title_format("{{deployment}}: another generation")
    )


def _panel(panel: Panel) -> timeseries.Panel | stat.Panel:
    built = _course(panel) if panel.kind is Kind.COURSE else _newest()
    for name, query in zip(_NAMES, panel.queries, strict=False):
        built = built.with_target(_query(name, query, panel.kind))
    return (
        built.id(panel_id(panel.title))
        .title(panel.title)
        .description(panel.description)
        .datasource(_SOURCE)
        .unit(panel.unit)
        .height(HEIGHT)
        .span(WIDTH)
    )


def _course(panel: Panel) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
    )
    built = timeseries.Panel().legend(legend).min(0)
    if panel.limit is None:
        return built
    steps = [Threshold(value=None, color="green"), Threshold(value=panel.limit, color="red")]
    return built.thresholds(
        dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    ).thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))


def _newest() -> stat.Panel:
    return stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _query(name: str, query: Query, kind: Kind) -> prometheus.Dataquery:
    built = prometheus.Dataquery().ref_id(name).expr(query.expression).legend_format(query.legend)
    return built.range() if kind is Kind.COURSE else built.instant()
