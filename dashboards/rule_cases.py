"""What `promtool test rules` is asked of every rule: it fires, it does not fire, and where the boundary lies.

A series is written in promtool's notation: `1+2x30` is 1, then 30 more values, each 2 above the last; `_` is a gap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aftertune import telemetry
from dashboards.annotations import annotations
from dashboards.rules import EVALUATED_EVERY, LEAST_REQUESTS, RULES, Rule

_DEPLOYMENT = {"deployment": "tasks"}


@dataclass(frozen=True)
class Fired:
    """`labels` without alertname and severity; `shown`: the value as the texts write it."""

    labels: Mapping[str, str]
    shown: str


@dataclass(frozen=True)
class Case:
    """`firing`: every alert that fires at `at`."""

    name: str
    alert: str
    series: Mapping[str, str]
    at: str
    firing: tuple[Fired, ...] = ()


def _requests(code_class: str, role: str = "stable") -> str:
    labels = f'deployment="tasks",role="{role}",code_class="{code_class}"'
    return f"{telemetry.REQUESTS}_total{{{labels}}}"


def _alarm(cause: str) -> str:
    return f'{telemetry.DRIFT_ALARM}{{deployment="tasks",cause="{cause}"}}'


def _watch(metric: str, suite: str = "skills") -> str:
    return f'{telemetry.EVALUATION_WATCH}{{deployment="tasks",suite="{suite}",metric="{metric}"}}'


def _rollbacks(state: str) -> str:
    return f'{telemetry.ROLLBACKS}_total{{state="{state}"}}'


def _fallen(deployment: str = "tasks") -> str:
    return f'{telemetry.FALLEN_BACK}{{deployment="{deployment}"}}'


def _lost(reason: str) -> str:
    return f'{telemetry.SPOOL_LOST}_total{{reason="{reason}"}}'


def _retries() -> str:
    return f'{telemetry.RETRIES}_total{{reason="engine_unreachable"}}'


_RETRIES = "AftertuneEngineRetries"
_TURNED_AWAY = "AftertuneConnectionsTurnedAway"
_OLD = "AftertuneSpoolOld"
_SHED = "AftertuneCaptureShed"
_FALLEN = "AftertuneFallenBack"


def _pinned(instance: str) -> str:
    return f'{telemetry.ROUTE_PINNED}{{deployment="tasks",instance="{instance}"}}'


_ERRORS = "AftertuneRouterErrors"
_DRIFT = "AftertuneDrift"
_QUALITY = "AftertuneQualityDropped"
_ROLLBACK = "AftertuneRollbackUnproven"
_PINNED = "AftertunePinned"

# One value each 5 s: 24 steps are the window of 2 minutes.
CASES = (
    Case(
        "a tenth of the requests fails",
        _ERRORS,
        {_requests("2xx"): "0+9x60", _requests("5xx"): "0+1x60"},
        "4m",
        (Fired(_DEPLOYMENT, "10%"),),
    ),
    Case(
        "requests without an answer count as failed",
        _ERRORS,
        {_requests("2xx"): "0+9x60", _requests("none"): "0+1x60"},
        "4m",
        (Fired(_DEPLOYMENT, "10%"),),
    ),
    Case(
        "the canary's users count",
        _ERRORS,
        {_requests("2xx"): "0+9x60", _requests("5xx", "canary"): "0+1x60"},
        "4m",
        (Fired(_DEPLOYMENT, "10%"),),
    ),
    Case(
        "just above the limit: 6 in 101",
        _ERRORS,
        {_requests("2xx"): "0+95x60", _requests("5xx"): "0+6x60"},
        "4m",
        (Fired(_DEPLOYMENT, "5.941%"),),
    ),
    Case(
        "at the limit: 5 in 100",
        _ERRORS,
        {_requests("2xx"): "0+95x60", _requests("5xx"): "0+5x60"},
        "4m",
    ),
    Case(
        "the shadow may fail",
        _ERRORS,
        {
            _requests("2xx"): "0+9x60",
            _requests("5xx", "shadow"): "0+9x60",
            _requests("none", "shadow"): "0+9x60",
        },
        "4m",
    ),
    Case(
        "what clients do wrong is no failure",
        _ERRORS,
        {_requests("2xx"): "0+1x60", _requests("4xx"): "0+9x60"},
        "4m",
    ),
    Case(
        f"all fail, but of 19.9 requests, not of {LEAST_REQUESTS}",
        _ERRORS,
        {_requests("5xx"): "0+0.83x60"},
        "4m",
    ),
    Case(
        f"all fail, of 20.2 requests, just over {LEAST_REQUESTS}",
        _ERRORS,
        {_requests("5xx"): "0+0.84x60"},
        "4m",
        (Fired(_DEPLOYMENT, "100%"),),
    ),
    Case(
        "it must last: 10 s after the first failure nothing is said",
        _ERRORS,
        {_requests("2xx"): "0+9x60", _requests("5xx"): "0x24 0+20x30"},
        "2m10s",
    ),
    Case("no data", _ERRORS, {_requests("2xx"): "_x60"}, "4m"),
    Case(
        "it ends when the failures end",
        _ERRORS,
        {_requests("2xx"): "0+9x120", _requests("5xx"): "0+1x36 36x84"},
        "9m",
    ),
    Case(
        "an alarm, with its cause",
        _DRIFT,
        {_alarm("users_changed"): "0x6 1x6"},
        "45s",
        (Fired({"deployment": "tasks", "cause": "users_changed"}, "1"),),
    ),
    Case("no alarm", _DRIFT, {_alarm("users_changed"): "0x20", _alarm("model_changed"): "0x20"}, "1m"),
    Case("the step before the alarm", _DRIFT, {_alarm("users_changed"): "0x6 1x6"}, "30s"),
    Case(
        "the step of the alarm",
        _DRIFT,
        {_alarm("users_changed"): "0x6 1x6"},
        "35s",
        (Fired({"deployment": "tasks", "cause": "users_changed"}, "1"),),
    ),
    Case("a relearned reference ends it", _DRIFT, {_alarm("model_changed"): "1x6 0x12"}, "1m"),
    Case("drift that was not measured is no drift", _DRIFT, {_alarm("none"): "_x20"}, "1m"),
    Case(
        "one metric fell, the other did not",
        _QUALITY,
        {_watch("right"): "0x6 1x6", _watch("exact"): "0x12"},
        "45s",
        (Fired({"deployment": "tasks", "suite": "skills", "metric": "right"}, "1"),),
    ),
    Case("the step before the fall was found", _QUALITY, {_watch("right"): "0x6 1x6"}, "30s"),
    Case("quiet nights", _QUALITY, {_watch("right"): "0x20", _watch("exact", "tools"): "0x20"}, "1m"),
    Case("a night that was not measured says nothing", _QUALITY, {_watch("right"): "_x20"}, "1m"),
    Case("another release ends it", _QUALITY, {_watch("right"): "1x6 0x12"}, "1m"),
    Case(
        "a failed rollback, in a series that exists",
        _ROLLBACK,
        {_rollbacks("failed"): "0x6 1x60"},
        "1m",
        (Fired({"state": "failed"}, "1"),),
    ),
    Case(
        "a partial rollback that begins its series",
        _ROLLBACK,
        {_rollbacks("partial"): "_x6 1x60"},
        "1m",
        (Fired({"state": "partial"}, "1"),),
    ),
    Case(
        "a second failed rollback, hours later",
        _ROLLBACK,
        {_rollbacks("failed"): "1x1440 2x60"},
        "2h1m",
        (Fired({"state": "failed"}, "1"),),
    ),
    Case("completed rollbacks", _ROLLBACK, {_rollbacks("completed"): "0x6 1x6 2x60"}, "1m"),
    Case(
        "just inside the window",
        _ROLLBACK,
        {_rollbacks("failed"): "_x6 1x600"},
        "10m",
        (Fired({"state": "failed"}, "1"),),
    ),
    Case("after the window", _ROLLBACK, {_rollbacks("failed"): "_x6 1x600"}, "10m40s"),
    Case(
        "a monitor that starts again counts from nothing",
        _ROLLBACK,
        {_rollbacks("failed"): "1x240 _x12 0x60"},
        "24m",
    ),
    Case("no rollbacks at all", _ROLLBACK, {}, "1m"),
    Case(
        "a tenth of the requests needs another engine",
        _RETRIES,
        {_requests("2xx"): "0+10x180", _retries(): "0+1x180"},
        "10m",
        (Fired({}, "10%"),),
    ),
    Case(
        "a twentieth of them does",
        _RETRIES,
        {_requests("2xx"): "0+20x180", _retries(): "0+1x180"},
        "10m",
    ),
    Case(
        "an engine that comes back soon",
        _RETRIES,
        {_requests("2xx"): "0+10x180", _retries(): "0+1x6 6x174"},
        "3m",
    ),
    Case("few requests", _RETRIES, {_requests("2xx"): "0+0.1x180", _retries(): "0+0.1x180"}, "10m"),
    Case(
        "connections too many",
        _TURNED_AWAY,
        {f'{telemetry.TURNED_AWAY}_total{{instance="{router}"}}': "0x12 0+1x60" for router in "ab"},
        "3m",
        (Fired({}, "46"),),
    ),
    Case("every connection is served", _TURNED_AWAY, {f"{telemetry.TURNED_AWAY}_total": "0x60"}, "3m"),
    Case(
        "there were too many, some time ago",
        _TURNED_AWAY,
        {f"{telemetry.TURNED_AWAY}_total": "0x3 5x120"},
        "9m",
    ),
    Case(
        "previous good answers",
        _FALLEN,
        {_fallen(): "0x6 1x6", _fallen("plant"): "0x12"},
        "45s",
        (Fired(_DEPLOYMENT, "1"),),
    ),
    Case(
        "two routers hold it",
        _PINNED,
        {_pinned("a"): "_x6 1x6", _pinned("b"): "_x6 1x6"},
        "45s",
        (Fired(_DEPLOYMENT, "2"),),
    ),
    Case("nobody holds it", _PINNED, {_pinned("a"): "_x20"}, "1m"),
    Case("nobody holds it any more", _PINNED, {_pinned("a"): "1x6 _x20"}, "7m"),
    Case("stable answers", _FALLEN, {_fallen(): "0x20"}, "1m"),
    Case(
        "just over an hour in the spool",
        _OLD,
        {f"{telemetry.SPOOL_OLDEST_SECONDS}{{instance='r1'}}": "3595+1x60"},
        "2m",
        (Fired({}, "1h 0m 19s"),),
    ),
    Case("an hour in the spool", _OLD, {telemetry.SPOOL_OLDEST_SECONDS: "3600x60"}, "3m"),
    Case("it must last a minute", _OLD, {telemetry.SPOOL_OLDEST_SECONDS: "0x12 4000x60"}, "1m30s"),
    Case("an empty spool", _OLD, {telemetry.SPOOL_OLDEST_SECONDS: "0x60"}, "3m"),
    Case(
        "the disk budget is used up",
        _SHED,
        {_lost("disk_budget"): "0x12 0+10x60", _lost("disk"): "0x72"},
        "3m",
        (Fired({"reason": "disk_budget"}, "230"),),
    ),
    Case("every exchange is recorded", _SHED, {_lost("disk_budget"): "0x60"}, "3m"),
    Case("what was lost is some time ago", _SHED, {_lost("disk"): "0x3 5x120"}, "9m"),
    Case("stable answers again", _FALLEN, {_fallen(): "1x6 0x20"}, "1m"),
)


def test_file(rule_file: str) -> dict[str, Any]:
    return {
        "rule_files": [rule_file],
        "evaluation_interval": EVALUATED_EVERY,
        "tests": [_test(case) for case in CASES],
    }


def _test(case: Case) -> dict[str, Any]:
    (rule,) = (rule for rule in RULES if rule.name == case.alert)
    return {
        "name": f"{case.alert}: {case.name}",
        "interval": "5s",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {
                "eval_time": case.at,
                "alertname": case.alert,
                "exp_alerts": [_expected(rule, fired) for fired in case.firing],
            }
        ],
    }


def _expected(rule: Rule, fired: Fired) -> dict[str, Any]:
    return {
        "exp_labels": {"severity": rule.severity.value, **fired.labels},
        "exp_annotations": annotations(rule, fired.shown, fired.labels.__getitem__),
    }
