"""What Grafana reads at its start: its data source, where its boards lie, and the alert rules."""

from typing import Any

from dashboards import links
from dashboards.annotations import for_grafana
from dashboards.rows import panel_id
from dashboards.rules import GROUP, RULES, Rule

FOLDER = "Aftertune"
FOLDER_UID = "aftertune"
PROMETHEUS = "http://prometheus:9090"
BOARDS = "/etc/aftertune/boards"
"""The folder of the board in Grafana's container."""

INTERVAL_S = 10
"""Grafana's shortest."""

_ORGANISATION = 1
_EXPRESSION = "__expr__"


def data_sources() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": links.DATA_SOURCE_UID,
                "type": "prometheus",
                "access": "proxy",
                "orgId": _ORGANISATION,
                "url": PROMETHEUS,
                "isDefault": True,
                "editable": False,
                "jsonData": {"httpMethod": "POST", "timeInterval": "5s"},
            }
        ],
    }


def board_folders() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "aftertune",
                "orgId": _ORGANISATION,
                "folder": FOLDER,
                "folderUid": FOLDER_UID,
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": BOARDS},
            }
        ],
    }


def alert_rules() -> dict[str, Any]:
    """The file form. They notify nobody until Grafana has a contact point: in compose, Alertmanager tells."""
    rules = [
        {
            **grafana_rule(rule, links.DATA_SOURCE_UID),
            "dashboardUid": links.BOARD_UID,
            "panelId": panel_id(rule.panel),
        }
        for rule in RULES
    ]
    group = {
        "orgId": _ORGANISATION,
        "name": GROUP,
        "folder": FOLDER,
        "interval": f"{INTERVAL_S}s",
        "rules": rules,
    }
    return {"apiVersion": 1, "groups": [group]}


def grafana_rule(rule: Rule, data_source: str) -> dict[str, Any]:
    """What Grafana's file form and its HTTP form have in common.

    Query A yields a series for each thing that is wrong; B says that any value above 0 fires; no series: all is well.
    """
    return {
        "uid": rule.uid,
        "title": rule.name,
        "condition": "B",
        "data": [_query(rule, data_source), _above_zero()],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule.hold,
        "labels": {"severity": rule.severity.value},
        "annotations": for_grafana(rule),
        "isPaused": False,
    }


def _query(rule: Rule, data_source: str) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasourceUid": data_source,
        "relativeTimeRange": {"from": rule.window_s, "to": 0},
        "model": {
            "refId": "A",
            "datasource": {"type": "prometheus", "uid": data_source},
            "expr": rule.expression,
            "instant": True,
            "range": False,
        },
    }


def _above_zero() -> dict[str, Any]:
    return {
        "refId": "B",
        "datasourceUid": _EXPRESSION,
        "relativeTimeRange": {"from": 0, "to": 0},
        "model": {
            "refId": "B",
            "datasource": {"type": _EXPRESSION, "uid": _EXPRESSION},
            "type": "threshold",
            "expression": "A",
            "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
        },
    }
