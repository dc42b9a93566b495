"""Prometheus' configuration and its rule file."""

from typing import Any

from dashboards.annotations import for_prometheus
from dashboards.places import Place
from dashboards.rules import EVALUATED_EVERY, GROUP, RULES, Rule

SCRAPED_EVERY = "5s"
"""An alert is as late as scrape + evaluation + hold + Alertmanager's wait."""


def configuration(place: Place, rule_file: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": SCRAPED_EVERY, "evaluation_interval": EVALUATED_EVERY},
        "rule_files": [rule_file],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [place.alertmanager]}]}]},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}], **_found(job, place)}
            for job, target in place.targets.items()
        ],
    }


def _found(job: str, place: Place) -> dict[str, Any]:
    """How many routers there are, and where, only the monitor knows; without it the first one is still scraped."""
    return {"http_sd_configs": [{"url": place.routers, "refresh_interval": "15s"}]} if job == "router" else {}


def rule_file() -> dict[str, Any]:
    return {
        "groups": [
            {"name": GROUP, "interval": EVALUATED_EVERY, "rules": [_rule(rule) for rule in RULES]},
        ]
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expression,
        "for": rule.hold,
        "labels": {"severity": rule.severity.value},
        "annotations": for_prometheus(rule),
    }
