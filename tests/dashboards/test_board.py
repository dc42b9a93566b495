"""The board's form: what a linter for dashboards asks, and that Grafana's own models read it back unchanged.

Left out on purpose: variables for job and instance. Each of our metrics is exported by one job, whose name a query
says where two export the same one.
"""

import json
import re
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from aftertune import telemetry
from dashboards.generate import BOARD, FOLDER
from dashboards.panel import Unit
from dashboards.provisioning import BOARDS
from dashboards.rows import panel_id
from dashboards.rules import RULES

BOARD_JSON: dict[str, Any] = json.loads((FOLDER / BOARD).read_text())
PANELS = [panel for panel in BOARD_JSON["panels"] if panel["type"] != "row"]
METRICS = {
    value for name, value in vars(telemetry).items() if name.isupper() and str(value).startswith("aftertune_")
}
HISTOGRAMS = {telemetry.REQUEST_SECONDS, telemetry.FIRST_BYTE_SECONDS, telemetry.ROLLBACK_SECONDS}
HISTOGRAMS |= {telemetry.EMBEDDING_SECONDS}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel["targets"]]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in set(Unit)
    assert panel["datasource"] == SOURCE
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["expr"]
        assert target["legendFormat"]
    names = [target["refId"] for target in panel["targets"]]
    assert len(set(names)) == len(names)


def test_titles_and_numbers_are_unique() -> None:
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    assert [panel["id"] for panel in PANELS] == list(range(1, len(PANELS) + 1))


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD_JSON["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place.get("x", 0), place.get("x", 0) + place["w"])
            for y in range(place.get("y", 0), place.get("y", 0) + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_the_board_cannot_be_edited_and_its_variables_are_fresh() -> None:
    source, deployment = BOARD_JSON["templating"]["list"]

    assert BOARD_JSON["editable"] is False
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    assert deployment["datasource"] == SOURCE
    assert deployment["refresh"] == 2
    assert deployment["includeAll"]


@pytest.mark.parametrize("expression", expressions())
def test_a_query_reads_only_metrics_that_exist(expression: str) -> None:
    for name in re.findall(r"aftertune_\w+", expression):
        assert re.sub(r"_(total|bucket)$", "", name) in METRICS, name


@pytest.mark.parametrize("expression", expressions())
def test_a_counter_is_never_shown_as_it_is(expression: str) -> None:
    for found in re.finditer(r"aftertune_\w+_(total|bucket)(\{[^}]*\})?", expression):
        before, after = expression[: found.start()], expression[found.end() :]
        if before.endswith("unless "):
            assert after.startswith(" offset $__range")
            continue
        assert before.endswith(("rate(", "increase(", "min_over_time("))
        assert after.startswith("[$__rate_interval]" if before.endswith("rate(") else "[$__range]")


@pytest.mark.parametrize("expression", expressions())
def test_a_quantile_is_taken_over_buckets(expression: str) -> None:
    for name in re.findall(r"aftertune_\w+_bucket", expression):
        assert name.removesuffix("_bucket") in HISTOGRAMS
        assert re.search(r"histogram_quantile\(0\.\d+, sum by \(le\b", expression)


def test_every_metric_of_ours_is_shown() -> None:
    shown = " ".join(
        [*expressions(), *(annotation["expr"] for annotation in BOARD_JSON["annotations"]["list"])]
    )

    assert {metric for metric in METRICS if metric not in shown} == set()


def test_switches_are_marked() -> None:
    (switches,) = BOARD_JSON["annotations"]["list"]

    assert "changes(aftertune_route_generation" in switches["expr"]
    assert switches["datasource"] == SOURCE


def test_grafanas_own_models_read_it_back_unchanged() -> None:
    register_default_plugins()

    assert json.loads(JSONEncoder().encode(Dashboard.from_json(BOARD_JSON))) == BOARD_JSON


def provisioned(name: str) -> Any:
    return yaml.safe_load((FOLDER / "grafana" / "provisioning" / name).read_text())


def test_the_provisioned_data_source_is_the_rules() -> None:
    (source,) = provisioned("datasources/prometheus.yaml")["datasources"]
    (group,) = provisioned("alerting/rules.yaml")["groups"]

    assert source["isDefault"]
    used = {query["datasourceUid"] for rule in group["rules"] for query in rule["data"]}
    assert used == {source["uid"], "__expr__"}


def test_provisioned_rules_are_prometheus_rules() -> None:
    (group,) = provisioned("alerting/rules.yaml")["groups"]
    (ours,) = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]

    assert [rule["title"] for rule in group["rules"]] == [rule["alert"] for rule in ours["rules"]]
    assert [rule["data"][0]["model"]["expr"] for rule in group["rules"]] == [r["expr"] for r in ours["rules"]]
    assert [rule["for"] for rule in group["rules"]] == [rule["for"] for rule in ours["rules"]]
    assert all(rule["panelId"] == panel_id(r.panel) for rule, r in zip(group["rules"], RULES, strict=True))
    assert len({rule["uid"] for rule in group["rules"]}) == len(RULES)


def test_boards_are_provisioned_where_they_are_mounted() -> None:
    (provider,) = provisioned("dashboards/aftertune.yaml")["providers"]

    assert provider["options"]["path"] == BOARDS
    assert not provider["allowUiUpdates"]
